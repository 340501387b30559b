import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  formatAddress,
  hostPrefix,
  parseAddress,
  parsePrefix,
  type Address,
  type Prefix,
} from '../../../controller/model/address.js';
import type { Direction, LoadedRule } from '../../../controller/model/policy.js';
import { decideInbound, decideOutbound, isDoubtful } from '../../../controller/policy/match-flow.js';
import type { AddressRange } from '../../../controller/policy/region.js';
import { predictLoad } from '../../../controller/policy/predict-load.js';
import { lockOuts, stageRank } from '../../../controller/proof/lock-out.js';
import { ManagementSources, type ChangingRules } from '../../../controller/proof/management-sources.js';

function address(text: string): Address {
  const read = parseAddress(text);
  if (read === undefined) throw new Error(text);
  return read;
}

function prefix(text: string): Prefix {
  const read = parsePrefix(text);
  if (read === undefined) throw new Error(text);
  return read;
}

function rules(before: string, after = before): ChangingRules {
  const load = (text: string) => {
    const { rules: loaded, messages } = predictLoad(text);
    if (loaded.length === 0 && text !== '') throw new Error(messages);
    return loaded;
  };
  const now = load(before);
  return { before: now, after: before === after ? now : load(after) };
}

const WEB = '10.0.1.11';
const OPS = '10.0.0.5';
const ESP = '{ encr_algs aes(256) encr_auth_algs sha256 }';
const OPEN = '{ lport 22 ulp tcp dir both } bypass {}\n';
const ALL = `{} ipsec ${ESP}\n`;

/** `after in 10.0.0.5 line 2 of web1`: each stage that is cut, worst first. */
function cuts(
  server: ChangingRules,
  options: { management?: string; client?: ChangingRules; addresses?: readonly string[] } = {},
): string[] {
  const sources = new ManagementSources(
    [prefix(options.management ?? OPS)],
    options.client === undefined ? [] : [{ name: 'ops', addresses: [address(OPS)], rules: options.client }],
  );
  const addresses = (options.addresses ?? [WEB]).map(address);
  return lockOuts({ name: 'web1', addresses, port: 22, rules: server }, sources).map(
    ({ stage, direction, sources: ranges, family, rule, ruleOf }) =>
      [
        `${stage.host}${stage.source === undefined ? '' : `/${stage.source}`}`,
        direction,
        ranges
          .map(({ from, to }) => [from, to].map((value) => formatAddress({ family, value })))
          .map(([from, to]) => (from === to ? from : `${from}-${to}`))
          .join(),
        rule === undefined ? 'no rule' : `line ${rule.source.line}`,
        `of ${ruleOf}`,
      ].join(' '),
  );
}

describe('six kinds of policy that lock out', () => {
  test.each([
    ['everything is protected', ALL, 'in 10.0.0.5 line 1 of web1'],
    ['SSH is dropped', '{ lport 22 ulp tcp dir in } drop {}\n', 'in 10.0.0.5 line 1 of web1'],
    ['answers are protected', `{ lport 22 dir in } bypass {}\n{} apply ${ESP}\n`, 'out 10.0.0.5 line 2 of web1'],
    [
      'the bypass is for another address',
      `{ raddr 10.0.0.6 lport 22 dir both } bypass {}\n${ALL}`,
      'in 10.0.0.5 line 2 of web1',
    ],
    [
      'protection with pass beats the bypass',
      `${OPEN}{ raddr 10.0.0.5 } ipsec ${ESP} or pass {}\n`,
      'in 10.0.0.5 line 2 of web1',
    ],
    ['one client port is dropped', '{ rport 1023 lport 22 dir in } drop {}\n', 'in 10.0.0.5 line 1 of web1'],
  ])('%s', (_what, policy, cut) => {
    expect(cuts(rules(OPEN, policy))).toEqual([`after ${cut}`]);
    expect(cuts(rules(policy, OPEN))).toEqual([`before ${cut}`]);
    expect(cuts(rules(OPEN))).toEqual([]);
    expect(cuts(rules(''))).toEqual([]);
  });
});

test('of a management prefix the part that is cut is told, and every address of the host is looked at', () => {
  const half = `{ raddr 10.0.0.0/25 lport 22 dir both } bypass {}\n${ALL}`;
  expect(cuts(rules(OPEN, half), { management: '10.0.0.0/24' })).toEqual([
    'after in 10.0.0.128-10.0.0.255 line 2 of web1',
  ]);
  const one = `{ laddr ${WEB} lport 22 dir both } bypass {}\n${ALL}`;
  expect(cuts(rules(OPEN, one))).toEqual([]);
  expect(cuts(rules(OPEN, one), { addresses: [WEB, '10.0.1.12'] })).toEqual(['after in 10.0.0.5 line 2 of web1']);
  expect(cuts(rules(OPEN, one), { addresses: ['fd00::1'] })).toEqual([]);
});

