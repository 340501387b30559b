/** Each verdict, made by two small hosts as someone would write them by hand. */

import { describe, expect, test } from 'vitest';
import type { PairFinding } from '../../../controller/proof/pair-findings.js';
import { pairProblem, pairRecord } from '../../../controller/proof/pair-texts.js';
import { handMade, reportOf, type HandMade } from './pairs-hosts.js';

const [A, B] = ['10.0.0.1', '10.0.0.2'];

const suite = 'encr_algs aes(256) encr_auth_algs sha256';
/** Rules of one end for all that it exchanges with the other. */
const both = (peer: string, what = suite): string => `{ raddr ${peer} dir both } ipsec { ${what} }\n`;

const KEY = { encr: '0123456789abcdef'.repeat(4), auth: 'fedcba9876543210'.repeat(4) };
interface SaWords {
  readonly spi?: string;
  readonly encr?: string;
  readonly auth?: string;
  readonly rest?: string;
}
const sa = (src: string, dst: string, words: SaWords = {}): string => {
  const { spi = '0x1001', encr = `aes encrkey ${KEY.encr}`, auth = `sha256 authkey ${KEY.auth}`, rest = '' } = words;
  return `add esp spi ${spi} src ${src} dst ${dst} encr_alg ${encr} auth_alg ${auth} ${rest}\n`;
};
const there = sa(A, B);
const back = sa(B, A, { spi: '0x2001' });

const ike = (
  own: string,
  peer: string,
  xform = 'oakley_group 14 auth_alg sha256 encr_alg aes(256..256)',
  rest = '',
): string =>
  `{\n label "one"\n local_addr ${own}\n remote_addr ${peer}\n p1_xform { auth_method preshared ${xform} }\n ${rest}\n}\n`;
const psk = (own: string, peer: string, key = KEY.auth): string =>
  `{\n localidtype IP\n localid ${own}\n remoteidtype IP\n remoteid ${peer}\n key ${key}\n}\n`;

interface Case {
  readonly name: string;
  readonly a: HandMade;
  readonly b: HandMade;
  readonly keying?: 'manual' | 'ike-psk';
  /** Each finding: from, to, verdict, severity, flows, place at the sender, place at the receiver. */
  readonly finds: readonly (readonly [string, string, string, string, string, string, string])[];
  readonly says?: string;
}

const POLICY = '/etc/inet/ipsecinit.conf';
const KEYS = '/etc/inet/secret/ipseckeys';
const IKE = '/etc/inet/ike/config';
const PSK = '/etc/inet/secret/ike.preshared';

const keyed = (more: { a?: HandMade; b?: HandMade } = {}): { a: HandMade; b: HandMade } => ({
  a: { policy: both(B), keys: there + back, ...more.a },
  b: { policy: both(A), keys: there + back, ...more.b },
});
const daemons = (more: { a?: HandMade; b?: HandMade } = {}): { a: HandMade; b: HandMade } => ({
  a: { policy: both(B), ike: ike(A, B), psk: psk(A, B), ...more.a },
  b: { policy: both(A), ike: ike(B, A), psk: psk(B, A), ...more.b },
});
const all = (from: 'a' | 'b', verdict: string, mine: string, theirs: string, severity = 'error') =>
  [
    from,
    from === 'a' ? 'b' : 'a',
    verdict,
    severity,
    from === 'a' ? 'a → b anything' : 'b → a anything',
    mine,
    theirs,
  ] as const;

