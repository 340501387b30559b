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

  /** What is left without single addresses. */
  without(values: ReadonlySet<bigint>): readonly AddressRange[] {
    const holes = [...values].filter((value) => this.has(value)).sort((a, b) => (a < b ? -1 : 1));
    let at = 0;
    return this.runs.flatMap(({ from, to }) => {
      const parts: AddressRange[] = [];
      let start = from;
      for (let hole = holes[at]; hole !== undefined && hole <= to; hole = holes[++at]) {
        if (start < hole) parts.push({ from: start, to: hole - 1n });
        start = hole + 1n;
      }
      if (start <= to) parts.push({ from: start, to });
      return parts;
    });
  }
}
