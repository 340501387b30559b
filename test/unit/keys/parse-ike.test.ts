import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { parseIkeConfig } from '../../../controller/keys/parse-ike-config.js';
import { parseIkePreshared } from '../../../controller/keys/parse-ike-preshared.js';

const XFORM = 'p1_xform { auth_method preshared oakley_group 14 auth_alg sha256 encr_alg aes(128..256) }';

function configProblems(text: string): string[] {
  return parseIkeConfig(text, 'config').problems.map(({ at, code }) => `${at?.line}:${at?.column} ${code}`);
}

test('a whole configuration is read', () => {
  const { config, problems } = parseIkeConfig(
    `# managed
p1_lifetime_secs 14400 // four hours
p2_pfs 14
ignore_crls
${XFORM}
{
  label "web1--db1"
  local_addr 10.0.0.1
  remote_addr 10.0.0.2-10.0.0.9
  remote_addr fd00::/64
  p2_lifetime_secs 3600
}
`,
    'config',
  );
  expect(problems).toEqual([]);
  expect([...config.globals]).toEqual([
    ['p1_lifetime_secs', 14400],
    ['p2_pfs', 14],
    ['ignore_crls', true],
  ]);
  expect(config.transforms).toEqual([
    {
      authMethod: 'preshared',
      oakleyGroup: 14,
      authAlg: 'sha256',
      encrAlg: 'aes',
      encrBits: { low: 128, high: 256 },
      lifetimeSeconds: undefined,
    },
  ]);
  expect(config.rules).toMatchObject([
    {
      label: 'web1--db1',
      at: { line: 6, column: 1 },
      p2LifetimeSeconds: 3600,
      remote: [{ kind: 'range' }, { kind: 'prefix' }],
    },
  ]);
});

test.each([
  ['a word that is no setting', 'bogus\n', ['1:1 IKE_UNKNOWN_WORD']],
  [
    'a rule without a transform anywhere',
    '{ label "a" local_addr 10.0.0.1 remote_addr 10.0.0.2 }',
    ['1:1 IKE_RULE_INCOMPLETE'],
  ],
  [
    'a rule without label and addresses',
    `${XFORM} { }`,
    ['1:91 IKE_RULE_INCOMPLETE', '1:91 IKE_RULE_INCOMPLETE', '1:91 IKE_RULE_INCOMPLETE'],
  ],
  [
    'two rules with one label',
    `${XFORM}\n${'{ label "a" local_addr 10.0.0.1 remote_addr 10.0.0.2 }\n'.repeat(2)}`,
    ['3:1 IKE_LABEL_TWICE'],
  ],
  ['an unknown group', XFORM.replace('14', '7'), ['1:47 IKE_TRANSFORM_VALUE']],
  ['key lengths for another cipher than aes', XFORM.replace('aes', '3des'), ['IKE_KEY_LENGTH']],
  [
    'a transform lacking a part',
    'p1_xform { auth_method preshared oakley_group 14 auth_alg sha256 }',
    ['1:1 IKE_TRANSFORM_INCOMPLETE'],
  ],
  ['a quote that is never closed', 'cert_root "x\n', ['1:11 IKE_UNCLOSED', 'IKE_VALUE_MISSING']],
  [
    'certificates without identities',
    `{ label "a" local_addr 10.0.0.1 remote_addr 10.0.0.2 ${XFORM.replace('preshared', 'rsa_sig')} }`,
    ['1:1 IKE_RULE_INCOMPLETE'],
  ],
  [
    'a nonce length in a rule',
    `${XFORM}\n{ label "a" p1_nonce_len 20 local_addr 10.0.0.1 remote_addr 10.0.0.2 }`,
    ['2:13 IKE_UNKNOWN_WORD', 'IKE_UNKNOWN_WORD'],
  ],
])('%s', (_, text, expected) => {
  const problems = configProblems(text);
  expect(problems).toHaveLength(expected.length);
  for (const [i, part] of expected.entries()) expect(problems[i]).toContain(part);
});

const BLOCK = '{ localidtype IP localid 10.1.1.2 remoteidtype IP remoteid 10.1.1.3 key 0123456789abcdef0123 }\n';

test('preshared keys are read, closed', () => {
  const { keys, problems } = parseIkePreshared(`# keys\n${BLOCK}`, 'psk');
  expect(problems).toEqual([]);
  expect(keys).toMatchObject([{ bits: 80, at: { line: 2, column: 1 } }]);
  expect(keys[0]?.key.revealHex()).toBe('0123456789abcdef0123');
  expect(inspect(keys, { depth: 9 })).not.toContain('0123456789abcdef');
});

test.each([
  ['0123/12', '0120', 12],
  ['0xabc', 'abc0', 16],
  ['"secret"', '736563726574', 48],
])('the key %s', (text, hex, bits) => {
  const { keys } = parseIkePreshared(BLOCK.replace('0123456789abcdef0123', text), 'psk');
  expect([keys[0]?.key.revealHex(), keys[0]?.bits]).toEqual([hex, bits]);
});

test.each([
  ['a key that is not hexadecimal', BLOCK.replace('0123456789abcdef0123', '0123xyzzy'), '1:73 PSK_KEY'],
  ['a name where an address belongs', BLOCK.replace('10.1.1.3', 'db1'), '1:60 PSK_ADDRESS'],
  ['the same two ends twice', BLOCK + BLOCK, '2:1 PSK_PAIR_TWICE'],
  ['a block that is not closed', BLOCK.replace('}', ''), '1:1 PSK_UNCLOSED'],
  ['a value missing', '{ key }\n', '1:7 PSK_SHAPE'],
  ['an unknown name', BLOCK.replace('key', 'secret 1 key'), '1:69 PSK_UNKNOWN_NAME'],
])('%s is a problem, without a word of the key', (_, text, expected) => {
  const { problems } = parseIkePreshared(text, 'psk');
  expect(problems.map(({ at, code }) => `${at?.line}:${at?.column} ${code}`)).toEqual([expected]);
  expect(JSON.stringify(problems)).not.toMatch(/0123|xyzzy/);
});
