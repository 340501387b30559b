/** Whether a rule's selector meets a packet. Owns which fields count for which protocol. */

import { hostPrefix, prefixContains } from '../model/address.js';
import type { Packet } from '../model/packet.js';
import type { NumberRange, Selector } from '../model/policy.js';

export const TCP = 6;
export const UDP = 17;
export const SCTP = 132;
export const ICMP = 1;
export const ICMP6 = 58;

/** Every other protocol has port 0 at both ends, which no rule names. */
const PORT_PROTOCOLS = [TCP, UDP, SCTP];

export function selectorMeets(selector: Selector, packet: Packet): boolean {
  const { local, remote, protocol, localPort, remotePort, icmpType, icmpCode } = selector;
  const ported = PORT_PROTOCOLS.includes(packet.protocol);
  return (
    selector.family === packet.local.family &&
    (protocol === undefined || protocol === packet.protocol) &&
    (local === undefined || prefixContains(local, hostPrefix(packet.local))) &&
    (remote === undefined || prefixContains(remote, hostPrefix(packet.remote))) &&
    (localPort === undefined || (ported && localPort === packet.localPort)) &&
    (remotePort === undefined || (ported && remotePort === packet.remotePort)) &&
    (icmpType === undefined || inRange(icmpType, packet.icmpType)) &&
    (icmpCode === undefined || inRange(icmpCode, packet.icmpCode))
  );
}

function inRange({ from, to }: NumberRange, value: number | undefined): boolean {
  return value !== undefined && from <= value && value <= to;
}
