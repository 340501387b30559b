import { describe, expect, test } from 'vitest';
import { checkKey, type KeyUse, oddParity } from '../../../controller/keys/check-key.js';
import { Secret } from '../../../controller/model/secret.js';

const encr = (algorithm: string): KeyUse => ({ kind: 'encr', algorithm });
const auth = (algorithm: string): KeyUse => ({ kind: 'auth', algorithm });
const GOOD_DES = '0123456789abcdef';

describe('a key that may be used', () => {
  test.each<[KeyUse, string]>([
    [{ kind: 'psk' }, '00112233445566778899aabbccddeeff'],
    [encr('des'), GOOD_DES],
    [encr('3des'), `${GOOD_DES}1032547698badcfe2301674589efcdab`],
    [encr('blowfish'), '00112233445566778899aabbccddeeff'],
    [encr('aes(192)'), '00112233445566778899aabbccddeeff0011223344556677'],
    [encr('aes-gcm(128)'), '00112233445566778899aabbccddeeff01020304'],
    [auth('sha1'), '00112233445566778899aabbccddeeff00112233'],
  ])('%o', (use, hex) => {
    expect(checkKey(use, Secret.fromHex(hex))).toBeUndefined();
  });
});

describe('a key that may not', () => {
  test.each<[string, KeyUse, string, string]>([
    ['a short PSK', { kind: 'psk' }, '0011223344556677', 'a PSK of 64 bits is too short: 128 at least'],
    ['a PSK of zeros', { kind: 'psk' }, '00'.repeat(32), 'it is one byte over and over'],
    ['a repeated byte', encr('aes'), 'a5'.repeat(16), 'it is one byte over and over'],
    ['zeros for integrity', auth('sha256'), '00'.repeat(32), 'it is one byte over and over'],
    ['too short', encr('aes(256)'), '0123456789abcdef'.repeat(2), '128 bits is not a key length of aes(256)'],
    [
      'between two lengths',
      encr('aes'),
      '0123456789abcdef'.repeat(2) + '01234567',
      '160 bits is not a key length of aes',
    ],
    ['too long', auth('sha1'), '01'.repeat(10) + '02'.repeat(11), '168 bits is not a key length of sha1'],
    [
      'without its salt',
      encr('aes-gcm(256)'),
      '0123456789abcdef'.repeat(4),
      '256 bits is not a key length of aes-gcm(256)',
    ],
    ['any for null', encr('null'), '01', 'null takes no key'],
    ['an unknown algorithm', encr('rot13'), '01', '"rot13" is not a known encryption algorithm'],
    ['a length that does not exist', encr('aes(512)'), '01', 'aes-cbc has no key of 512 bits'],
    ['wrong parity', encr('des'), '0123456789abcdee', 'its parity bits are wrong'],
    ['weak DES', encr('des'), '1f1f1f1f0e0e0e0e', 'it holds a weak DES key'],
    ['semi-weak DES', encr('des'), '01fe01fe01fe01fe', 'it holds a weak DES key'],
    ['3DES with a weak part', encr('3des'), `${GOOD_DES}e0e0e0e0f1f1f1f12301674589efcdab`, 'it holds a weak DES key'],
    ['3DES that is DES', encr('3des'), `${GOOD_DES}${GOOD_DES}2301674589efcdab`, 'two of its three DES keys are alike'],
    [
      '3DES with equal ends',
      encr('3des'),
      `${GOOD_DES}2301674589efcdab${GOOD_DES}`,
      'two of its three DES keys are alike',
    ],
  ])('%s', (_name, use, hex, reason) => {
    expect(checkKey(use, Secret.fromHex(hex))).toBe(reason);
  });
});

test('parity is odd for every byte, and leaves its seven bits', () => {
  for (let byte = 0; byte < 256; byte++) {
    const fixed = oddParity(byte);
    expect(fixed >> 1).toBe(byte >> 1);
    expect([...fixed.toString(2)].filter((bit) => bit === '1').length % 2).toBe(1);
  }
});
