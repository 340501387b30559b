/**
 * Who can talk to whom: for every ordered pair of ends, what becomes of everything that one can send the other. Pairs whose
 * rules say the same share one treatment, which keeps a fleet of hundreds of hosts small.
 */

import type { Address } from '../model/address.js';
import type { Family, LoadedRule } from '../model/policy.js';
import { divide } from '../policy/partition.js';
import { everything } from '../policy/region.js';
import type { Traffic } from '../policy/traffic.js';
import { Numbers, ruleNumbers, rulesAt } from './rules-at.js';
import { trafficShare } from './traffic-share.js';
import { trafficWords } from './traffic-words.js';
import { wayParts, type RefusedBecause, type WayKind, type WayPart } from './way.js';

/** A host, or an end that is not ours, with the rules that it will have. */
export interface MatrixEnd {
  readonly name: string;
  readonly kind: 'host' | 'external';
  /** For bands and for `--by group`: the group that says most about it. */
  readonly group: string | undefined;
  readonly addresses: readonly Address[];
  readonly rules: readonly LoadedRule[];
}

export interface TreatmentPart {
  readonly kind: WayKind;
  /** `tcp/443`, `anything but tcp/80` */
  readonly traffic: string;
  /** Of what is refused or broken: every reason there is. */
  readonly because: readonly RefusedBecause[];
  /** What does not work between the two although a link joins them, in words. */
  readonly fault?: string;
  readonly doubtful: boolean;
}

/** What becomes of everything from one end to another. The first part is the greatest. */
export interface Treatment {
  /** No part at all: the two have no address family in common, or nothing was asked for. */
  readonly parts: readonly TreatmentPart[];
}

export interface FlowMatrix {
  readonly ends: readonly MatrixEnd[];
  readonly treatments: readonly Treatment[];
  /** `cells[from][to]` is a place in `treatments`; -1 from an end to itself. */
  readonly cells: readonly Int32Array[];
}

/** Whether a link joins two ends, and what was found wrong with it from one to the other; asked only where both would protect. */
export interface Joins {
  joined(from: string, to: string): boolean;
  /** A sentence for a person, `undefined` where keys are in place. */
  fault(from: string, to: string): string | undefined;
}

/** `asked` keeps to one kind of traffic, such as TCP to port 443. */
export function flowMatrix(
  ends: readonly MatrixEnd[],
  joins: Joins,
  asked?: (family: Family) => readonly Traffic[],
): FlowMatrix {
  const numbers = ruleNumbers();
  const treatments = new Numbers<Treatment>();
  const known = new Map<string, number>();
  const sides = ends.map(({ addresses, rules }) =>
    addresses.map((address) => ({
      address,
      out: rulesAt(rules, 'out', address, numbers),
      into: rulesAt(rules, 'in', address, numbers),
    })),
  );
  const treat = (family: Family, out: number, into: number, joined: boolean, fault = ''): number => {
    const key = `${family} ${out} ${into} ${joined} ${fault}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const whole = everything(family);
    const parts = wayParts(
      divide(numbers.lists.values[out] ?? [], whole),
      divide(numbers.lists.values[into] ?? [], whole),
      { family, joined, asked: asked?.(family) },
    );
    const treatment = treatmentOf(parts, family, fault, asked?.(family));
    const number = treatments.of(JSON.stringify(treatment), () => treatment);
    known.set(key, number);
    return number;
  };
  const cells = ends.map((from, row) => {
    const cellsOfRow = new Int32Array(ends.length).fill(-1);
    for (const [column, to] of ends.entries()) {
      if (column === row) continue;
      const joined = joins.joined(from.name, to.name);
      const fault = joined ? joins.fault(from.name, to.name) : undefined;
      const found = new Map<number, Family>();
      for (const source of sides[row] ?? []) {
        for (const target of sides[column] ?? []) {
          const { family } = source.address;
          if (family !== target.address.family) continue;
          const [out, into] = [source.out(target.address), target.into(source.address)];
          found.set(treat(family, out, into, joined, fault), family);
        }
      }
      cellsOfRow[column] = sumUp(found, treatments);
    }
    return cellsOfRow;
  });
  return { ends, treatments: treatments.values, cells };
}

function treatmentOf(
  parts: readonly WayPart[],
  family: Family,
  fault: string,
  asked: readonly Traffic[] | undefined,
): Treatment {
  const groups = new Map<WayKind, WayPart[]>();
  for (const part of parts) {
    const kind = part.kind === 'protected' && fault !== '' ? 'broken' : part.kind;
    const group = groups.get(kind);
    if (group === undefined) groups.set(kind, [part]);
    else group.push(part);
  }
  const traffics = (some: readonly WayPart[]): readonly Traffic[] =>
    some.flatMap(({ regions }) => regions.map(({ traffic }) => traffic));
  const sorted = [...groups].toSorted(([, a], [, b]) => trafficShare(traffics(b)) - trafficShare(traffics(a)));
  return {
    parts: sorted.map(([kind, some]) => ({
      kind,
      traffic: trafficWords(traffics(some), family, asked),
      because: [...new Set(some.flatMap(({ because }) => because ?? []))],
      ...(kind === 'broken' && fault !== '' && { fault }),
      doubtful: some.some(({ doubtful }) => doubtful),
    })),
  };
}

/** Ends with several addresses: one treatment where all pairs agree, else the parts of each, told apart by family. */
function sumUp(found: ReadonlyMap<number, Family>, treatments: Numbers<Treatment>): number {
  const [first] = found.keys();
  if (first === undefined) return treatments.of('none', () => ({ parts: [] }));
  if (found.size === 1) return first;
  const parts = [...found].flatMap(([number, family]) =>
    (treatments.values[number]?.parts ?? []).map((part) => ({ ...part, traffic: `IPv${family} ${part.traffic}` })),
  );
  const same = new Map(parts.map((part) => [JSON.stringify(part), part]));
  return treatments.of([...found.keys()].sort().join(), () => ({ parts: [...same.values()] }));
}
