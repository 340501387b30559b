/** One packet in words, seen from its sender: `10.0.2.21 port 49152 → 10.0.1.11 port 80 tcp`. */

import { formatAddress, type Address } from '../model/address.js';
import type { Packet } from '../model/packet.js';

const NAMES: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'ipv6-icmp', 132: 'sctp' };

export function packetText({ local, remote, protocol, localPort, remotePort, icmpType }: Packet): string {
  const type = icmpType === undefined ? '' : ` type ${icmpType}`;
  const name = NAMES[protocol] ?? `protocol ${protocol}`;
  return `${endText(local, localPort)} → ${endText(remote, remotePort)} ${name}${type}`;
}

function endText(address: Address, port: number | undefined): string {
  return port === undefined ? formatAddress(address) : `${formatAddress(address)} port ${port}`;
}
