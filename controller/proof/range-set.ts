/** Sets of addresses of one family as sorted runs: asked again and again whether one is in. */

import type { AddressRange } from '../policy/region.js';

export class RangeSet {
  readonly runs: readonly AddressRange[];

  constructor(ranges: readonly AddressRange[]) {
    const runs: AddressRange[] = [];
    for (const range of ranges.toSorted((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))) {
      const last = runs.at(-1);
      if (last === undefined || range.from > last.to + 1n) runs.push(range);
      else if (range.to > last.to) runs[runs.length - 1] = { from: last.from, to: range.to };
    }
    this.runs = runs;
  }

  has(value: bigint): boolean {
    let [low, high] = [0, this.runs.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const run = this.runs[middle];
      if (run === undefined) return false;
      if (value < run.from) high = middle - 1;
      else if (value > run.to) low = middle + 1;
      else return true;
    }
    return false;
  }

  /** What is left without single addresses, which are given in ascending order. */
  without(sorted: readonly bigint[]): readonly AddressRange[] {
    return this.runs.flatMap(({ from, to }) => {
      const parts: AddressRange[] = [];
      let start = from;
      let at = firstFrom(sorted, from);
      for (let hole = sorted[at]; hole !== undefined && hole <= to; hole = sorted[++at]) {
        if (start < hole) parts.push({ from: start, to: hole - 1n });
        start = hole + 1n;
      }
      if (start <= to) parts.push({ from: start, to });
      return parts;
    });
  }
}

/** Place of the first value that is not below. */
function firstFrom(sorted: readonly bigint[], least: bigint): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? least) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
