/** `policy predict`: verdicts, what a person is shown, and what stays hidden. The recorded cases are in test/cli/policy-predict.test.ts. */

import { describe, expect, test } from 'vitest';
import { InputProblems } from '../../../controller/errors.js';
import { predictFile } from '../../../controller/keys/predict-file.js';
import { guessKind } from '../../../controller/policy/guess-kind.js';
import { readHosts } from '../../../controller/policy/read-hosts.js';
import { REFERENCE_HOST, UNKNOWN_HOST } from '../../../controller/policy/reference-host.js';
import { plain } from '../../../controller/report/paint.js';
import { predictText } from '../../../controller/report/predict-text.js';
import { recordedAnswer } from '../../../controller/report/recorded-answer.js';

const CIPHER_KEY = '069a55491fc3ec51e9e6ca0a730ba2c0';
const ODD_KEY = 'feedfacefeedface';
const SA = `add esp spi 0x1001 src 10.0.0.1 dst 10.0.0.2 encr_alg aes encrkey ${CIPHER_KEY}\n`;

const verdict = (kind: 'policy' | 'keys', text: string): string =>
  predictFile(kind, text, REFERENCE_HOST, 'masked').verdict;

describe('a word says what becomes of a file', () => {
  test.each([
    ['policy', '{} ipsec {encr_algs aes encr_auth_algs sha256}\n', 'installs'],
    ['policy', '{lport 22} bypass {}\n', 'installs-nothing'],
    ['policy', '', 'installs-nothing'],
    ['policy', '{} deny {}\n', 'refused'],
    ['policy', '{ulp icmp type} pass {}\n', 'crash'],
    ['policy', '{} ipsec {encr_algs any encr_auth_algs any auth_algs any}\n', 'installs'],
    ['keys', SA, 'installs'],
    ['keys', 'flush\n', 'installs-nothing'],
    ['keys', SA.replace(CIPHER_KEY, '0123'), 'checks-only'],
    ['keys', SA + SA, 'partly'],
    ['keys', 'add esp inbound spi 1\n', 'crash'],
    ['keys', 'add esp spi 0\n', 'refused'],
  ] as const)('%s %j: %s', (kind, text, word) => {
    expect(verdict(kind, text)).toBe(word);
  });
});

test('a listing that the real tool cannot print is no list, and says why', () => {
  const { installed, listError } = predictFile(
    'policy',
    '{} ipsec {encr_algs any encr_auth_algs any auth_algs any}\n',
    UNKNOWN_HOST,
    'masked',
  );
  expect(installed).toBeUndefined();
  expect(listError).toMatch(/^ipsecconf: dump read: message corruption, \d+ len exceeds 8192 boundary\.\n$/);
});

test('a person sees no key, and no word that may be one', () => {
  const text = `${SA}${SA}get esp spi 0x1001 dst 10.0.0.2\nadd esp spi 9 dst x encrkey ${ODD_KEY}zz\n${ODD_KEY} x\nadd ${ODD_KEY}\nadd esp ${ODD_KEY}\n`;
  const prediction = predictFile('keys', text, REFERENCE_HOST, 'masked');
  const shown = predictText({ file: 'ipseckeys', prediction }, plain) + JSON.stringify(prediction);
  expect(shown).not.toContain(CIPHER_KEY);
  expect(shown).not.toContain(ODD_KEY);
  expect(shown).toContain('spi 0x1001 encr_alg aes-cbc');
  expect(shown).toContain(`encrkey ${'X'.repeat(32)}/128`);
  expect(shown).toContain('near line 2');
  expect(JSON.stringify(predictFile('keys', text, REFERENCE_HOST, 'written'))).toContain(ODD_KEY);
});

test('a person reads the verdict first, then what is installed, then what the tool says', () => {
  const prediction = predictFile('policy', '{raddr webserver} apply {encr_algs aes}\n', REFERENCE_HOST, 'masked');
  expect(predictText({ file: 'a.conf', guessed: 'content', prediction }, plain).split('\n')).toEqual([
    'a.conf: accepted: 1 rule installed',
    '  read as a policy file (guessed from its content; --kind says otherwise)',
    '  ipsecconf -c FILE: exit status 0',
    '  ipsecconf -q -a FILE: exit status 0',
    '',
    'installed, as `ipsecconf -Ln` lists it:',
    '  { raddr 10.0.0.80/32 dir out } ipsec { encr_algs aes-cbc(128..256) sa shared }',
    '',
    'ipsecconf -c says:',
    '  ipsecconf: DANGER:  Rule on line 1 has encryption with no authentication.',
    '  IPsec configuration does not contain any errors.',
    '  IPsec policy was not modified.',
    '',
    'ipsecconf -q -a says:',
    '  ipsecconf: DANGER:  Rule on line 1 has encryption with no authentication.',
    '',
  ]);
});

