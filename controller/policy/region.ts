/**
 * Exact sets of packets of one address family, as boxes in (local, remote, traffic): meet, cut, mirror, join, and one
 * example. `local` is always the side of the host that is asked, in both directions.
 */

import { hostPrefix, type Address, type Prefix } from '../model/address.js';
import type { Packet } from '../model/packet.js';
import type { Family, Selector } from '../model/policy.js';
import {
  cutTraffic,
  everyTraffic,
  meetTraffic,
  mirroredTraffic,
  sampleTraffic,
  selectedTraffic,
  trafficHolds,
  type Traffic,
} from './traffic.js';

/** From and to, both included. */
export interface AddressRange {
  readonly from: bigint;
  readonly to: bigint;
}

/** Never empty. */
export interface Region {
  readonly family: Family;
  readonly local: AddressRange;
  readonly remote: AddressRange;
  readonly traffic: Traffic;
}

const BITS = { 4: 32, 6: 128 } as const;
const EVERY_ADDRESS: Readonly<Record<Family, AddressRange>> = {
  4: { from: 0n, to: (1n << 32n) - 1n },
  6: { from: 0n, to: (1n << 128n) - 1n },
};

export function everyAddress(family: Family): AddressRange {
  return EVERY_ADDRESS[family];
}

export function prefixRange({ address, length }: Prefix): AddressRange {
  if (length === BITS[address.family]) return { from: address.value, to: address.value };
  const free = BigInt(BITS[address.family] - length);
  const from = (address.value >> free) << free;
  return { from, to: from + (1n << free) - 1n };
}

export function addressRange(address: Address): AddressRange {
  return prefixRange(hostPrefix(address));
}

/** Every packet of a family, or those between these addresses. */
export function everything(
  family: Family,
  local: AddressRange = everyAddress(family),
  remote: AddressRange = everyAddress(family),
): readonly Region[] {
  return everyTraffic(family).map((traffic) => ({ family, local, remote, traffic }));
}

/** The packets that a selector meets; none when it asks for what no packet has. */
export function selectedRegions(selector: Selector): readonly Region[] {
  const { family } = selector;
  const local = selector.local === undefined ? everyAddress(family) : prefixRange(selector.local);
  const remote = selector.remote === undefined ? everyAddress(family) : prefixRange(selector.remote);
  return selectedTraffic(selector).map((traffic) => ({ family, local, remote, traffic }));
}

/** One of the two where that lies in the other, as it mostly does. */
export function meetAddresses(a: AddressRange, b: AddressRange): AddressRange | undefined {
  if (a === b) return a;
  const from = a.from > b.from ? a.from : b.from;
  const to = a.to < b.to ? a.to : b.to;
  if (from === a.from && to === a.to) return a;
  if (from === b.from && to === b.to) return b;
  return from <= to ? { from, to } : undefined;
}

function cutAddresses(from: AddressRange, without: AddressRange): readonly AddressRange[] {
  const parts: AddressRange[] = [];
  if (from.from < without.from) parts.push({ from: from.from, to: without.from - 1n });
  if (from.to > without.to) parts.push({ from: without.to + 1n, to: from.to });
  return parts;
}

export function meet(a: Region, b: Region): Region | undefined {
  if (a.family !== b.family) return undefined;
  const traffic = meetTraffic(a.traffic, b.traffic);
  if (traffic === undefined) return undefined;
  const local = meetAddresses(a.local, b.local);
  const remote = meetAddresses(a.remote, b.remote);
  return local === undefined || remote === undefined ? undefined : { family: a.family, local, remote, traffic };
}

/** What is left of `from` without `without`: disjoint boxes. */
export function cut(from: Region, without: Region): readonly Region[] {
  const shared = meet(from, without);
  return shared === undefined ? [from] : cutShared(from, shared);
}

/** The same where it is known that all of `shared` lies in `from`. */
export function cutShared(from: Region, shared: Region): readonly Region[] {
  const { family } = from;
  const { local, remote } = shared;
  const parts: Region[] = [];
  if (local !== from.local)
    for (const one of cutAddresses(from.local, local))
      parts.push({ family, local: one, remote: from.remote, traffic: from.traffic });
  if (remote !== from.remote)
    for (const one of cutAddresses(from.remote, remote))
      parts.push({ family, local, remote: one, traffic: from.traffic });
  if (shared.traffic !== from.traffic)
    for (const traffic of cutTraffic(from.traffic, shared.traffic)) parts.push({ family, local, remote, traffic });
  return parts;
}

/** All that two lists of boxes share; disjoint when each list is. */
export function meetAll(a: readonly Region[], b: readonly Region[]): readonly Region[] {
  return a.flatMap((one) => b.flatMap((other) => meet(one, other) ?? []));
}

export function cutAll(from: readonly Region[], without: readonly Region[]): readonly Region[] {
  let left = from;
  for (const one of without) {
    if (left.length === 0) break;
    left = left.flatMap((part) => cut(part, one));
  }
  return left;
}

/** The same packets as the other end sees them. */
export function mirrored(region: Region): Region {
  const { family, local, remote, traffic } = region;
  return { family, local: remote, remote: local, traffic: mirroredTraffic(traffic) };
}

export function holds(region: Region, packet: Packet): boolean {
  const { family, local, remote, traffic } = region;
  const inside = ({ from, to }: AddressRange, { family: of, value }: Address): boolean =>
    of === family && from <= value && value <= to;
  return inside(local, packet.local) && inside(remote, packet.remote) && trafficHolds(traffic, family, packet);
}

/** One packet of the region: the least addresses, usual ports. */
export function samplePacket({ family, local, remote, traffic }: Region): Packet {
  return {
    local: { family, value: local.from },
    remote: { family, value: remote.from },
    ...sampleTraffic(traffic, family),
  };
}
