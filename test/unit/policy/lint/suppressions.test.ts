import { expect, test } from 'vitest';

import { lintFile, type FileReport } from '../../../../controller/keys/lint/lint-file.js';
import type { LintKind } from '../../../../controller/keys/lint/rule-book.js';
import { STOCK_NAMES } from '../../../../controller/policy/stock-names.js';

const WEAK = '{ raddr 10.0.0.9 } ipsec { encr_algs 3des encr_auth_algs sha256 }';
const UNTIL = 'until 2027-01-31 because the mainframe has nothing better';

function lint(text: string, today = '2026-11-22', kind: LintKind = 'policy'): FileReport {
  return lintFile(kind, text, { names: STOCK_NAMES, local: [], today });
}

function codes(text: string, today?: string, kind?: LintKind): readonly string[] {
  return lint(text, today, kind).findings.map(({ code }) => code);
}

test.each([
  ['on the line', `${WEAK} # lint: ignore WEAK_ALGORITHM ${UNTIL}\n`],
  ['on the line before', `# lint: ignore WEAK_ALGORITHM ${UNTIL}\n${WEAK}\n`],
  ['before other comments and blank lines', `# lint: ignore WEAK_ALGORITHM ${UNTIL}\n# the mainframe\n\n${WEAK}\n`],
  ['with several codes', `# lint: ignore NO_INTEGRITY, WEAK_ALGORITHM ${UNTIL}\n${WEAK}\n`],
  [
    'on a line inside the entry',
    `{ raddr 10.0.0.9 }\n ipsec { encr_algs 3des # lint: ignore WEAK_ALGORITHM ${UNTIL}\n encr_auth_algs sha256 }\n`,
  ],
  ['through its last day', `# lint: ignore WEAK_ALGORITHM until 2026-11-22 because it ends today\n${WEAK}\n`],
  ['with Windows line ends', `# lint: ignore WEAK_ALGORITHM ${UNTIL}\r\n${WEAK}\r\n`],
])('a comment silences a finding %s', (_name, text) => {
  const { findings, silenced } = lint(text);
  expect(findings).toEqual([]);
  expect(silenced.map(({ finding }) => finding.code)).toEqual(['WEAK_ALGORITHM']);
});

test('the reason is kept with what is silenced', () => {
  expect(lint(`${WEAK} # lint: ignore WEAK_ALGORITHM ${UNTIL}\n`).silenced[0]?.reason).toBe(
    'the mainframe has nothing better',
  );
});

test('a comment behind an entry does not reach the next one', () => {
  const text = `${WEAK} # lint: ignore WEAK_ALGORITHM ${UNTIL}\n${WEAK.replace('.9', '.8')}\n`;
  expect(lint(text).findings.map(({ code, line }) => [code, line])).toEqual([['WEAK_ALGORITHM', 2]]);
});

test('the day after its last, a comment silences nothing and is told of', () => {
  expect(codes(`# lint: ignore WEAK_ALGORITHM ${UNTIL}\n${WEAK}\n`, '2027-02-01')).toEqual([
    'SUPPRESSION_EXPIRED',
    'WEAK_ALGORITHM',
  ]);
});

test.each([
  ['no reason', `lint: ignore WEAK_ALGORITHM until 2027-01-31`],
  ['an empty reason', `lint: ignore WEAK_ALGORITHM until 2027-01-31 because `],
  ['no day', `lint: ignore WEAK_ALGORITHM because I say so`],
  ['a day that is none', `lint: ignore WEAK_ALGORITHM until 2027-02-30 because I say so`],
  ['no code', `lint: ignore until 2027-01-31 because I say so`],
  ['another word', `lint: disable WEAK_ALGORITHM until 2027-01-31 because I say so`],
  ['no colon', `lint ignore WEAK_ALGORITHM until 2027-01-31 because I say so`],
])('a comment with %s silences nothing and is told of', (_name, comment) => {
  expect(codes(`# ${comment}\n${WEAK}\n`)).toEqual(['SUPPRESSION_MALFORMED', 'WEAK_ALGORITHM']);
});

test('a comment that speaks of lint otherwise is only a comment', () => {
  expect(codes(`# lint says that this is weak\n# policy lint: see the guide\n${WEAK}\n`)).toEqual(['WEAK_ALGORITHM']);
});

test('a mistyped code is told of, and one that silences nothing', () => {
  expect(codes(`# lint: ignore WEAK_ALGORITM ${UNTIL}\n${WEAK}\n`)).toEqual([
    'SUPPRESSION_UNKNOWN_CODE',
    'WEAK_ALGORITHM',
  ]);
  expect(codes(`# lint: ignore NO_SECRECY ${UNTIL}\n${WEAK}\n`)).toEqual(['SUPPRESSION_UNUSED', 'WEAK_ALGORITHM']);
  expect(codes(`# lint: ignore WEAK_ALGORITHM ${UNTIL}\n`)).toEqual(['EMPTY_POLICY', 'SUPPRESSION_UNUSED']);
});

test('what is wrong with a comment cannot be silenced', () => {
  const text = `# lint: ignore SUPPRESSION_UNUSED ${UNTIL}\n# lint: ignore NO_SECRECY ${UNTIL}\n${WEAK}\n`;
  expect(codes(text)).toEqual(['SUPPRESSION_UNUSED', 'SUPPRESSION_UNUSED', 'WEAK_ALGORITHM']);
});

test('an empty policy is silenced by a comment on its first line', () => {
  expect(codes(`# lint: ignore EMPTY_POLICY ${UNTIL}\n`)).toEqual([]);
});

test('key files, ike/config and ike.preshared are silenced in the same words', () => {
  const keys = `# lint: ignore COUNTER_MODE_MANUAL, SA_WITHOUT_PARTNER, NO_LIFETIME ${UNTIL}\nadd esp spi 0x1001 src 10.0.0.1 dst 10.0.0.9 encr_alg aes-gcm encrkey 8d2e1f60b7c94a35d1e0f2a3948576c1b2d3e4f5\n`;
  expect(codes(keys, undefined, 'keys')).toEqual([]);
  const ike = `{ label "db" local_addr 10.0.0.1 remote_addr 10.0.0.9 p2_pfs 14\n// lint: ignore WEAK_GROUP ${UNTIL}\np1_xform { auth_method preshared oakley_group 2 auth_alg sha256 encr_alg aes } }\n`;
  expect(codes(ike, undefined, 'ike')).toEqual([]);
  const psk = `{ localidtype IP localid 10.0.0.1 remoteidtype IP remoteid 10.0.0.9\nkey 0123abcd } # lint: ignore PSK_WEAK ${UNTIL}\n`;
  expect(codes(psk, undefined, 'psk')).toEqual([]);
});

test('a word in a comment that may be a key is not repeated', () => {
  const said = JSON.stringify(lint(`# lint: ignore 5F1C0B2A3948576E7D8C ${UNTIL}\n`, undefined, 'keys').findings);
  expect(said).toContain('SUPPRESSION_UNKNOWN_CODE');
  expect(said).not.toContain('5F1C0B2A');
});
