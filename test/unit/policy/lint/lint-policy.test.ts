import { expect, test } from 'vitest';

import { lintFile, type FileReport } from '../../../../controller/keys/lint/lint-file.js';
import { parseAddress } from '../../../../controller/model/address.js';
import { REFERENCE_HOST } from '../../../../controller/policy/reference-host.js';
import { readCases } from '../corpus.js';

const HARD = '{ encr_algs aes(256) encr_auth_algs sha256 }';

function lint(text: string, ...local: readonly string[]): FileReport {
  const addresses = local.flatMap((one) => parseAddress(one) ?? []);
  return lintFile('policy', text, { names: REFERENCE_HOST.names, local: addresses, today: '2026-11-22' });
}

function said(text: string, ...local: readonly string[]): readonly string[] {
  return lint(text, ...local).findings.map(({ code, line, column }) => `${code} ${line}:${column}`);
}

const BYPASS = '{ lport 80 ulp tcp dir both } bypass {}\n';

test.each([
  [
    'a peer that protects only what it is sent',
    `{saddr webserver} permit ${HARD}\n`,
    [],
    ['ONE_WAY 1:1', 'NAME_AT_BOOT 1:8'],
  ],
  [
    'the same file where its addresses are known',
    `{saddr 10.0.0.80} apply ${HARD}\n{daddr 10.0.0.80} apply ${HARD}\n{saddr 10.0.0.80} permit ${HARD}\n`,
    ['10.0.0.9'],
    ['ONE_WAY 1:1', 'WRONG_SIDE 1:8'],
  ],
  [
    'the server itself, where that line is right',
    `{saddr 10.0.0.80} apply ${HARD}\n{daddr 10.0.0.80} permit ${HARD}\n`,
    ['10.0.0.80'],
    [],
  ],
  ['loopback on its own side', `{ laddr 127.0.0.1 dir both } bypass {}\n`, ['10.0.0.9'], []],
  ['a network that holds the host', `{ laddr 10.0.0.0/24 dir both } bypass {}\n`, ['10.0.0.9'], []],
  ['the host as its own peer', `{ raddr 10.0.0.9 dir both } bypass {}\n`, ['10.0.0.9'], ['WRONG_SIDE 1:9']],
  ['neighbour discovery on a host without IPv6', `{} ipsec ${HARD}\n`, ['10.0.0.9'], []],
  [
    'neighbour discovery on a host with IPv6',
    `{} ipsec ${HARD}\n`,
    ['10.0.0.9', 'fd00::9'],
    ['NEIGHBOUR_DISCOVERY 1:1'],
  ],
  ['a rule for another protocol and discovery', `{ ulp tcp } ipsec ${HARD}\n`, [], []],
  ['a drop for one IPv6 neighbour', '{ raddr fd00::9 dir both } drop {}\n', [], ['NEIGHBOUR_DISCOVERY 1:1']],
  [
    'a bypass for a part of discovery',
    `{ ulp ipv6-icmp type 135-136 dir both } pass {}\n{} ipsec ${HARD}\n`,
    [],
    ['NEIGHBOUR_DISCOVERY 2:1'],
  ],
  [
    'the answer to a bypass that is protected',
    `{ lport 80 ulp tcp dir in } bypass {}\n{ ulp tcp } ipsec ${HARD}\n`,
    [],
    ['ONE_WAY 1:1'],
  ],
  [
    'a bypass whose answers pass under a wider one',
    `{ lport 80 ulp tcp dir in } bypass {}\n{ ulp tcp dir out } bypass {}\n`,
    [],
    [],
  ],
  [
    'accept both, send protected, as a change needs it',
    `{ raddr 10.0.0.9 dir in } pass {} or ipsec ${HARD}\n{ raddr 10.0.0.9 dir out } ipsec ${HARD}\n`,
    [],
    [],
  ],
  ['accept both, send clear', `{ raddr 10.0.0.9 dir in } pass {} or ipsec ${HARD}\n`, [], []],
  [
    'two rules that hide a third only together',
    `{ raddr 10.0.0.0/25 dir both } bypass {}\n{ raddr 10.0.0.128/25 dir both } bypass {}\n{ raddr 10.0.0.0/24 ulp tcp dir both } drop {}\n`,
    [],
    ['SHADOWED_RULE 3:1'],
  ],
  [
    'two rules that leave a third one address',
    `{ raddr 10.0.0.0/25 dir both } bypass {}\n{ raddr 10.0.0.128/26 dir both } bypass {}\n{ raddr 10.0.0.0/24 ulp tcp dir both } drop {}\n`,
    [],
    [],
  ],
  [
    'a narrower rule behind one that does the same',
    `{ raddr 10.0.0.0/24 } ipsec ${HARD}\n{ raddr 10.0.0.9 } ipsec ${HARD}\n`,
    [],
    ['SHADOWED_RULE 2:1'],
  ],
  [
    'AH behind ESP',
    `{ raddr 10.0.0.9 } ipsec { auth_algs sha256 }\n{ raddr 10.0.0.0/24 } ipsec ${HARD}\n`,
    [],
    ['SHADOWED_RULE 1:1'],
  ],
  ['the same entry twice', BYPASS + BYPASS, [], ['DUPLICATE_SELECTOR 2:1']],
  [
    'the same selectors for the other direction',
    `{ raddr 10.0.0.9 dir in } ipsec ${HARD}\n{ raddr 10.0.0.9 dir out } ipsec ${HARD}\n`,
    [],
    [],
  ],
  [
    'a second ICMP rule with other protection',
    `{ ulp icmp type 3 } ipsec ${HARD}\n{ ulp icmp type 8 } ipsec { encr_algs aes(128) encr_auth_algs sha256 }\n`,
    [],
    ['DUPLICATE_SELECTOR 2:1'],
  ],
  [
    'a name of which one address has a rule',
    `{ raddr 10.1.1.1 } ipsec ${HARD}\n{ raddr multi ulp tcp } ipsec ${HARD}\n`,
    [],
    ['MULTI_ADDRESS_NAME 2:9'],
  ],
  [
    'a long name for a mask',
    `{saddr 10.0.0.0 smask 255.255.255.0} permit ${HARD}\n{daddr 10.0.0.0 dmask 0xffffff00} apply ${HARD}\n`,
    [],
    [],
  ],
  [
    'des with a code for broken',
    '{ raddr 10.0.0.9 } ipsec { encr_algs des encr_auth_algs sha256 }\n',
    [],
    ['WEAK_ALGORITHM 1:38'],
  ],
  ['integrity by AH beside ESP', '{ raddr 10.0.0.9 } ipsec { auth_algs sha256 encr_algs aes }\n', [], []],
  ['a combined mode', '{ raddr 10.0.0.9 } ipsec { encr_algs aes-gcm(256) }\n', [], []],
  ['null without integrity', '{ raddr 10.0.0.9 } ipsec { encr_algs null }\n', [], ['NO_INTEGRITY 1:38']],
  [
    'characters of several bytes before the place',
    `# ✓ bypass\n{ lport 80 ulp tcp dir both } bypass {} # é\n{ /* é */ } drop {}\n{} apply { encr_algs 3des encr_auth_algs sha256 }`,
    [],
    ['MISSING_NEWLINE 4:50'],
  ],
] as const)('%s', (_name, text, local, expected) => {
  // What is only worth knowing of the order of rules has its own cases.
  const got = said(text, ...local).filter((one) => !/^(HALF|LATER)/.test(one));
  expect(got).toEqual(expected);
});

