/** Sets of addresses as lists of disjoint prefixes: intersection and difference. */

import { prefixContains, type Prefix } from '../model/address.js';

const WIDTH = { 4: 32, 6: 128 } as const;

/** The same block with its host bits cleared. */
export function networkOf({ address, length }: Prefix): Prefix {
  const shift = BigInt(WIDTH[address.family] - length);
  return { address: { family: address.family, value: (address.value >> shift) << shift }, length };
}

/** What two blocks share: the smaller one, or nothing. */
export function intersection(a: Prefix, b: Prefix): Prefix | undefined {
  if (prefixContains(a, b)) return networkOf(b);
  return prefixContains(b, a) ? networkOf(a) : undefined;
}

/** What is left of a block without another: for each bit by which the other is longer, the half it is not in. */
export function difference(from: Prefix, without: Prefix): readonly Prefix[] {
  if (prefixContains(without, from)) return [];
  if (!prefixContains(from, without)) return [networkOf(from)];
  const { family } = from.address;
  const halves: Prefix[] = [];
  for (let length = from.length + 1; length <= without.length; length++) {
    const bit = 1n << BigInt(WIDTH[family] - length);
    const { address } = networkOf({ address: without.address, length });
    halves.push({ address: { family, value: address.value ^ bit }, length });
  }
  return halves;
}
