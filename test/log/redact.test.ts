import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { namesSecret, redactFields } from '../../controller/log/redact.js';
import { Secret } from '../../controller/model/secret.js';

const HEX = '9f3c51de00aa11bb22cc33dd44ee55ff';

describe('what a log may hold', () => {
  test.each([
    'key',
    'psk',
    'encrKey',
    'auth_key',
    'authkey-secret',
    'password',
    'Passphrase',
    'nonce',
    'txNonce',
    'keys',
  ])('a field named %s is masked', (name) =>
    expect(redactFields({ [name]: 'hunter2' })).toEqual({ [name]: '[masked]' }),
  );

  test.each(['keyId', 'passwordEnv', 'keyStore', 'keyFile', 'monkey', 'keying', 'hostKeyFingerprint', 'key_bits'])(
    'a field named %s is about a secret or none, and stays',
    (name) => expect(namesSecret(name)).toBe(false),
  );

  test('a secret stays closed wherever it is', () => {
    const secret = Secret.fromText('hunter2');
    const text = JSON.stringify(
      redactFields({ a: secret, b: [secret], c: { d: secret }, e: new Map([['f', secret]]) }),
    );
    expect(text).toBe('{"a":"[secret]","b":["[secret]"],"c":{"d":"[secret]"},"e":{"f":"[secret]"}}');
  });

  test('long hex is masked in sentences, errors and causes, and shown only in fields of digests', () => {
    const error = new Error(`bad key ${HEX}`, { cause: new Error(`0x${HEX}/128`) });
    expect(redactFields({ text: `add esp encrkey ${HEX} end`, error, sha256: HEX.repeat(2), other: HEX })).toEqual({
      text: 'add esp encrkey [masked] end',
      error: { name: 'Error', message: 'bad key [masked]', cause: { name: 'Error', message: '0x[masked]/128' } },
      sha256: HEX.repeat(2),
      other: '[masked]',
    });
  });

  test('private keys and age identities are masked', () => {
    const pem = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----';
    expect(redactFields({ text: `${pem} AGE-SECRET-KEY-1QQQ` })).toEqual({ text: '[masked] [masked]' });
  });

  test('bytes, cycles and odd values do not get through and do not stop it', () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const text = JSON.stringify(
      redactFields({ bytes: Buffer.from('hunter2'), cycle, n: NaN, f: () => 1, u: undefined }),
    );
    expect(text).not.toContain('hunter2');
    expect(text).toContain('[7 bytes]');
  });

  test('a planted key is in no event, whatever surrounds it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), (value, around) => {
        const text = JSON.stringify(
          redactFields({ value, around: `${around} ${HEX} ${around}`, deep: [{ value: HEX }] }),
        );
        return !text.includes(HEX);
      }),
    );
  });
});
