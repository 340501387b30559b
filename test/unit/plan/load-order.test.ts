import { describe, expect, test } from 'vitest';

import { betweenPolicies } from '../../../controller/proof/between-policies.js';
import type { Packet } from '../../../controller/model/packet.js';
import type { Direction, LoadedRule } from '../../../controller/model/policy.js';
import { loadOrders, type LoadOrder } from '../../../controller/policy/load-order.js';
import { findRule } from '../../../controller/policy/match-flow.js';
import { predictLoad } from '../../../controller/policy/predict-load.js';
import { holds } from '../../../controller/policy/region.js';
import { STOCK_NAMES } from '../../../controller/policy/stock-names.js';
import { entryText } from '../../../controller/policy/twin-rules.js';
import { treatmentKey, treatmentOf, type Treatment } from '../../../controller/proof/treatment.js';
import { draws, randomRule, showPacket, smallSpace, type Draw } from '../proof/random-policies.js';

const SPACE = [...smallSpace(4), ...smallSpace(6)];
const OWN = SPACE.map(({ local }) => local);

function rulesOf(text: string): readonly LoadedRule[] {
  return predictLoad(text).rules;
}

function orders(before: string, after: string): readonly LoadOrder[] {
  return loadOrders({ loaded: rulesOf(before), wanted: rulesOf(after), names: STOCK_NAMES, syntax: 'new' });
}

function treated(rules: readonly LoadedRule[], dir: Direction, packet: Packet): Treatment {
  return treatmentOf(findRule(rules, dir, packet), dir);
}

const isOpen = ({ kind, doubtful, readable }: Treatment): boolean =>
  kind === 'clear' || kind === 'either' || (doubtful && readable);

/** Every packet of the small space at every point of a way, by the evaluator of single packets. */
function expectAsTold(before: readonly LoadedRule[], after: readonly LoadedRule[], { way, played }: LoadOrder): void {
  const told = betweenPolicies(before, after, played, OWN);
  for (const dir of ['out', 'in'] as const)
    for (const packet of SPACE) {
      const [was, willBe] = [treated(before, dir, packet), treated(after, dir, packet)];
      for (const { rules } of played) {
        const now = treated(rules, dir, packet);
        if ([was, willBe].some((one) => treatmentKey(one) === treatmentKey(now))) continue;
        const opened = isOpen(now) && !isOpen(was) && !isOpen(willBe);
        const changes = opened ? told.gaps : [...told.gaps, ...told.interruptions];
        const isTold = changes.some(
          ({ direction, regions }) => direction === dir && regions.some((region) => holds(region, packet)),
        );
        if (!isTold) throw new Error(`${way}: ${dir} ${showPacket(packet)} is not told of`);
      }
      const end = treated(played.at(-1)?.rules ?? before, dir, packet);
      expect(treatmentKey(end)).toBe(treatmentKey(willBe));
    }
}

function randomEntries(draw: Draw): string[] {
  return Array.from({ length: 1 + draw(5) }, (_, at) =>
    entryText(randomRule(draw, draw(2) === 0 ? 4 : 6, draw(2) === 0 ? 'in' : 'out', at)),
  );
}

/** Some go, some come, some get another action, and the order changes. */
function changed(entries: readonly string[], draw: Draw): string[] {
  const others = randomEntries(draw);
  const next = entries.flatMap((entry) => {
    if (draw(4) === 0) return [];
    const other = others[draw(others.length)] ?? entry;
    return draw(3) === 0
      ? [`${entry.slice(0, entry.indexOf('}') + 1)}${other.slice(other.indexOf('}') + 1)}`]
      : [entry];
  });
  const mixed = [...next, ...others.slice(0, draw(3))];
  return draw(3) === 0 ? mixed.toReversed() : mixed;
}

describe('from any policy to any other, rule by rule', () => {
  test('nothing is in the clear or refused in between but what is told, and the end is the wanted policy', () => {
    const ways = new Set<string>();
    for (let seed = 1; seed <= 15; seed++) {
      const draw = draws(seed);
      const entries = randomEntries(draw);
      const texts = [entries, changed(entries, draw)].map((lines) => lines.map((line) => `${line}\n`).join(''));
      const [before = [], after = []] = texts.map(rulesOf);
      const found = loadOrders({ loaded: before, wanted: after, names: STOCK_NAMES, syntax: 'new' });
      expect(found.length, `seed ${seed}\n${texts.join('\n')}`).toBeGreaterThan(0);
      for (const order of found) {
        ways.add(order.way);
        expectAsTold(before, after, order);
      }
    }
    expect([...ways].sort()).toEqual(['cover', 'direct', 'twins']);
  });

  test('a flow that is protected before and after is never in the clear, whatever else changes', () => {
    for (let seed = 1000; seed < 1060; seed++) {
      const draw = draws(seed);
      const entries = randomEntries(draw);
      const [before = [], after = []] = [entries, changed(entries, draw)].map((lines) =>
        rulesOf(lines.join('\n') + '\n'),
      );
      const [first] = loadOrders({ loaded: before, wanted: after, names: STOCK_NAMES, syntax: 'new' });
      expect(betweenPolicies(before, after, first?.played ?? [], OWN).gaps, `seed ${seed}`).toEqual([]);
    }
  });

  test('SSH from a place of management passes at every moment, whichever way is taken', () => {
    const bypass = '{ lport 22 ulp tcp raddr 10.0.0.2 dir both } bypass {}';
    const isSsh = (packet: Packet): boolean =>
      packet.protocol === 6 && packet.localPort === 22 && packet.remote.value === 0x0a000002n;
    let moments = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const draw = draws(seed);
      const entries = randomEntries(draw);
      // Elsewhere in the file, so that the bypass is not what stays.
      const texts = [
        [bypass, ...entries],
        [...changed(entries, draw), bypass],
      ];
      const [before = [], after = []] = texts.map((lines) => rulesOf(`${lines.join('\n')}\n`));
      const ways = loadOrders({ loaded: before, wanted: after, names: STOCK_NAMES, syntax: 'new' });
      for (const dir of ['out', 'in'] as const)
        for (const packet of SPACE.filter(isSsh)) {
          if ([before, after].some((rules) => treated(rules, dir, packet).kind !== 'clear')) continue;
          for (const { rules } of ways.flatMap(({ played }) => played)) {
            expect(treated(rules, dir, packet).kind, `seed ${seed}`).toBe('clear');
            moments++;
          }
        }
    }
    expect(moments).toBeGreaterThan(1000);
  });
});