test('the addresses of the host decide whether an SA may go out', () => {
  const text = SA.replace('src 10.0.0.1', 'src 10.7.7.7').replace('dst 10.0.0.2', 'dst 224.0.0.5');
  expect(verdict('keys', text.replace('src 10.7.7.7', 'src 224.0.0.5'))).toBe('checks-only');
  const nat = `add esp spi 5 src 10.0.0.3 dst 10.0.0.2 encap udp nat_loc 10.0.0.1 encr_alg aes encrkey ${CIPHER_KEY}\n`;
  const there = predictFile('keys', nat, REFERENCE_HOST, 'masked');
  const elsewhere = predictFile('keys', nat, UNKNOWN_HOST, 'masked');
  expect([there.load.exit, elsewhere.load.exit]).toEqual([1, 0]);
});

test.each([
  ['# a comment\n\n  {lport 22}', 'x', 'policy', 'content'],
  ['\uFEFF{}', 'ipseckeys', 'policy', 'content'],
  ['# keys\nadd esp', 'x', 'keys', 'content'],
  ['flush', 'ipsecinit.conf', 'keys', 'content'],
  ['', '/etc/inet/secret/ipseckeys', 'keys', 'name'],
  ['garbage', 'ipsecinit.conf', 'policy', 'name'],
] as const)('%j named %s is taken for %s by its %s', (text, name, kind, from) => {
  expect(guessKind(text, name)).toEqual({ kind, from });
});

test('what tells nothing is not guessed at', () => {
  expect(guessKind('', 'a.conf')).toBeUndefined();
  expect(guessKind('hello\n{}\n', 'a.conf')).toBeUndefined();
});

test('a hosts file gives names their addresses, and its mistakes have a line and a column', () => {
  const { hosts, services } = readHosts(
    '\uFEFF10.0.0.80 Web www # the server\r\nfd00::80\tweb\n10.0.0.80 web\n\n# x\n',
    'h',
  );
  expect(hosts.get('web')?.length).toBe(2);
  expect(hosts.get('www')?.length).toBe(1);
  expect(hosts.has('localhost')).toBe(false);
  expect(services.get('ssh')).toBe(22);
  const read = (): unknown => readHosts('127.0.0.1 a\n  10.0.0 b\nb 10.0.0.1\n', 'h');
  expect(read).toThrow(InputProblems);
  try {
    read();
  } catch (error) {
    expect(error instanceof InputProblems && error.problems.map(({ at }) => at)).toEqual([
      { file: 'h', line: 2, column: 3 },
      { file: 'h', line: 3, column: 1 },
    ]);
  }
});

test('long lists and texts are cut as recorded answers are, unless all is asked for', () => {
  const many = Array.from({ length: 12 }, (_, i) => SA.replace('0x1001', String(i + 1))).join('');
  const keys = predictFile('keys', many, REFERENCE_HOST, 'written');
  expect(recordedAnswer('a', keys, false)).toMatchObject({ saved: { length: 4, 3: '... 12 in all' }, nsaved: 12 });
  expect(recordedAnswer('a', keys, true)).toMatchObject({ saved: { length: 12 } });
  const lines = Array.from({ length: 40 }, (_, i) => `{lport ${i + 1}} ipsec {encr_algs any encr_auth_algs sha}\n`);
  const policy = predictFile('policy', lines.join(''), REFERENCE_HOST, 'written');
  expect(recordedAnswer(1, policy, false)).toMatchObject({ loaded: { length: 5, 4: '... 160 in all' }, nloaded: 160 });
  const wrong = predictFile('policy', '{} x {}\n'.repeat(50), REFERENCE_HOST, 'written');
  expect(recordedAnswer(1, wrong, false)).toMatchObject({
    stderr: wrong.check.stderr.slice(0, 300),
    accept: false,
  });
});

test('more rules or complaints than a call takes arguments are all shown', () => {
  const many = Array.from({ length: 130_000 }, () => 'x');
  const run = { exit: 0, stdout: '', stderr: many.join('\n') };
  const prediction = { kind: 'policy', verdict: 'installs', check: run, load: run, installed: many } as const;
  const text = predictText({ file: 'f', prediction }, plain);
  expect(text.split('\n  x')).toHaveLength(260_001);
});
