/** What becomes of everything one address can send to another, in words: the parts of a matrix cell, the greatest first. */

import type { Family } from '../model/policy.js';
import type { Encounter } from '../policy/encounter.js';
import { trafficText } from '../policy/region-text.js';
import { meetTraffic, type Traffic } from '../policy/traffic.js';
import type { TrafficClass } from './pair-classes.js';
import type { PairFlow } from './pair-flows.js';
import { trafficShare } from './traffic-share.js';

/** `broken`: a link joins the two, and yet what one end sends the other does not take. */
export type WayKind = 'protected' | 'clear' | 'refused' | 'broken';

/** Why packets do not arrive although both hosts are up; `no-keys`: both ends would protect, and no link gives them keys. */
export type RefusedBecause = Exclude<Encounter, 'clear' | 'agreed'> | 'no-keys';

export interface TreatmentPart {
  readonly kind: WayKind;
  /** `tcp/443`, `anything but tcp/80` */
  readonly traffic: string;
  /** Of what is refused or broken: every reason there is. */
  readonly because: readonly RefusedBecause[];
  /** What is wrong with the keys, in sentences. */
  readonly faults: readonly string[];
  /** Whether it hangs on what a kernel had loaded before. */
  readonly doubtful: boolean;
}

/** A piece of the traffic before pieces of one kind are put together. */
export interface TrafficPiece {
  readonly kind: WayKind;
  /** As it is said in words, with IKE's own ports among it. */
  readonly traffics: readonly Traffic[];
  readonly because?: RefusedBecause;
  readonly fault?: string;
  readonly doubtful: boolean;
}

/** `joined`: whether a link gives the two keys. IKE's own ports are left out: they bypass every rule. */
export function classPieces(classes: readonly TrafficClass[], joined: boolean): readonly TrafficPiece[] {
  return classes.flatMap(({ meets, inWords: traffics, doubtful }): readonly TrafficPiece[] => {
    const piece = { traffics, doubtful };
    switch (meets) {
      case 'ike':
        return [];
      case 'clear':
        return [{ ...piece, kind: 'clear' }];
      case 'agreed':
        return [joined ? { ...piece, kind: 'protected' } : { ...piece, kind: 'refused', because: 'no-keys' }];
      default:
        return [{ ...piece, kind: joined && isMistake(meets, traffics) ? 'broken' : 'refused', because: meets }];
    }
  });
}

/**
 * A drop that a rule asks for is meant; one that comes of disagreement is not, where a link joins the ends. ICMP apart: hosts
 * answer most of it without asking their rules.
 */
function isMistake(meets: Encounter, traffics: readonly Traffic[]): boolean {
  return meets !== 'sender-drops' && meets !== 'receiver-drops' && traffics.some(({ kind }) => kind !== 'icmp');
}

/** The same from flows whose keys were looked at. */
export function flowPieces(flows: readonly PairFlow[]): readonly TrafficPiece[] {
  return flows.flatMap(({ kind, fault, inWords: traffics, doubtful, ike }): readonly TrafficPiece[] => {
    if (ike) return [];
    if (kind !== 'refused' || fault === undefined) return [{ kind, traffics, doubtful }];
    const broken = fault.severity === 'error';
    return [{ kind: broken ? 'broken' : 'refused', fault: fault.what, traffics, doubtful }];
  });
}

/** `asked` keeps to some of the traffic. */
export function treatmentParts(
  pieces: readonly TrafficPiece[],
  family: Family,
  asked?: readonly Traffic[],
): readonly TreatmentPart[] {
  const groups = new Map<WayKind, { readonly pieces: TrafficPiece[]; readonly traffics: Traffic[] }>();
  for (const piece of pieces) {
    const traffics =
      asked === undefined
        ? piece.traffics
        : piece.traffics.flatMap((one) => asked.flatMap((other) => meetTraffic(one, other) ?? []));
    if (traffics.length === 0) continue;
    const group = groups.get(piece.kind) ?? { pieces: [], traffics: [] };
    groups.set(piece.kind, group);
    group.pieces.push(piece);
    group.traffics.push(...traffics);
  }
  return [...groups]
    .toSorted(([, a], [, b]) => trafficShare(b.traffics) - trafficShare(a.traffics))
    .map(([kind, { pieces: some, traffics }]) => ({
      kind,
      traffic: trafficText(traffics, family),
      because: [...new Set(some.flatMap(({ because }) => because ?? []))],
      faults: [...new Set(some.flatMap(({ fault }) => fault ?? []))],
      doubtful: some.some(({ doubtful }) => doubtful),
    }));
}
