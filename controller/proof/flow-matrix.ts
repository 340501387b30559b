/**
 * Who can talk to whom: for every ordered pair of ends, what becomes of everything that one can send the other. Pairs whose
 * rules say the same share one treatment, which keeps a fleet of hundreds of hosts small.
 */

import { endName } from '../keys/address-pairs.js';
import type { Address } from '../model/address.js';
import type { Link } from '../model/host.js';
import type { Family } from '../model/policy.js';
import type { Traffic } from '../policy/traffic.js';
import type { HostPicture } from './host-picture.js';
import { Numbers } from './numbers.js';
import { trafficDivider, type TrafficClass } from './pair-classes.js';
import { linkReport } from './pair-findings.js';
import { flowProver } from './pair-flows.js';
import { classPieces, flowPieces, treatmentParts, type TreatmentPart } from './treatment-parts.js';

/** A host, a group of them, or an end that is not ours. */
export interface MatrixEnd {
  readonly name: string;
  readonly kind: 'host' | 'external' | 'group';
  /** For bands: the group that says most about it. */
  readonly group: string | undefined;
  readonly addresses: readonly Address[];
}

export interface PicturedEnd extends MatrixEnd {
  readonly picture: HostPicture;
}

/** What becomes of everything from one end to another. The first part is the greatest. */
export interface Treatment {
  /** No part at all: the two have no address family in common. */
  readonly parts: readonly TreatmentPart[];
}

export interface FlowMatrix {
  readonly ends: readonly MatrixEnd[];
  readonly treatments: readonly Treatment[];
  /** `cells[from][to]` is a place in `treatments`; -1 from an end to itself. */
  readonly cells: readonly Int32Array[];
}

/** `asked` keeps to one kind of traffic, such as TCP to port 443. */
export function flowMatrix(
  ends: readonly PicturedEnd[],
  links: readonly Link[],
  asked: (family: Family) => readonly Traffic[] | undefined = () => undefined,
): FlowMatrix {
  const divide = trafficDivider();
  const prove = flowProver(divide);
  const treatments = new Numbers<Treatment>();
  const joins = joinsOf(ends, links);
  const known = new Map<readonly TrafficClass[], Map<boolean, number>>();
  const number = (parts: readonly TreatmentPart[]): number => treatments.of(JSON.stringify(parts), () => ({ parts }));
  const treat = (from: HostPicture, to: HostPicture, source: Address, destination: Address): number => {
    const { family } = source;
    const classes = divide(
      family,
      from.rules.between('out', source, destination),
      to.rules.between('in', destination, source),
    );
    const join = joins(from, to, source, destination, classes);
    if (join === 'look') {
      const flows = prove({ sender: from, receiver: to, source, destination });
      return number(treatmentParts(flowPieces(flows), family, asked(family)));
    }
    const found = known.get(classes) ?? new Map<boolean, number>();
    known.set(classes, found);
    const cell = found.get(join) ?? number(treatmentParts(classPieces(classes, join), family, asked(family)));
    found.set(join, cell);
    return cell;
  };
  const cells = ends.map((from) =>
    Int32Array.from(ends, (to) => {
      if (to === from) return -1;
      const found = new Map<number, Family>();
      for (const source of from.addresses)
        for (const destination of to.addresses)
          if (source.family === destination.family)
            found.set(treat(from.picture, to.picture, source, destination), source.family);
      return sumUp(found, treatments);
    }),
  );
  return { ends, treatments: treatments.values, cells };
}

/** `true` = a link gives the two keys that work, `false` = they have none, `look` = their keys must be looked at. */
type Join = boolean | 'look';

function joinsOf(
  ends: readonly PicturedEnd[],
  links: readonly Link[],
): (
  from: HostPicture,
  to: HostPicture,
  source: Address,
  destination: Address,
  classes: readonly TrafficClass[],
) => Join {
  const pictures = new Map(ends.map(({ name, picture }) => [name, picture]));
  const peers = new Map<string, Map<string, Join>>();
  const ask = flowProver();
  const note = (from: string, to: string, join: Join): void => {
    const known = peers.get(from) ?? new Map<string, Join>();
    peers.set(from, known);
    known.set(to, join);
  };
  for (const link of links) {
    const [a, b] = [endName(link.ends[0]), endName(link.ends[1])];
    const faulty = new Set(
      linkReport(link, pictures, ask)?.findings.flatMap(({ severity, from }) => (severity === 'error' ? [from] : [])),
    );
    note(a, b, faulty.has(a) ? 'look' : true);
    note(b, a, faulty.has(b) ? 'look' : true);
  }
  return (from, to, source, destination, classes) => {
    const linked = peers.get(from.name)?.get(to.name);
    if (linked !== undefined) return linked;
    if (!classes.some(({ meets }) => meets === 'agreed')) return false;
    const keys = from.sas.between(source, destination).length + from.ike.rules(source, destination).length;
    return keys > 0 ? 'look' : false;
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