describe('a source with a policy of its own', () => {
  const server = `{ raddr ${OPS} } ipsec ${ESP}\n`;
  const client = `{ raddr ${WEB} } ipsec ${ESP}\n`;
  const other = `{ raddr ${WEB} } ipsec { encr_algs aes(128..128) encr_auth_algs sha256 }\n`;

  test('gets in where both ends protect alike, and where both leave SSH in the clear', () => {
    expect(cuts(rules(server), { client: rules(client) })).toEqual([]);
    expect(
      cuts(rules(`${OPEN}${server}`), { client: rules(`{ rport 22 ulp tcp dir both } bypass {}\n${client}`) }),
    ).toEqual([]);
  });

  test('is cut off by a bypass on one end alone: protected packets do not pass it', () => {
    expect(cuts(rules(`${OPEN}${server}`), { client: rules(client) })).toEqual([
      'after/after in 10.0.0.5 line 1 of web1',
    ]);
  });

  test('is cut off by its own policy', () => {
    const drops = '{ rport 22 ulp tcp dir out } drop {}\n';
    expect(cuts(rules(OPEN), { client: rules('', drops) })).toEqual(['after/after in 10.0.0.5 line 1 of ops']);
  });

  test('is cut off where the ends have no algorithm in common', () => {
    expect(cuts(rules(server), { client: rules(other) })).toEqual(['after/after in 10.0.0.5 line 1 of web1']);
  });

  test('is cut off while one end has the new policy and the other the old one', () => {
    expect(cuts(rules('', server), { client: rules('', client) })).toEqual([
      'after/before in 10.0.0.5 line 1 of web1',
      'before/after in 10.0.0.5 line 1 of ops',
    ]);
  });

  test('is not cut off during a change that keeps SSH open on both ends', () => {
    const both = rules(OPEN, `${OPEN}${server}`);
    const ssh = '{ rport 22 ulp tcp dir both } bypass {}\n';
    expect(cuts(both, { client: rules('', `${ssh}${client}`) })).toEqual([]);
  });

  test('counts in place of the strangers of the prefix it is in', () => {
    const found = cuts(rules(server), { management: '10.0.0.4/31', client: rules(client) });
    expect(found).toEqual([]);
    expect(cuts(rules(server), { management: '10.0.0.4/31' })).toEqual(['after in 10.0.0.5 line 1 of web1']);
  });

  test('may be the host itself', () => {
    const sources = new ManagementSources(
      [prefix(WEB)],
      [{ name: 'web1', addresses: [address(WEB)], rules: rules(ALL) }],
    );
    expect(lockOuts({ name: 'web1', addresses: [address(WEB)], port: 22, rules: rules(ALL) }, sources)).toEqual([]);
  });
});

test('what is closed afterwards comes before what is closed in between, and that before what is closed now', () => {
  const stages = [
    { host: 'after' },
    { host: 'after', source: 'before' },
    { host: 'before', source: 'before' },
  ] as const;
  expect(stages.map(stageRank)).toEqual([0, 1, 2]);
});

/** Asked one address at a time: a stage tells only its first cut. */
function closedRanges(loaded: readonly LoadedRule[], dir: Direction, local: Address): readonly AddressRange[] {
  const sources = prefix('10.0.0.0/28');
  const server = { name: 'web1', addresses: [local], port: 22, rules: { before: loaded, after: loaded } };
  return addressesOf(sources).flatMap((value) => {
    const one = new ManagementSources([hostPrefix({ family: 4, value })], []);
    const oneWay = loaded.filter((rule) => rule.dir === dir);
    const [cut] = lockOuts({ ...server, rules: { before: oneWay, after: oneWay } }, one);
    return cut?.sources ?? [];
  });
}

function addressesOf(block: Prefix): readonly bigint[] {
  return Array.from({ length: 2 ** (32 - block.length) }, (_, at) => block.address.value + BigInt(at));
}

test('every address of a prefix is cut exactly when the evaluator says so', () => {
  const lines = fc.record({
    remote: fc.option(fc.tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 27, max: 32 })), { nil: undefined }),
    port: fc.constantFrom('', 'lport 22', 'lport 80', 'rport 7'),
    dir: fc.constantFrom('in', 'out', 'both'),
    action: fc.constantFrom(
      'pass {}',
      'drop {}',
      'ipsec {auth_algs sha1}',
      'ipsec {encr_algs aes encr_auth_algs sha1}',
      'pass {} or ipsec {auth_algs sha1}',
      'ipsec {auth_algs sha1} or pass {}',
    ),
  });
  fc.assert(
    fc.property(fc.array(lines, { maxLength: 6 }), (entries) => {
      const text = entries
        .map(({ remote, port, dir, action }) => {
          const raddr = remote === undefined ? '' : `raddr 10.0.0.${remote[0]}/${remote[1]}`;
          return `{${raddr} ${port} dir ${dir}} ${action}\n`;
        })
        .join('');
      const { rules } = predictLoad(text);
      const local = address('10.0.1.11');
      const closed = { in: closedRanges(rules, 'in', local), out: closedRanges(rules, 'out', local) };
      const cutAt = (dir: Direction, value: bigint): boolean =>
        closed[dir].some(({ from, to }) => from <= value && value <= to);
      for (let last = 0; last < 16; last++) {
        const remote = address(`10.0.0.${last}`);
        const cut = { in: false, out: false };
        for (const remotePort of [7, 50000]) {
          const packet = { local, remote, protocol: 6, localPort: 22, remotePort };
          const arrived = decideInbound(rules, packet, { kind: 'clear' });
          cut.in ||= arrived.verdict === 'drop' || isDoubtful(arrived.rule);
          cut.out ||= decideOutbound(rules, packet).verdict !== 'clear';
        }
        for (const dir of ['in', 'out'] as const) {
          const said = cutAt(dir, remote.value);
          expect({ text, last, dir, said }).toEqual({ text, last, dir, said: cut[dir] });
        }
      }
    }),
    { numRuns: 150, seed: 7 },
  );
});
