/** Which ends a link joins, and what was found wrong with it. */

import { endName } from '../keys/address-pairs.js';
import type { Link } from '../model/host.js';
import type { Joins } from './flow-matrix.js';

/** One way of a link that does not work, in a sentence. */
export interface LinkFault {
  readonly from: string;
  readonly to: string;
  readonly what: string;
}

export function joinsOf(links: readonly Link[], faults: readonly LinkFault[]): Joins {
  const peers = new Map<string, Set<string>>();
  const add = (one: string, other: string): void => {
    const known = peers.get(one);
    if (known === undefined) peers.set(one, new Set([other]));
    else known.add(other);
  };
  for (const { ends } of links) {
    const [a, b] = [endName(ends[0]), endName(ends[1])];
    add(a, b);
    add(b, a);
  }
  const said = new Map(faults.map(({ from, to, what }) => [`${from}\n${to}`, what]));
  return {
    joined: (from, to) => peers.get(from)?.has(to) === true,
    fault: (from, to) => said.get(`${from}\n${to}`),
  };
}
