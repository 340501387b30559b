/** Things filed under the addresses they are for, so that finding those for one address does not look at all of them. */

import type { Address } from '../model/address.js';
import type { AddressRange } from './region.js';

export interface AddressIndex<T> {
  /** In the order given. */
  at(address: Address): readonly T[];
}

export interface FiledRange extends AddressRange {
  readonly family: Address['family'];
}

interface Filed<T> {
  readonly place: number;
  readonly item: T;
}

/** `rangesOf` gives the addresses an item is for; none = every address of both families. */
export function addressIndex<T>(
  items: readonly T[],
  rangesOf: (item: T) => readonly FiledRange[] | undefined,
): AddressIndex<T> {
  const exact: Readonly<Record<4 | 6, Map<bigint, Filed<T>[]>>> = { 4: new Map(), 6: new Map() };
  const wide: (Filed<T> & { readonly ranges: readonly FiledRange[] | undefined })[] = [];
  for (const [place, item] of items.entries()) {
    const ranges = rangesOf(item);
    const [range] = ranges ?? [];
    if (ranges?.length !== 1 || range === undefined || range.from !== range.to) {
      wide.push({ place, item, ranges });
      continue;
    }
    const known = exact[range.family].get(range.from);
    if (known === undefined) exact[range.family].set(range.from, [{ place, item }]);
    else known.push({ place, item });
  }
  return {
    at: ({ family, value }) => {
      const near = exact[family].get(value) ?? [];
      const found: Filed<T>[] = near.slice();
      for (const one of wide) if (one.ranges === undefined || holdsAny(one.ranges, family, value)) found.push(one);
      if (near.length > 0 && found.length > near.length) found.sort((a, b) => a.place - b.place);
      return found.map(({ item }) => item);
    },
  };
}

function holdsAny(ranges: readonly FiledRange[], family: Address['family'], value: bigint): boolean {
  return ranges.some((range) => range.family === family && range.from <= value && value <= range.to);
}
