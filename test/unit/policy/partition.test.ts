import { expect, test } from 'vitest';

import { formatAddress, parseAddress, type Address } from '../../../controller/model/address.js';
import type { Packet } from '../../../controller/model/packet.js';
import type { Action, LoadedRule, Selector } from '../../../controller/model/policy.js';
import { joined } from '../../../controller/policy/join-regions.js';
import { findRule } from '../../../controller/policy/match-flow.js';
import { partition } from '../../../controller/policy/partition.js';
import { predictLoad } from '../../../controller/policy/predict-load.js';
import {
  addressRange,
  cutAll,
  everything,
  holds,
  meetAll,
  mirrored,
  samplePacket,
  selectedRegions,
  type Region,
} from '../../../controller/policy/region.js';
import { flowText, flowTexts } from '../../../controller/policy/region-text.js';
import { draws, type Draw } from '../proof/random-policies.js';
import { selectorMeets } from '../../../controller/policy/match-selector.js';

/** A busy machine takes its time. */
const PATIENCE_MS = 120_000;
/** Rule sets that are compared with the evaluator packet by packet; `POLICY_SEED` draws others. */
const CASES = 10_000;
const SEED = Number(process.env['POLICY_SEED'] ?? 1);

const BASE = { 4: 0x0a000000n, 6: 0xfd00n << 112n } as const;
const PORTS = [22, 80];
const TYPES = [3, 8];

function spaceOf(family: 4 | 6): readonly Packet[] {
  const packets: Packet[] = [];
  for (const local of [0n, 1n]) {
    for (const remote of [0n, 1n, 2n, 7n]) {
      const ends = { local: { family, value: BASE[family] + local }, remote: { family, value: BASE[family] + remote } };
      for (const protocol of [6, 17]) {
        for (const localPort of PORTS)
          for (const remotePort of PORTS) packets.push({ ...ends, protocol, localPort, remotePort });
      }
      for (const icmpType of TYPES)
        for (const icmpCode of [0, 4]) packets.push({ ...ends, protocol: family === 4 ? 1 : 58, icmpType, icmpCode });
      packets.push({ ...ends, protocol: 47 }, { ...ends, protocol: family === 4 ? 58 : 1 });
    }
  }
  return packets;
}

const ACTIONS: readonly Action[] = [{ kind: 'bypass' }, { kind: 'discard' }];

function ruleFrom(draw: Draw, family: 4 | 6, index: number): LoadedRule {
  const maybe = <T>(value: () => T): T | undefined => (draw(2) === 0 ? value() : undefined);
  const width = family === 4 ? 32 : 128;
  const prefix = () => ({ address: { family, value: BASE[family] + BigInt(draw(8)) }, length: width - draw(4) });
  const protocol = maybe(() => [1, 6, 17, 47, 58][draw(5)] ?? 6);
  const icmp = protocol === (family === 4 ? 1 : 58);
  const ported = protocol === undefined || protocol === 6 || protocol === 17;
  const local = maybe(prefix);
  const remote = maybe(prefix);
  const localPort = ported ? maybe(() => PORTS[draw(2)]) : undefined;
  const remotePort = ported ? maybe(() => PORTS[draw(2)]) : undefined;
  const icmpType = icmp ? maybe(() => ({ from: draw(9), to: 8 })) : undefined;
  const icmpCode = icmpType && maybe(() => ({ from: draw(5), to: 4 }));
  const selector: Selector = {
    family,
    ...(protocol !== undefined && { protocol }),
    ...(local && { local }),
    ...(remote && { remote }),
    ...(localPort !== undefined && { localPort }),
    ...(remotePort !== undefined && { remotePort }),
    ...(icmpType && { icmpType }),
    ...(icmpCode && { icmpCode }),
  };
  const action = ACTIONS[draw(2)] ?? { kind: 'bypass' };
  return {
    index,
    dir: 'out',
    family,
    priority: draw(6),
    selector,
    actions: [action],
    text: '',
    source: { line: index, column: 1, text: '' },
  };
}

const show = (packet: Packet): string =>
  JSON.stringify(packet, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));