const CASES: readonly Case[] = [
  { name: 'the same SAs on both ends', ...keyed(), finds: [] },
  { name: 'IKE rules and one preshared key on both ends', ...daemons(), keying: 'ike-psk', finds: [] },
  {
    name: 'a port in the clear at one end only',
    ...keyed({ a: { policy: `{ rport 80 ulp tcp dir both } bypass {}\n${both(B)}` } }),
    finds: [
      ['a', 'b', 'clear-meets-protected', 'error', 'a → b tcp/80', `${POLICY}:1`, `${POLICY}:1`],
      ['b', 'a', 'protected-meets-bypass', 'error', 'b → a tcp from 80', `${POLICY}:1`, `${POLICY}:1`],
    ],
    says: 'a sends it in the clear, and b takes it only protected',
  },
  {
    name: 'echo requests in the clear at one end only, which hosts answer without asking their rules',
    ...keyed({ a: { policy: `{ ulp icmp type 8 dir out } bypass {}\n${both(B)}` } }),
    finds: [['a', 'b', 'clear-meets-protected', 'warning', 'a → b icmp type 8', `${POLICY}:1`, `${POLICY}:1`]],
    says: 'a ping is answered all the same',
  },
  {
    name: 'an end that only protects what goes out',
    ...keyed({ b: { policy: `{ raddr ${A} dir out } ipsec { ${suite} }\n` } }),
    finds: [all('a', 'protected-meets-bypass', `${POLICY}:1`, POLICY)],
    says: 'b drops it because no rule there asks for protection',
  },
  {
    name: 'an end without any rule for the other',
    ...keyed({ b: { policy: '{ lport 22 ulp tcp dir both } bypass {}\n' } }),
    finds: [
      ['a', 'b', 'protected-meets-bypass', 'error', 'a → b tcp/22', `${POLICY}:1`, `${POLICY}:1`],
      ['a', 'b', 'missing-end', 'error', 'a → b anything but tcp/22', `${POLICY}:1`, POLICY],
      ['b', 'a', 'clear-meets-protected', 'error', 'b → a tcp from 22', `${POLICY}:1`, `${POLICY}:1`],
      ['b', 'a', 'missing-end', 'error', 'b → a anything but tcp from 22', POLICY, `${POLICY}:1`],
    ],
    says: 'no rule of b protects anything it exchanges with 10.0.0.1',
  },
  {
    name: 'an end without a policy',
    ...keyed({ b: { policy: '' } }),
    finds: [all('a', 'missing-end', `${POLICY}:1`, POLICY), all('b', 'missing-end', POLICY, `${POLICY}:1`)],
  },
  {
    name: 'a link that neither end protects',
    a: { policy: '{ rport 53 dir both } bypass {}\n' },
    b: { policy: '' },
    finds: [all('a', 'missing-end', POLICY, POLICY), all('b', 'missing-end', POLICY, POLICY)],
    says: 'neither a nor b protects anything between these addresses, which link a--b joins',
  },
  {
    name: 'what a rule drops on purpose is no finding',
    ...keyed({ a: { policy: `{ rport 23 ulp tcp dir both } drop {}\n${both(B)}` }, b: { policy: both(A) } }),
    finds: [],
  },
  {
    name: 'other algorithms in the rules',
    ...keyed({ b: { policy: both(A, 'encr_algs 3des encr_auth_algs sha256') } }),
    finds: [
      all('a', 'no-common-algorithm', `${POLICY}:1`, `${POLICY}:1`),
      all('b', 'no-common-algorithm', `${POLICY}:1`, `${POLICY}:1`),
    ],
  },
  {
    name: 'key lengths that no key has',
    a: { policy: both(B, 'encr_algs aes(130..140) encr_auth_algs sha256'), ike: ike(A, B), psk: psk(A, B) },
    b: { policy: both(A, 'encr_algs aes encr_auth_algs sha256'), ike: ike(B, A), psk: psk(B, A) },
    finds: [
      all('a', 'no-common-algorithm', `${POLICY}:1`, `${POLICY}:1`),
      all('b', 'no-common-algorithm', `${POLICY}:1`, `${POLICY}:1`),
    ],
  },
  {
    name: 'alternatives that want ESP and AH apart',
    ...daemons({ a: { policy: `{ raddr ${B} dir both } ipsec { auth_algs sha256 } or ipsec { ${suite} }\n` } }),
    finds: [all('a', 'no-common-algorithm', `${POLICY}:1`, `${POLICY}:1`)],
    says: 'want ESP and AH apart',
  },
  {
    name: 'SAs that do not suit the sender’s own rule',
    ...keyed({
      a: {
        policy: both(B),
        keys: sa(A, B, { encr: `aes encrkey ${KEY.encr.slice(0, 32)}` }) + back,
      },
    }),
    finds: [all('a', 'no-common-algorithm', `${KEYS}:1`, `${KEYS}:1`)],
    says: 'its SAs from 10.0.0.1 to 10.0.0.2 do not suit its own rule',
  },
  {
    name: 'an SA that suits one alternative of the sender and none of the receiver',
    a: {
      policy: `{ raddr ${B} dir both } ipsec { ${suite} } or ipsec { encr_algs 3des encr_auth_algs sha256 }\n`,
      keys: sa(A, B, { encr: `3des encrkey ${'0123456789abcdef23456789abcdef01456789abcdef0123'}` }) + back,
    },
    b: {
      policy: both(A),
      keys: sa(A, B, { encr: `3des encrkey ${'0123456789abcdef23456789abcdef01456789abcdef0123'}` }) + back,
    },
    finds: [all('a', 'no-common-algorithm', `${KEYS}:1`, `${KEYS}:1`)],
    says: 'suits no alternative of the rule at b',
  },
  {
    name: 'no SA at all',
    ...keyed({ a: { keys: '' }, b: { keys: '' } }),
    finds: [all('a', 'missing-sa', `${POLICY}:1`, KEYS), all('b', 'missing-sa', `${POLICY}:1`, KEYS)],
    says: 'neither a nor b has an esp SA or an IKE rule from 10.0.0.1 to 10.0.0.2',
  },
  {
    name: 'an SA that one end lacks',
    ...keyed({ b: { keys: back } }),
    finds: [all('a', 'missing-sa', `${KEYS}:1`, KEYS)],
    says: 'the key file of b does not have it',
  },
  {
    name: 'an SPI mistyped at one end',
    ...keyed({ b: { keys: sa(A, B, { spi: '0x1002' }) + back } }),
    finds: [all('a', 'missing-sa', `${KEYS}:1`, `${KEYS}:1`)],
    says: 'it has SPI 0x1002',
  },
  {
    name: 'an SA whose key the kernel would refuse',
    ...keyed({ b: { keys: sa(A, B, { encr: 'aes encrkey 0123' }) + back } }),
    finds: [all('a', 'missing-sa', `${KEYS}:1`, KEYS)],
  },
  {
    name: 'an SA of its own for each flow, from a key file',
    ...keyed({ a: { policy: both(B, `${suite} sa unique`) } }),
    finds: [all('a', 'missing-sa', `${KEYS}:1`, `${KEYS}:1`, 'warning')],
    says: 'it serves the first flow only',
  },
  {
    name: 'an SA for one port',
    ...keyed({
      a: { keys: sa(A, B, { rest: 'dport 22 proto 6' }) + back },
      b: { keys: sa(A, B, { rest: 'dport 22 proto 6' }) + back },
    }),
    finds: [['a', 'b', 'missing-sa', 'error', 'a → b anything but tcp/22', `${KEYS}:1`, `${KEYS}:1`]],
    says: 'are for other ports or protocols',
  },
  {
    name: 'other keys at the two ends',
    ...keyed({ b: { keys: sa(A, B, { auth: `sha256 authkey ${KEY.encr}` }) + back } }),
    finds: [all('a', 'key-mismatch', `${KEYS}:1`, `${KEYS}:1`)],
    says: 'a and b have other integrity keys for the esp SA with SPI 0x1001 to 10.0.0.2',
  },
  {
    name: 'other algorithms in the two key files',
    ...keyed({ b: { keys: sa(A, B, { auth: `sha1 authkey ${KEY.encr.slice(0, 40)}` }) + back } }),
    finds: [all('a', 'key-mismatch', `${KEYS}:1`, `${KEYS}:1`)],
    says: 'aes-cbc(256) with hmac-sha256 and aes-cbc(256) with hmac-sha1',
  },
  {
    name: 'one SPI for two senders',
    ...keyed({ b: { keys: sa('10.0.0.9', B) + there + back } }),
    finds: [all('a', 'spi-clash', `${KEYS}:1`, `${KEYS}:2`)],
    says: 'on lines 1 and 2 for two different SAs',
  },
  {
    name: 'an SPI that the receiver has for another sender',
    ...keyed({ b: { keys: sa('10.0.0.9', B) + back } }),
    finds: [all('a', 'spi-clash', `${KEYS}:1`, `${KEYS}:1`)],
    says: 'b has the esp SA with SPI 0x1001 to 10.0.0.2 for what comes from 10.0.0.9',
  },
  {
    name: 'one SPI twice in the sender’s file',
    ...keyed({ a: { keys: there + sa(A, B, { auth: `sha256 authkey ${KEY.encr}` }) + back } }),
    finds: [all('a', 'spi-clash', `${KEYS}:2`, `${KEYS}:1`)],
  },
  {
    name: 'no IKE rule at one end',
    ...daemons({ b: { ike: ike(B, '10.0.0.9') } }),
    finds: [all('a', 'ike-rule-mismatch', `${IKE}:1`, IKE), all('b', 'ike-rule-mismatch', IKE, `${IKE}:1`)],
    says: 'b has no IKE rule for the way from 10.0.0.1 to 10.0.0.2',
  },
  {
    name: 'no IKE rule at either end of a link that is to have them',
    ...daemons({ a: { ike: '' }, b: { ike: '' } }),
    keying: 'ike-psk',
    finds: [all('a', 'ike-rule-mismatch', IKE, IKE), all('b', 'ike-rule-mismatch', IKE, IKE)],
  },
  {
    name: 'other groups in phase 1',
    ...daemons({ b: { ike: ike(B, A, 'oakley_group 5 auth_alg sha256 encr_alg aes(256..256)') } }),
    finds: [
      all('a', 'ike-rule-mismatch', `${IKE}:1`, `${IKE}:1`),
      all('b', 'ike-rule-mismatch', `${IKE}:1`, `${IKE}:1`),
    ],
    says: 'preshared, group 14, sha256, aes(256..256) at a, preshared, group 5, sha256, aes(256..256) at b',
  },
  {
    name: 'key lengths of phase 1 that overlap, and names that mean the same',
    ...daemons({
      a: { ike: ike(A, B, 'oakley_group 14 auth_alg sha encr_alg aes(128..192)') },
      b: { ike: ike(B, '10.0.0.0/24', 'oakley_group 14 auth_alg sha1 encr_alg aes-cbc(192..256)') },
    }),
    finds: [],
  },
  {
    name: 'key lengths of phase 1 that only meet where no key is',
    ...daemons({
      a: { ike: ike(A, B, 'oakley_group 14 auth_alg sha1 encr_alg aes(128..150)') },
      b: { ike: ike(B, A, 'oakley_group 14 auth_alg sha1 encr_alg aes(140..256)') },
    }),
    finds: [
      all('a', 'ike-rule-mismatch', `${IKE}:1`, `${IKE}:1`),
      all('b', 'ike-rule-mismatch', `${IKE}:1`, `${IKE}:1`),
    ],
  },
  {
    name: 'forward secrecy at one end only',
    ...daemons({ b: { ike: ike(B, A, undefined, 'p2_pfs 14') } }),
    finds: [
      all('a', 'ike-rule-mismatch', `${IKE}:1`, `${IKE}:1`),
      all('b', 'ike-rule-mismatch', `${IKE}:1`, `${IKE}:1`),
    ],
    says: 'p2_pfs 0 at a, 14 at b',
  },
  {
    name: 'different preshared keys',
    ...daemons({ b: { psk: psk(B, A, KEY.encr) } }),
    finds: [all('a', 'psk-mismatch', `${PSK}:1`, `${PSK}:1`), all('b', 'psk-mismatch', `${PSK}:1`, `${PSK}:1`)],
    says: 'a and b have different preshared keys for 10.0.0.1 and 10.0.0.2',
  },
  {
    name: 'identities not turned round',
    ...daemons({ b: { psk: psk(A, B) } }),
    finds: [all('a', 'psk-mismatch', `${PSK}:1`, PSK), all('b', 'psk-mismatch', PSK, `${PSK}:1`)],
    says: 'b has no preshared key for 10.0.0.1 and 10.0.0.2',
  },
];

