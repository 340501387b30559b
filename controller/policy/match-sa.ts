/** Chooses the SAs that protect an outbound packet. Only the least key length of a rule counts here. */

import { sameAddress } from '../model/address.js';
import type { OutboundSa, Packet, SaBinding } from '../model/packet.js';
import type { Protection, Transform } from '../model/policy.js';

export type SaKind = 'esp' | 'ah';

/**
 * The place in `sas` (in the order they were added) of the SA taken: one for the packet's source before one for any
 * source, the youngest first, the first that suits any of the alternatives. ESP and AH are looked for separately.
 * `unique`: one of the flow's own, or a fresh one without ports.
 */
export function chooseSa(
  kind: SaKind,
  sas: readonly OutboundSa[],
  alternatives: readonly Protection[],
  packet: Packet,
  unique: boolean,
): number | undefined {
  const suiting = [...sas.entries()]
    .reverse()
    .filter(([, sa]) => sameAddress(sa.destination, packet.remote))
    .filter(([, sa]) => sa.source === undefined || sameAddress(sa.source, packet.local))
    .filter(([, sa]) => bindingAgrees(sa.binding, packet))
    .filter(([, sa]) => !unique || sa.binding !== undefined || !sa.used)
    .filter(([, sa]) => alternatives.some((one) => suits(kind, sa, one)));
  const chosen = suiting.find(([, sa]) => sa.source !== undefined) ?? suiting[0];
  return chosen?.[0];
}

/** Whether the ports and protocol an SA carries are those of the packet. */
export function bindingAgrees(binding: SaBinding | undefined, packet: Packet): boolean {
  if (binding === undefined) return true;
  const agrees = (bound: number, actual: number | undefined): boolean => bound === 0 || bound === (actual ?? 0);
  return (
    agrees(binding.protocol, packet.protocol) &&
    agrees(binding.localPort, packet.localPort) &&
    agrees(binding.remotePort, packet.remotePort)
  );
}

/** Whether one alternative takes the SA as one half of its protection. */
export function suits(kind: SaKind, sa: OutboundSa, alternative: Protection): boolean {
  if (kind === 'ah') return fits(alternative.ah, sa.ah?.auth, sa.ah?.bits);
  const { esp } = alternative;
  if (esp === undefined || !fits(esp.encr, sa.esp?.encr, sa.esp?.bits)) return false;
  return esp.auth === undefined || fits(esp.auth, sa.esp?.auth, sa.esp?.authBits);
}

function fits(wanted: Transform | undefined, algorithm: string | undefined, bits: number | undefined): boolean {
  return wanted !== undefined && wanted.algorithm === algorithm && wanted.minBits <= (bits ?? 0);
}
