/** Whether a new SSH connection gets through to a host: as its kernel would have it, by the policy that is loaded. */

import type { Address } from '../model/address.js';
import type { Packet } from '../model/packet.js';
import { decideInbound, decideOutbound } from '../policy/match-flow.js';
import { TCP } from '../policy/match-selector.js';
import { hostRules, type Spd } from '../policy/spd.js';

/** One end of a TCP connection. */
export interface TcpEnd {
  readonly address: Address;
  readonly port: number;
}

/**
 * The client has no policy of its own: what it sends is clear, and it takes nothing else. Its first packet must come in and the answer
 * must leave clear; a socket that is connected then keeps the policy it was connected with (illumos ipsecconf(8), latching).
 */
export function letsIn(spd: Spd, server: TcpEnd, client: TcpEnd): boolean {
  const rules = hostRules(spd);
  const packet: Packet = {
    local: server.address,
    remote: client.address,
    protocol: TCP,
    localPort: server.port,
    remotePort: client.port,
  };
  return (
    decideInbound(rules, packet, { kind: 'clear' }).verdict === 'accept' &&
    decideOutbound(rules, packet).verdict === 'clear'
  );
}
