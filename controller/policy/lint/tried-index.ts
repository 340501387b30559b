/** Rules that were tried so far, found by the ports they name: most rules share no port with most others. */

import type { LoadedRule } from '../../model/policy.js';
import { couldMeet } from './overlap.js';

export class TriedIndex {
  readonly #all: LoadedRule[] = [];
  readonly #byLocal = new Map<number | undefined, LoadedRule[]>();
  readonly #byRemote = new Map<number | undefined, LoadedRule[]>();

  add(rule: LoadedRule): void {
    this.#all.push(rule);
    put(this.#byLocal, rule.selector.localPort, rule);
    put(this.#byRemote, rule.selector.remotePort, rule);
  }

  /** Those that may meet a packet that this one meets. */
  beside({ selector }: LoadedRule): readonly LoadedRule[] {
    let fewest: readonly LoadedRule[][] = [this.#all];
    for (const [port, by] of [
      [selector.localPort, this.#byLocal],
      [selector.remotePort, this.#byRemote],
    ] as const) {
      if (port === undefined) continue;
      const lists = [by.get(undefined) ?? [], by.get(port) ?? []];
      if (count(lists) < count(fewest)) fewest = lists;
    }
    return fewest.flatMap((list) => list.filter((one) => couldMeet(one.selector, selector)));
  }
}

function put(map: Map<number | undefined, LoadedRule[]>, port: number | undefined, rule: LoadedRule): void {
  const known = map.get(port);
  if (known === undefined) map.set(port, [rule]);
  else known.push(rule);
}

function count(lists: readonly (readonly unknown[])[]): number {
  return lists.reduce((sum, list) => sum + list.length, 0);
}
