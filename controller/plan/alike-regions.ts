/** Boxes of packets grouped by the remote addresses that have the very same ones: that reads best, and is said once for all. */

import type { Family } from '../model/policy.js';
import { trafficKey } from '../policy/join-regions.js';
import type { AddressRange, Region } from '../policy/region.js';

export interface AlikeRegions {
  readonly family: Family;
  /** Disjoint. */
  readonly remotes: readonly AddressRange[];
  /** The boxes of the first of them; those of the others are the same but for the remote addresses. */
  readonly boxes: readonly Region[];
}

interface Place {
  readonly family: Family;
  readonly remote: AddressRange;
  readonly boxes: Region[];
  said: string;
}

/** All boxes of a remote address must have the same range of remote addresses. */
export function alike(regions: readonly Region[]): readonly AlikeRegions[] {
  const keyOf = boxKeys();
  const places = new Map<string, Place>();
  for (const region of regions) {
    const { family, remote } = region;
    const place = places.get(keyOf.range(remote));
    const said = keyOf.box(region);
    if (place === undefined) places.set(keyOf.range(remote), { family, remote, boxes: [region], said });
    else {
      place.boxes.push(region);
      place.said += `\n${said}`;
    }
  }
  const groups = new Map<string, AlikeRegions & { readonly remotes: AddressRange[] }>();
  for (const { family, remote, boxes, said } of places.values()) {
    const known = groups.get(said);
    if (known === undefined) groups.set(said, { family, remotes: [remote], boxes });
    else known.remotes.push(remote);
  }
  return [...groups.values()];
}

/** Equal for equal sets of boxes in the same order. */
export function alikeKey(groups: readonly AlikeRegions[]): string {
  const keyOf = boxKeys();
  const words = groups.map(({ remotes, boxes }) => [...remotes.map(keyOf.range), ...boxes.map(keyOf.box)].join('\n'));
  return words.join('\n\n');
}

/** Keys of boxes, remote addresses apart. Boxes of one policy share ranges and traffic, so each is written once. */
function boxKeys() {
  const known = new Map<object, string>();
  const once = <T extends object>(value: T, write: (value: T) => string): string => {
    const before = known.get(value);
    if (before !== undefined) return before;
    const written = write(value);
    known.set(value, written);
    return written;
  };
  const range = (value: AddressRange): string => once(value, ({ from, to }) => `${from}-${to}`);
  const box = ({ family, local, traffic }: Region): string => `${family} ${range(local)} ${once(traffic, trafficKey)}`;
  return { range, box };
}
