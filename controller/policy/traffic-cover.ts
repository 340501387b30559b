/**
 * A set of traffic as the few overlapping boxes a person would name: `tcp/80` and `tcp from 443` instead of the disjoint
 * pieces that computing leaves. Changes how a set is said, never what is in it.
 */

import type { NumberRange } from '../model/policy.js';
import { ALL_BYTES, ALL_PORTS, cutTraffic, PORTED, type PortTraffic, type Traffic } from './traffic.js';

/** Past this many boxes the set is given back as it is: nobody would read its words. */
const MOST_BOXES = 32;

/** Boxes that may overlap and together are the set, each as large as the set allows, none to spare. */
export function covered(set: readonly Traffic[]): readonly Traffic[] {
  if (set.length < 2 || set.length > MOST_BOXES) return set;
  const grown = new Map<string, Traffic>();
  for (const box of set) {
    for (const first of ['local', 'remote'] as const) {
      const large = grow(box, set, first);
      grown.set(keyOf(large), large);
    }
  }
  let kept = [...grown.values()];
  // The narrowest are tried first, so that what stays is wide.
  for (const box of kept.toSorted((a, b) => breadth(a) - breadth(b))) {
    const others = kept.filter((one) => one !== box);
    if (cutEvery([box], others).length === 0) kept = others;
  }
  return kept.toSorted((a, b) => placeOf(a) - placeOf(b));
}

export function cutEvery(from: readonly Traffic[], without: readonly Traffic[]): readonly Traffic[] {
  let left = from;
  for (const one of without) {
    if (left.length === 0) break;
    left = left.flatMap((part) => cutTraffic(part, one));
  }
  return left;
}

/** The smallest box of each kind that holds all of that kind. */
export function hulls(set: readonly Traffic[]): readonly Traffic[] {
  const found = new Map<Traffic['kind'], Traffic>();
  for (const box of set) {
    const known = found.get(box.kind);
    found.set(box.kind, known === undefined ? box : spanning(known, box));
  }
  return [...found.values()];
}

function spanning(a: Traffic, b: Traffic): Traffic {
  if (a.kind === 'ports' && b.kind === 'ports') {
    const protocols = a.protocols | b.protocols;
    return { kind: 'ports', protocols, local: span(a.local, b.local), remote: span(a.remote, b.remote) };
  }
  if (a.kind === 'icmp' && b.kind === 'icmp') {
    return { kind: 'icmp', type: span(a.type, b.type), code: span(a.code, b.code) };
  }
  return a.kind === 'other' && b.kind === 'other' ? { kind: 'other', protocols: a.protocols | b.protocols } : a;
}

function span(a: NumberRange, b: NumberRange): NumberRange {
  return { from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) };
}

/** Opens one field after the other as far as the set allows. */
function grow(box: Traffic, set: readonly Traffic[], first: 'local' | 'remote'): Traffic {
  const fits = (one: Traffic): boolean => cutEvery([one], set).length === 0;
  if (box.kind === 'ports') {
    const ports = set.filter((one) => one.kind === 'ports');
    const openLocal = (one: PortTraffic): PortTraffic => ({
      ...one,
      local: opened(
        one.local,
        ports.map(({ local }) => local),
        ALL_PORTS,
        (local) => fits({ ...one, local }),
      ),
    });
    const openRemote = (one: PortTraffic): PortTraffic => ({
      ...one,
      remote: opened(
        one.remote,
        ports.map(({ remote }) => remote),
        ALL_PORTS,
        (remote) => fits({ ...one, remote }),
      ),
    });
    let best = first === 'local' ? openRemote(openLocal(box)) : openLocal(openRemote(box));
    for (const at of PORTED.keys()) {
      const wider = { ...best, protocols: best.protocols | (1 << at) };
      if (fits(wider)) best = wider;
    }
    return best;
  }
  if (box.kind === 'icmp') {
    const types = set.flatMap((one) => (one.kind === 'icmp' ? [one.type] : []));
    const anyCode = { ...box, code: ALL_BYTES };
    const open = fits(anyCode) ? anyCode : box;
    return { ...open, type: opened(open.type, types, ALL_BYTES, (type) => fits({ ...open, type })) };
  }
  return box;
}

/** The range opened as far as it fits: to everything, else upwards and then downwards to where another box ends or begins. */
function opened(
  range: NumberRange,
  edges: readonly NumberRange[],
  all: NumberRange,
  fits: (range: NumberRange) => boolean,
): NumberRange {
  if (fits(all)) return all;
  const most = [...new Set(edges.map(({ to }) => to).filter((to) => to > range.to))].sort((a, b) => b - a);
  const to = most.find((one) => fits({ ...range, to: one })) ?? range.to;
  const least = [...new Set(edges.map(({ from }) => from).filter((from) => from < range.from))].sort((a, b) => a - b);
  return { from: least.find((from) => fits({ from, to })) ?? range.from, to };
}

/** How much of its kind a box holds, roughly. */
function breadth(box: Traffic): number {
  const width = ({ from, to }: NumberRange): number => to - from + 1;
  switch (box.kind) {
    case 'ports':
      return width(box.local) * width(box.remote) * PORTED.filter((_, at) => (box.protocols & (1 << at)) !== 0).length;
    case 'icmp':
      return width(box.type) * width(box.code);
    case 'other':
      return 0;
  }
}

/** Destination ports before source ports, TCP before UDP, then ICMP, then the rest. */
function placeOf(box: Traffic): number {
  const lowestBit = (bits: number): number => bits & -bits;
  switch (box.kind) {
    case 'ports': {
      const fromAny = box.local.from === 0 && box.local.to === ALL_PORTS.to;
      return (fromAny ? 0 : 1e8) + lowestBit(box.protocols) * 1e7 + (fromAny ? box.remote.from : box.local.from) * 10;
    }
    case 'icmp':
      return 1e9 + box.type.from;
    case 'other':
      return 2e9;
  }
}

function keyOf(box: Traffic): string {
  return JSON.stringify(box, (_, value: unknown) => (typeof value === 'bigint' ? value.toString(36) : value));
}
