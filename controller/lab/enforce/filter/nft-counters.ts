/** Reads what `nft -j list counters` prints. */

import type { SaUse } from '../../packet-filter.js';

/** By name; what is no counter is left out. */
export function readCounters(text: string): ReadonlyMap<string, SaUse> {
  const found = new Map<string, SaUse>();
  const document: unknown = JSON.parse(text);
  for (const item of listAt(document, 'nftables')) {
    const counter = at(item, 'counter');
    const [name, packets, bytes] = [at(counter, 'name'), at(counter, 'packets'), at(counter, 'bytes')];
    if (typeof name !== 'string' || typeof packets !== 'number' || typeof bytes !== 'number') continue;
    found.set(name, { packets, bytes });
  }
  return found;
}

function at(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([name]) => name === key)?.[1]
    : undefined;
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const list = at(value, key);
  return Array.isArray(list) ? list : [];
}
