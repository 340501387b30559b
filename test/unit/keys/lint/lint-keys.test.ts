import { expect, test } from 'vitest';

import { lintFile, type FileReport } from '../../../../controller/keys/lint/lint-file.js';
import type { LintKind } from '../../../../controller/keys/lint/rule-book.js';
import { parseAddress } from '../../../../controller/model/address.js';
import { REFERENCE_HOST } from '../../../../controller/policy/reference-host.js';
import { lintText } from '../../../../controller/report/lint-text.js';
import { plain } from '../../../../controller/report/paint.js';
import { readCases } from '../../policy/corpus.js';

function lint(kind: LintKind, text: string, local: readonly string[] = [], mode?: number): FileReport {
  const addresses = local.flatMap((one) => parseAddress(one) ?? []);
  return lintFile(kind, text, { names: REFERENCE_HOST.names, local: addresses, today: '2026-11-22', mode });
}

function codes(kind: LintKind, text: string, local?: readonly string[], mode?: number): readonly string[] {
  return lint(kind, text, local, mode)
    .findings.filter(({ severity }) => severity !== 'info')
    .map(({ code }) => code);
}

const KEY = '8d2e1f60b7c94a35d1e0f2a3948576c1';
const OTHER = '1b0a9f8e7d6c5b4a39281706f5e4d3b2';
const ESP = (spi: string, src: string, dst: string, rest: string): string =>
  `add esp spi ${spi} src ${src} dst ${dst} ${rest}\n`;
const AH = (spi: string, src: string, dst: string, key: string): string =>
  `add ah spi ${spi} src ${src} dst ${dst} auth_alg sha256 authkey ${key}${key.split('').reverse().join('')}\n`;
const CBC = (key: string): string => `encr_alg aes encrkey ${key}`;

test.each([
  ['one SPI towards two hosts', AH('300', '10.0.0.1', '10.0.0.9', KEY) + AH('300', '10.0.0.9', '10.0.0.1', OTHER), []],
  [
    'one SPI for AH and ESP',
    AH('300', '10.0.0.1', '10.0.0.9', KEY) +
      AH('301', '10.0.0.9', '10.0.0.1', OTHER) +
      ESP('300', '10.0.0.1', '10.0.0.9', CBC(KEY.replace('8d', '8e'))) +
      ESP('301', '10.0.0.9', '10.0.0.1', CBC(OTHER.replace('1b', '1c'))),
    [],
  ],
  [
    'one SPI in two notations',
    AH('0x12c', '10.0.0.1', '10.0.0.9', KEY) +
      AH('300', '10.0.0.1', '10.0.0.9', OTHER) +
      AH('302', '10.0.0.9', '10.0.0.1', OTHER.replace('1b', '1c')),
    ['SPI_REUSED'],
  ],
  [
    'the first SPI that is not reserved',
    AH('256', '10.0.0.1', '10.0.0.9', KEY) + AH('257', '10.0.0.9', '10.0.0.1', OTHER),
    [],
  ],
  [
    'a key of one byte repeated',
    ESP('300', '10.0.0.1', '10.0.0.9', `${CBC('00'.repeat(16))} auth_alg sha1 authkey ${KEY}01234567`) +
      ESP('301', '10.0.0.9', '10.0.0.1', `${CBC(KEY)} auth_alg sha1 authkey ${OTHER}01234567`),
    ['KEY_UNUSABLE', 'WEAK_ALGORITHM', 'WEAK_ALGORITHM'],
  ],
  [
    'a weak DES key',
    ESP('300', '10.0.0.1', '10.0.0.9', `encr_alg des encrkey 0101010101010101 auth_alg sha256 authkey ${KEY}${OTHER}`) +
      ESP(
        '301',
        '10.0.0.9',
        '10.0.0.1',
        `encr_alg des encrkey 0123456789abcdef auth_alg sha256 authkey ${OTHER}${KEY}`,
      ),
    ['WEAK_ALGORITHM', 'KEY_UNUSABLE', 'WEAK_ALGORITHM'],
  ],
  [
    'one key for two GCM SAs',
    ESP('300', '10.0.0.1', '10.0.0.9', `encr_alg aes-gcm encrkey ${KEY}01020304`) +
      ESP('301', '10.0.0.9', '10.0.0.1', `encr_alg aes-gcm encrkey ${KEY}01020304`),
    ['COUNTER_MODE_MANUAL', 'COUNTER_MODE_MANUAL', 'KEY_REUSED'],
  ],
  [
    'a pair in the odd words',
    `add ESP spi 300 saddr 10.0.0.1 \\\n daddr 10.0.0.9 encralg aes encrkey ${KEY} authalg md5 authkey ${OTHER}\n` +
      ESP('301', '10.0.0.9', '10.0.0.1', `${CBC(OTHER.replace('1b', '1c'))} auth_alg sha256 authkey ${OTHER}${KEY}`),
    ['WEAK_ALGORITHM'],
  ],
] as const)('keys: %s', (_name, text, expected) => {
  expect(codes('keys', text)).toEqual(expected);
});