test('columns count characters, not bytes', () => {
  const [found] = lint(
    '{ raddr 10.0.0.9 } ipsec {\n encr_algs aes # é\n} # é\n{ lport 80 ulp tcp dir both} bypass {} # é\n',
  ).findings;
  expect(found).toMatchObject({ code: 'NO_INTEGRITY', line: 2, column: 12 });
});

test('a finding of an entry in several lines says where it ends, and which rule is in its way', () => {
  const { findings } = lint('{ lport 80\n  ulp tcp dir both } drop {}\n{ ulp tcp dir both } bypass {}\n');
  const found = findings.find(({ code }) => code === 'SHADOWED_RULE');
  expect(found).toMatchObject({ line: 1, endLine: 2, severity: 'error' });
  expect(found?.related).toEqual([{ line: 3, column: 1, what: 'this lets it pass in the clear' }]);
});

test('while an entry is refused nothing is concluded from the whole', () => {
  const { findings, remarks, tool } = lint(`{ daddr 10.0.0.9 } apply ${HARD}\n{ saddr 10.0.0.9 } permitt ${HARD}\n`);
  expect(findings).toEqual([]);
  expect(tool.verdict).toBe('refused');
  expect(remarks.map(({ line, severity }) => [line, severity])).toEqual([[2, 'error']]);
});

test('every policy of the corpus is looked at, and what the tool refuses is refused here', () => {
  let findings = 0;
  for (const { id, input, accept } of readCases<{ id: string; input: string; accept: boolean }>('policy.jsonl')) {
    const report = lint(input);
    findings += report.findings.length;
    for (const { line, column, endLine = line } of [...report.findings, ...report.remarks]) {
      expect([id, line >= 1 && column >= 1 && endLine >= line && line <= input.split('\n').length]).toEqual([id, true]);
    }
    expect([id, ['installs', 'installs-nothing'].includes(report.tool.verdict)]).toEqual([id, accept]);
    const clean = report.remarks.every(({ severity }) => severity === 'warning');
    if (accept) expect([id, clean]).toEqual([id, true]);
  }
  expect(findings).toBeGreaterThan(100);
});
