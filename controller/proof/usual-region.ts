/** Which of several sets of packets people know best: an example is taken from there. */

import type { Family } from '../model/policy.js';
import type { Region } from '../policy/region.js';
import { ALL_PORTS } from '../policy/traffic.js';

/** Addresses for documentation (RFC 5737, RFC 3849): anybody's. */
export const ANYBODY: Readonly<Record<Family, bigint>> = { 4: 0xc0000201n, 6: (0x20010db8n << 96n) + 1n };

/** The greater, the more usual: TCP, then the other protocols with ports, with a port that clients have at one end. */
export function usual({ family, remote, traffic }: Region): number {
  if (traffic.kind === 'other') return 0;
  if (traffic.kind === 'icmp') return 1;
  const open = [traffic.local, traffic.remote].filter(({ to }) => to === ALL_PORTS.to).length;
  const anybody = remote.from <= ANYBODY[family] && ANYBODY[family] <= remote.to;
  return 2 + open + ((traffic.protocols & 1) === 0 ? 0 : 3) + (anybody ? 1 : 0);
}
