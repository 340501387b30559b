/** One kind of traffic in an operator's words: `tcp/5432`, `udp`, `icmp`, `47`. */

import { OperatorError } from '../errors.js';
import type { Family } from '../model/policy.js';
import { SCTP, TCP, UDP } from '../policy/match-selector.js';
import { icmpOf, trafficTo, type Traffic } from '../policy/traffic.js';

export interface AskedFlow {
  /** As typed, in lower case. */
  readonly text: string;
  /** `icmp` is that of the address family. */
  readonly protocol: number | 'icmp';
  readonly port: number | undefined;
}

const PROTOCOLS: Readonly<Record<string, number | 'icmp'>> = {
  tcp: TCP,
  udp: UDP,
  sctp: SCTP,
  icmp: 'icmp',
  'ipv6-icmp': 'icmp',
  gre: 47,
  esp: 50,
  ah: 51,
};

/** Of IKE and of IKE behind a NAT (RFC 7296 §2, §2.23). */
const IKE_PORTS = [500, 4500];

/** @throws OperatorError FLOW_MALFORMED */
export function parseAskedFlow(words: string): AskedFlow {
  const text = words.trim().toLowerCase();
  const [name = '', port, ...more] = text.split('/');
  const number = /^\d{1,3}$/.test(name) && Number(name) < 256 ? Number(name) : undefined;
  const protocol = PROTOCOLS[name] ?? (number === 1 || number === 58 ? 'icmp' : number);
  if (protocol === undefined || more.length > 0) throw malformed(words, 'no kind of traffic');
  if (port === undefined) return { text, protocol, port: undefined };
  if (![TCP, UDP, SCTP].some((one) => one === protocol)) throw malformed(words, `a port, and ${name} has none`);
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535)
    throw malformed(words, 'a port that is no number from 1 to 65535');
  return { text, protocol, port: Number(port) };
}

function malformed(words: string, what: string): OperatorError {
  return new OperatorError('FLOW_MALFORMED', {
    what: `"${words}" names ${what}`,
    todo: 'write a protocol and, where it has ports, a port: tcp/443, udp/53, icmp, 47',
  });
}

/** Packets to this port, from any port; whole protocols where no port is asked for. */
export function askedTraffic({ protocol, port }: AskedFlow, family: Family): readonly Traffic[] {
  return trafficTo(family, protocol === 'icmp' ? icmpOf(family) : protocol, port);
}

/** The answers: packets from this port, to any port; a key daemon answers from its port to the other's. */
export function answeringTraffic(flow: AskedFlow, family: Family): readonly Traffic[] {
  return askedTraffic(flow, family).map((traffic) => {
    if (traffic.kind !== 'ports') return traffic;
    return { ...traffic, local: traffic.remote, remote: isIke(flow) ? traffic.remote : traffic.local };
  });
}

/** Whether the key daemons' own packets are asked about. */
export function isIke({ protocol, port }: AskedFlow): boolean {
  return protocol === UDP && port !== undefined && IKE_PORTS.includes(port);
}