function row({ from, to, verdict, severity, phrases, sender, receiver }: PairFinding) {
  const at = ({ place: { path, line } }: PairFinding['sender']): string =>
    line === undefined ? path : `${path}:${line}`;
  return [from, to, verdict, severity, phrases.join('; '), at(sender), at(receiver)];
}

describe('between two hosts', () => {
  test.each(CASES)('$name', ({ a, b, keying = 'manual', finds, says }) => {
    const { findings } = reportOf(handMade('a', A, a), handMade('b', B, b), keying);
    expect(findings.map(row)).toEqual(finds);
    if (says !== undefined) expect(findings.map((one) => pairProblem(one).what).join('\n')).toContain(says);
    for (const key of [KEY.encr, KEY.auth])
      expect(JSON.stringify([findings.map(pairProblem), findings.map(pairRecord)])).not.toContain(key);
  });
});

test('a finding is told with its example and the lines on both sides, to people and to programs', () => {
  const a = handMade('a', A, { policy: `{ rport 80 ulp tcp dir both } bypass {}\n${both(B)}`, keys: there + back });
  const b = handMade('b', B, { policy: both(A), keys: there + back });
  const [finding] = reportOf(a, b).findings;
  if (finding === undefined) throw new Error('nothing found');
  expect(pairProblem(finding)).toEqual({
    code: 'PAIR_CLEAR_MEETS_PROTECTED',
    severity: 'error',
    what:
      'a → b tcp/80, such as 10.0.0.1 port 49152 → 10.0.0.2 port 80 tcp: a sends it in the clear, and b takes it only protected; ' +
      'a has { ulp 6 rport 80 dir out } pass { } at /etc/inet/ipsecinit.conf:1; ' +
      'b has { raddr 10.0.0.1/32 dir in } ipsec { encr_algs aes-cbc(256) encr_auth_algs hmac-sha256(256) sa shared } at /etc/inet/ipsecinit.conf:1',
    at: { file: 'inventory.yaml', line: 20, column: 5 },
    todo: 'protect it at a, or let it pass in the clear at b too',
  });
  expect(pairRecord(finding)).toMatchObject({
    code: 'PAIR_CLEAR_MEETS_PROTECTED',
    link: 'a--b',
    flows: ['a → b tcp/80'],
    example: { source: '10.0.0.1', destination: '10.0.0.2', protocol: 6, sourcePort: 49152, destinationPort: 80 },
    sender: { host: 'a', path: POLICY, line: 1, rule: '{ ulp 6 rport 80 dir out } pass { }' },
    receiver: { host: 'b', path: POLICY, line: 1 },
  });
});

test('the example is a packet that people know, and the rules named are those that decide it', () => {
  const other = '{ laddr 10.0.0.9 lport 22 ulp tcp dir both } pass {}\n';
  const port = (own: string): string => `{ laddr ${own} lport 22 ulp tcp dir both } pass {}\n`;
  const [neither] = reportOf(handMade('a', A, { policy: port(A) }), handMade('b', B, { policy: port(B) })).findings;
  expect(neither).toMatchObject({ verdict: 'missing-end', example: { protocol: 6, remotePort: 49152 } });
  expect(neither?.sender.rule).toBeUndefined();
  const lone = reportOf(
    handMade('a', A, { policy: both(B), keys: there + back }),
    handMade('b', B, { policy: port(B) + other }),
  );
  const missing = lone.findings.find(({ verdict }) => verdict === 'missing-end');
  expect(missing?.example).toMatchObject({ protocol: 6, localPort: 49152, remotePort: 49152 });
});