test(
  `the cells of a policy give every packet to the rule that decides it: ${CASES} random policies, all packets of a small space`,
  () => {
    const draw = draws(SEED);
    const spaces = { 4: spaceOf(4), 6: spaceOf(6) };
    for (let round = 0; round < CASES; round++) {
      const family = round % 4 === 0 ? 6 : 4;
      const rules = Array.from({ length: 1 + draw(6) }, (_, index) => ruleFrom(draw, family, index));
      const cells = partition(rules, 'out', family);
      for (const packet of spaces[family]) {
        const holding = cells.filter(({ region }) => holds(region, packet));
        const expected = findRule(rules, 'out', packet);
        if (holding.length === 1 && holding[0]?.rule === expected) continue;
        expect.fail(
          `round ${round}: ${show(packet)} is in ${holding.length} cells, of rule ${holding[0]?.rule?.index}, not ${expected?.index}`,
        );
      }
    }
  },
  PATIENCE_MS,
);

test('sets are met, cut, mirrored and joined without losing or doubling a packet', () => {
  const draw = draws(SEED + 7);
  const space = spaceOf(4);
  const inside = (set: readonly Region[], packet: Packet): number => set.filter((one) => holds(one, packet)).length;
  for (let round = 0; round < 500; round++) {
    const [a, b, c] = [0, 1, 2].map((index) => ruleFrom(draw, 4, index).selector);
    if (a === undefined || b === undefined || c === undefined) throw new Error('three selectors were drawn');
    const [setA, setB] = [selectedRegions(a), selectedRegions(b)];
    const shared = meetAll(setA, setB);
    const rest = cutAll(setA, setB);
    const all = joined(cutAll(everything(4), selectedRegions(c)));
    for (const packet of space) {
      const inA: boolean = selectorMeets(a, packet);
      const inB: boolean = selectorMeets(b, packet);
      const turned = { ...packet, local: packet.remote, remote: packet.local };
      const swapped: Packet =
        packet.localPort === undefined || packet.remotePort === undefined
          ? turned
          : { ...turned, localPort: packet.remotePort, remotePort: packet.localPort };
      const found = [
        inside(setA, packet),
        inside(shared, packet),
        inside(rest, packet),
        inside(setA.map(mirrored), swapped),
        inside(all, packet),
      ];
      const expected: number[] = [inA, inA && inB, inA && !inB, inA, !selectorMeets(c, packet)].map(Number);
      if (found.join() !== expected.join())
        expect.fail(`round ${round}: ${show(packet)}: ${found.join()}, not ${expected.join()}`);
    }
    expect([...shared, ...rest].filter((region) => !holds(region, samplePacket(region)))).toEqual([]);
  }
});

function address(text: string): Address {
  const read = parseAddress(text);
  if (read === undefined) throw new Error(text);
  return read;
}

test('a policy for two addresses is divided for them alone', () => {
  const { rules } = predictLoad('{ raddr 10.0.2.21 dir both } drop {}\n{ lport 80 ulp tcp dir both } bypass {}\n');
  const cells = partition(rules, 'in', 4, {
    local: addressRange(address('10.0.1.11')),
    remote: addressRange(address('10.0.2.21')),
  });
  expect(
    cells.map(({ region, rule }) => [formatAddress({ family: 4, value: region.remote.from }), rule?.text]),
  ).toEqual(
    expect.arrayContaining([
      ['10.0.2.21', '{ ulp 6 lport 80 dir in } pass { }'],
      ['10.0.2.21', '{ raddr 10.0.2.21/32 dir in } drop { }'],
    ]),
  );
  expect(cells.every(({ rule }) => rule !== undefined)).toBe(true);
});

test('a set reads in words a person would use', () => {
  const { rules } = predictLoad('{ lport 80 ulp tcp dir in } bypass {}\n{ raddr 10.0.2.0/24 dir in } drop {}\n');
  const cells = partition(rules, 'in', 4);
  const words = (wanted: string | undefined): string[] =>
    flowTexts(cells.filter(({ rule }) => rule?.text === wanted).map(({ region }) => mirrored(region))).map(flowText);
  expect(words('{ ulp 6 lport 80 dir in } pass { }')).toEqual(['any → any tcp/80']);
  expect(words('{ raddr 10.0.2.0/24 dir in } drop { }')).toEqual(['10.0.2.0/24 → any anything but tcp/80']);
  expect(words(undefined)).toEqual(['any but 10.0.2.0/24 → any anything but tcp/80']);
});
