/** Joins boxes that together are a box, so that a set reads as short as it can be without changing what is in it. */

import type { NumberRange } from '../model/policy.js';
import type { AddressRange, Region } from './region.js';
import type { Traffic } from './traffic.js';

/** The same packets in fewer boxes; the boxes given must be disjoint. Not always the fewest, always the same for the same set of boxes. */
export function joined(regions: readonly Region[]): readonly Region[] {
  let boxes = [...regions];
  for (let before = -1; before !== boxes.length;) {
    before = boxes.length;
    for (const along of [joinProtocols, joinPorts('local'), joinPorts('remote'), joinIcmp('code'), joinIcmp('type')]) {
      boxes = along(boxes);
    }
    boxes = joinAddresses('local', boxes);
    boxes = joinAddresses('remote', boxes);
  }
  return boxes.toSorted(inOrder);
}

type Join = (boxes: readonly Region[]) => Region[];

function rangeKey({ from, to }: NumberRange | AddressRange): string {
  return `${from}-${to}`;
}

function placeKey({ family, local, remote }: Region): string {
  return `${family} ${rangeKey(local)} ${rangeKey(remote)}`;
}

/** Equal for equal boxes. */
export function trafficKey(traffic: Traffic): string {
  switch (traffic.kind) {
    case 'ports':
      return `p${traffic.protocols} ${rangeKey(traffic.local)} ${rangeKey(traffic.remote)}`;
    case 'icmp':
      return `i ${rangeKey(traffic.type)} ${rangeKey(traffic.code)}`;
    case 'other':
      return `o${traffic.protocols.toString(36)}`;
  }
}

function grouped(boxes: readonly Region[], keyOf: (box: Region) => string): Iterable<readonly Region[]> {
  const groups = new Map<string, Region[]>();
  for (const box of boxes) {
    const key = keyOf(box);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [box]);
    else group.push(box);
  }
  return groups.values();
}

/** Boxes alike in all but their protocols become one. */
function joinProtocols(boxes: readonly Region[]): Region[] {
  const keyOf = (box: Region): string => {
    const { traffic } = box;
    if (traffic.kind === 'ports') return `${placeKey(box)} p ${rangeKey(traffic.local)} ${rangeKey(traffic.remote)}`;
    return traffic.kind === 'other' ? `${placeKey(box)} o` : `${placeKey(box)} ${trafficKey(traffic)}`;
  };
  return [...grouped(boxes, keyOf)].flatMap((group) => group.reduce<Region[]>(joinProtocol, []));
}

function joinProtocol(done: Region[], next: Region): Region[] {
  const last = done.at(-1);
  if (last?.traffic.kind === 'ports' && next.traffic.kind === 'ports') {
    const protocols = last.traffic.protocols | next.traffic.protocols;
    return [...done.slice(0, -1), { ...last, traffic: { ...last.traffic, protocols } }];
  }
  if (last?.traffic.kind === 'other' && next.traffic.kind === 'other') {
    const protocols = last.traffic.protocols | next.traffic.protocols;
    return [...done.slice(0, -1), { ...last, traffic: { kind: 'other', protocols } }];
  }
  return [...done, next];
}

function joinPorts(side: 'local' | 'remote'): Join {
  const other = side === 'local' ? 'remote' : 'local';
  return (boxes) =>
    joinRanges(
      boxes,
      (box) =>
        box.traffic.kind === 'ports'
          ? {
              key: `${placeKey(box)} ${box.traffic.protocols} ${rangeKey(box.traffic[other])}`,
              range: box.traffic[side],
            }
          : undefined,
      (box, range) => (box.traffic.kind === 'ports' ? { ...box, traffic: { ...box.traffic, [side]: range } } : box),
    );
}

function joinIcmp(field: 'type' | 'code'): Join {
  const other = field === 'type' ? 'code' : 'type';
  return (boxes) =>
    joinRanges(
      boxes,
      (box) =>
        box.traffic.kind === 'icmp'
          ? { key: `${placeKey(box)} ${rangeKey(box.traffic[other])}`, range: box.traffic[field] }
          : undefined,
      (box, range) => (box.traffic.kind === 'icmp' ? { ...box, traffic: { ...box.traffic, [field]: range } } : box),
    );
}

/** Boxes alike in all but one range become one where the ranges touch; those without that range stay as they are. */
function joinRanges(
  boxes: readonly Region[],
  of: (box: Region) => { readonly key: string; readonly range: NumberRange } | undefined,
  withRange: (box: Region, range: NumberRange) => Region,
): Region[] {
  const apart = boxes.filter((box) => of(box) === undefined);
  const ranged = boxes.filter((box) => of(box) !== undefined);
  for (const group of grouped(ranged, (box) => of(box)?.key ?? '')) {
    const sorted = group.toSorted((a, b) => (of(a)?.range.from ?? 0) - (of(b)?.range.from ?? 0));
    let last: Region | undefined;
    for (const box of sorted) {
      const before = last && of(last)?.range;
      const here = of(box)?.range;
      if (last !== undefined && before !== undefined && here !== undefined && before.to + 1 === here.from) {
        last = withRange(last, { from: before.from, to: here.to });
      } else {
        if (last !== undefined) apart.push(last);
        last = box;
      }
    }
    if (last !== undefined) apart.push(last);
  }
  return apart;
}

function joinAddresses(side: 'local' | 'remote', boxes: readonly Region[]): Region[] {
  const other = side === 'local' ? 'remote' : 'local';
  const done: Region[] = [];
  for (const group of grouped(boxes, (box) => `${box.family} ${rangeKey(box[other])} ${trafficKey(box.traffic)}`)) {
    let last: Region | undefined;
    for (const box of group.toSorted((a, b) => compare(a[side].from, b[side].from))) {
      if (last !== undefined && last[side].to + 1n === box[side].from) {
        last = { ...last, [side]: { from: last[side].from, to: box[side].to } };
      } else {
        if (last !== undefined) done.push(last);
        last = box;
      }
    }
    if (last !== undefined) done.push(last);
  }
  return done;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const KINDS = { ports: 0, icmp: 1, other: 2 } as const;

function inOrder(a: Region, b: Region): number {
  return (
    a.family - b.family ||
    compare(a.local.from, b.local.from) ||
    compare(a.remote.from, b.remote.from) ||
    KINDS[a.traffic.kind] - KINDS[b.traffic.kind] ||
    firstOf(a.traffic) - firstOf(b.traffic) ||
    secondOf(a.traffic) - secondOf(b.traffic)
  );
}

function firstOf(traffic: Traffic): number {
  if (traffic.kind === 'ports') return traffic.remote.from;
  return traffic.kind === 'icmp' ? traffic.type.from : 0;
}

function secondOf(traffic: Traffic): number {
  if (traffic.kind === 'ports') return traffic.local.from;
  return traffic.kind === 'icmp' ? traffic.code.from : 0;
}
