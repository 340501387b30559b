/**
 * Sets of traffic in the fewest words: boxes are grown until they overlap, as a person would say it (`tcp/53, tcp from 443`),
 * and over ports whose treatment nobody asks about (IKE's own, which bypass every rule).
 */

import type { Family } from '../model/policy.js';
import { UDP } from '../policy/match-selector.js';
import { boxText } from '../policy/region-text.js';
import { ALL_BYTES, ALL_PORTS, cutTraffic, everyTraffic, PORTED, trafficTo, type Traffic } from '../policy/traffic.js';

/** Ports of IKE and of IKE behind a NAT: the daemon's sockets bypass every rule (illumos in.iked(1M)). */
export const IKE_PORTS: readonly number[] = [500, 4500];

export function ikeTraffic(family: Family): readonly Traffic[] {
  return IKE_PORTS.flatMap((port) => trafficTo(family, UDP, port));
}

/**
 * `anything`, `tcp/443`, `anything but tcp/80, udp/53`; every box is said. The boxes must be disjoint, and lie in `within`
 * where only that is asked about.
 */
export function trafficWords(traffics: readonly Traffic[], family: Family, within?: readonly Traffic[]): string {
  const free = ikeTraffic(family);
  const words = (boxes: readonly Traffic[]): string =>
    [...new Set(boxes.map((one) => boxText(one, family)))].join(', ');
  const whole = within === undefined ? 'anything' : words(within);
  const missing = cutBoxes(cutBoxes(within ?? everyTraffic(family), traffics), free);
  if (missing.length === 0) return whole;
  const there = covering(traffics, free);
  const absent = covering(missing, free);
  return absent.length < there.length ? `${whole} but ${words(absent)}` : words(there);
}

/** Boxes that may overlap and together are the set, give or take what is `free`: each as large as it can be, none to spare. */
export function covering(set: readonly Traffic[], free: readonly Traffic[]): readonly Traffic[] {
  const allowed = [...set, ...free];
  const grown = new Map<string, Traffic>();
  for (const box of set) {
    const large = grow(box, allowed);
    grown.set(keyOf(large), large);
  }
  let kept = [...grown.values()];
  for (const box of grown.values()) {
    const others = kept.filter((one) => one !== box);
    if (cutBoxes(cutBoxes([box], free), others).length === 0) kept = others;
  }
  return kept;
}

/** Each field in turn is opened as far as the set allows. */
function grow(box: Traffic, allowed: readonly Traffic[]): Traffic {
  const fits = (one: Traffic): boolean => cutBoxes([one], allowed).length === 0;
  return widenings(box).reduce((best, widen) => {
    const wider = widen(best);
    return fits(wider) ? wider : best;
  }, box);
}

type Widen = (box: Traffic) => Traffic;

function widenings(box: Traffic): readonly Widen[] {
  switch (box.kind) {
    case 'ports':
      return [
        (one) => ({ ...one, local: ALL_PORTS }),
        (one) => ({ ...one, remote: ALL_PORTS }),
        ...PORTED.map(
          (_, at): Widen =>
            (one) =>
              one.kind === 'ports' ? { ...one, protocols: one.protocols | (1 << at) } : one,
        ),
      ];
    case 'icmp':
      return [(one) => ({ ...one, code: ALL_BYTES }), (one) => ({ ...one, type: ALL_BYTES })];
    case 'other':
      return [];
  }
}

function keyOf(box: Traffic): string {
  return JSON.stringify(box, (_, value: unknown) => (typeof value === 'bigint' ? value.toString(36) : value));
}

function cutBoxes(from: readonly Traffic[], without: readonly Traffic[]): readonly Traffic[] {
  return without.reduce<readonly Traffic[]>((left, one) => left.flatMap((part) => cutTraffic(part, one)), from);
}