test('the same key in CBC is a warning, in a counter mode an error', () => {
  const severity = (text: string) => lint('keys', text).findings.find(({ code }) => code === 'KEY_REUSED')?.severity;
  const twice = (algorithm: string, key: string): string =>
    ESP('300', '10.0.0.1', '10.0.0.9', `encr_alg ${algorithm} encrkey ${key}`) +
    ESP('301', '10.0.0.9', '10.0.0.1', `encr_alg ${algorithm} encrkey ${key}`);
  expect(severity(twice('aes', KEY))).toBe('warning');
  expect(severity(twice('aes-gcm', `${KEY}01020304`))).toBe('error');
});

test('what only the kernel refuses is told of at its line, though the check passes', () => {
  const text = AH('300', '10.0.0.1', '10.0.0.9', KEY) + ESP('301', '10.0.0.9', '10.0.0.1', CBC('0011223344'));
  const { remarks, tool } = lint('keys', text);
  expect(tool).toMatchObject({ tool: 'ipseckey', verdict: 'partly', installed: 1 });
  expect(remarks).toMatchObject([
    { severity: 'error', line: 2, text: expect.stringContaining('Bad number of encryption bits') },
  ]);
});

test('a key file that others may read is an error, one of mode 0400 is not', () => {
  const text = AH('300', '10.0.0.1', '10.0.0.9', KEY) + AH('301', '10.0.0.9', '10.0.0.1', OTHER);
  expect(codes('keys', text, [], 0o640)).toEqual(['INSECURE_MODE']);
  expect(codes('keys', text, [], 0o400)).toEqual([]);
});

test.each([
  ['group 14 and AES', 'oakley_group 14 auth_alg sha256 encr_alg aes(128..256)', []],
  ['group 5', 'oakley_group 5 auth_alg sha256 encr_alg aes', ['WEAK_GROUP']],
  ['des and md5', 'oakley_group 14 auth_alg md5 encr_alg des', ['WEAK_ALGORITHM', 'WEAK_ALGORITHM']],
  [
    'a key length between two steps',
    'oakley_group 16 auth_alg sha512 encr_alg aes(193..255)',
    ['KEY_LENGTH_IMPOSSIBLE'],
  ],
] as const)('ike/config: %s', (_name, words, expected) => {
  const text = `{ label "a" local_addr 10.0.0.1 remote_addr 10.0.0.9 p1_xform { auth_method preshared ${words} } p2_pfs 14 }\n`;
  expect(codes('ike', text)).toEqual(expected);
});

test('an address range that holds the host is its own side', () => {
  const text = (local: string): string =>
    `{ label "a" local_addr ${local} remote_addr 10.0.1.0/24 p1_xform { auth_method preshared oakley_group 14 auth_alg sha256 encr_alg aes } p2_pfs 14 }\n`;
  expect(codes('ike', text('10.0.0.1-10.0.0.20'), ['10.0.0.9'])).toEqual([]);
  expect(codes('ike', text('10.0.0.10-10.0.0.20'), ['10.0.0.9'])).toEqual(['WRONG_SIDE']);
});

/** Keys that would be found wherever they went. */
const PLANTED = ['8d2e1f60b7c94a35', 'c0ffee11c0ffee22', '5ec12e75ec12e755'];

test('no key shows in what is said of a file', () => {
  const keys = PLANTED.map(
    (key, i) =>
      `add esp spi ${i} src 10.0.0.1 dst 10.0.0.9 encr_alg aes encrkey ${key} ${key}\n# lint: ignore ${key}\nadd ${key}\n`,
  ).join('');
  const psk = PLANTED.map(
    (key) =>
      `{ localidtype IP localid 10.0.0.1 remoteidtype IP remoteid 10.0.0.9 key ${key} ${key} } # ${key}\n{ key ${key} }\n`,
  ).join('');
  for (const [kind, text] of [
    ['keys', keys],
    ['psk', psk],
  ] as const) {
    const report = lint(kind, text, ['10.0.0.7'], 0o644);
    expect(report.findings.length + report.remarks.length).toBeGreaterThan(3);
    const said = JSON.stringify(report) + lintText({ file: 'x', text, report }, plain);
    for (const key of PLANTED) expect(said.toLowerCase()).not.toContain(key);
  }
});

test('every key file of the corpus is looked at', () => {
  let findings = 0;
  for (const { id, input } of readCases<{ id: string; input: string }>('keys.jsonl')) {
    const report = lint('keys', input, ['10.0.0.1', 'fd00::1']);
    findings += report.findings.length;
    for (const { line, column } of [...report.findings, ...report.remarks]) {
      expect([id, line >= 1 && column >= 1 && line <= input.split('\n').length]).toEqual([id, true]);
    }
  }
  expect(findings).toBeGreaterThan(100);
});
