/** How much of all traffic a set is, to tell the rule from its exceptions. */

import { protocolsOf, type Traffic } from '../policy/traffic.js';

/** Protocols with ports count for nearly all, as they do on a wire. */
const WEIGHT = { ports: 0.9, icmp: 0.05, other: 0.05 } as const;

/** From 0 for nothing to about 1 for everything of a family; the boxes must be disjoint. */
export function trafficShare(traffics: readonly Traffic[]): number {
  return traffics.reduce((sum, one) => sum + WEIGHT[one.kind] * shareOf(one), 0);
}

function shareOf(traffic: Traffic): number {
  const span = ({ from, to }: { readonly from: number; readonly to: number }, all: number): number =>
    (to - from + 1) / all;
  switch (traffic.kind) {
    case 'ports':
      return (protocolsOf(traffic, 4).length / 3) * span(traffic.local, 65536) * span(traffic.remote, 65536);
    case 'icmp':
      return span(traffic.type, 256) * span(traffic.code, 256);
    case 'other':
      return protocolsOf(traffic, 4).length / 252;
  }
}