const SSH = '{ lport 22 raddr 10.0.0.5 dir both } bypass {}\n';
const link = (peer: string, algorithms = 'encr_algs aes(256) encr_auth_algs sha256'): string =>
  `{ laddr 10.0.1.11 raddr ${peer} dir both } ipsec { ${algorithms} sa shared }\n`;
const listed = (peer: string, dir: string, bits = 256): string =>
  `{ laddr 10.0.1.11/32 raddr ${peer}/32 dir ${dir} } ipsec { encr_algs aes-cbc(${bits}) encr_auth_algs hmac-sha256(256) sa shared }`;

function only(before: string, after: string): LoadOrder {
  const [order] = orders(before, after);
  if (order === undefined) throw new Error('no way leads there');
  const { gaps, interruptions } = betweenPolicies(rulesOf(before), rulesOf(after), order.played, []);
  expect({ gaps, interruptions }).toEqual({ gaps: [], interruptions: [] });
  return order;
}

describe('what a fleet mostly asks for', () => {
  test('a first policy comes in one file', () => {
    const { way, played } = only('', SSH + link('10.0.2.21'));
    expect([way, played.length]).toEqual(['direct', 1]);
  });

  test('another peer is added, and nothing else is touched', () => {
    expect(only(SSH + link('10.0.2.21'), SSH + link('10.0.2.21') + link('10.0.2.22')).changes).toEqual([
      { kind: 'add', rule: listed('10.0.2.22', 'out') },
      { kind: 'add', rule: listed('10.0.2.22', 'in') },
    ]);
  });

  test('a peer that is gone takes its two rules with it', () => {
    expect(only(SSH + link('10.0.2.20') + link('10.0.2.21'), SSH + link('10.0.2.21')).changes).toEqual([
      { kind: 'delete', rule: listed('10.0.2.20', 'in') },
      { kind: 'delete', rule: listed('10.0.2.20', 'out') },
    ]);
  });

  test('other algorithms for a peer come under stand-ins, since the host would keep the old ones without a word', () => {
    const { way, changes } = only(
      SSH + link('10.0.2.21'),
      SSH + link('10.0.2.21', 'encr_algs aes(128) encr_auth_algs sha256'),
    );
    const standIn = (dir: string): string => listed('10.0.2.21', dir, 128).replace('/32', '/31');
    expect(way).toBe('twins');
    expect(changes).toEqual([
      { kind: 'add', rule: standIn('out') },
      { kind: 'add', rule: standIn('in') },
      { kind: 'delete', rule: listed('10.0.2.21', 'in') },
      { kind: 'delete', rule: listed('10.0.2.21', 'out') },
      { kind: 'add', rule: listed('10.0.2.21', 'out', 128) },
      { kind: 'add', rule: listed('10.0.2.21', 'in', 128) },
      { kind: 'delete', rule: standIn('in') },
      { kind: 'delete', rule: standIn('out') },
    ]);
  });

  test('a rule of its class that must come first makes the others wait behind it', () => {
    const all = '{} ipsec { encr_algs aes encr_auth_algs sha256 }\n';
    const special = link('10.0.2.21', 'encr_algs aes(256) encr_auth_algs sha512');
    const { changes, way } = only(SSH + all, SSH + special + all);
    expect(way).toBe('twins');
    const places = changes.flatMap(({ kind, rule }, at) => (kind === 'add' ? [[rule, at] as const] : []));
    const at = (text: string): number => places.findLast(([rule]) => rule.startsWith(text))?.[1] ?? -1;
    expect(at('{ dir out }')).toBeGreaterThan(at('{ laddr 10.0.1.11/32'));
    expect(at('{ laddr 10.0.1.11/32')).toBeGreaterThan(changes.findIndex(({ kind }) => kind === 'delete'));
  });

  test('a rule whose other half was deleted by hand is made whole', () => {
    const [before, after] = [
      '{ lport 80 ulp tcp dir both } bypass {}\n',
      '{ lport 80 ulp tcp dir both } bypass {}\n',
    ].map(rulesOf);
    const half = (before ?? []).filter(({ family, dir }) => family === 4 || dir === 'out');
    const [order] = loadOrders({ loaded: half, wanted: after ?? [], names: STOCK_NAMES, syntax: 'new' });
    expect(order?.played.at(-1)?.rules).toHaveLength(4);
  });

  test('rules of tunnels are left to the host', () => {
    expect(orders('', '{tunnel ip.tun0 negotiate tunnel} ipsec {encr_algs aes encr_auth_algs sha256}\n')).toEqual([]);
  });
});
