/** Packets that stand for all those which a host's policy protects between two addresses: one for each rule that decides about any. */

import type { Address } from '../model/address.js';
import type { Packet } from '../model/packet.js';
import type { LoadedRule } from '../model/policy.js';
import { findRule, protectionsOf } from '../policy/match-flow.js';
import { ICMP, ICMP6, SCTP, TCP, UDP } from '../policy/match-selector.js';
import { indexRules, type RuleIndex } from '../policy/rule-index.js';
import { hostRules, type Spd } from '../policy/spd.js';

function indexOf(spd: Spd): RuleIndex {
  const known = indexes.get(spd);
  if (known !== undefined) return known;
  const index = indexRules(hostRules(spd));
  indexes.set(spd, index);
  return index;
}

const indexes = new WeakMap<Spd, RuleIndex>();

/** For each rule that protects packets between the two, one that it decides about. */
export function samples(spd: Spd, local: Address, remote: Address): readonly Packet[] {
  const near = indexOf(spd).between('out', local, remote);
  return near
    .filter((rule) => protectionsOf(rule).length > 0)
    .flatMap((rule) => protocolsOf(rule, local).map((protocol) => sample(rule, protocol, local, remote)))
    .filter((packet, at, all) => {
      const rule = findRule(near, 'out', packet);
      return all.findIndex((other) => findRule(near, 'out', other) === rule) === at && protectionsOf(rule).length > 0;
    });
}

function protocolsOf({ selector }: LoadedRule, { family }: Address): readonly number[] {
  return selector.protocol === undefined ? [TCP, UDP, family === 4 ? ICMP : ICMP6] : [selector.protocol];
}

/** Ports that no rule is likely to name. */
const SOME_PORTS = { local: 40_001, remote: 40_002 };

const ECHO_REQUEST = { 4: 8, 6: 128 } as const;

function sample({ selector }: LoadedRule, protocol: number, local: Address, remote: Address): Packet {
  if (protocol === ICMP || protocol === ICMP6) {
    const icmpType = selector.icmpType?.from ?? ECHO_REQUEST[local.family];
    return { local, remote, protocol, icmpType, icmpCode: selector.icmpCode?.from ?? 0 };
  }
  if (![TCP, UDP, SCTP].includes(protocol)) return { local, remote, protocol };
  const { localPort = SOME_PORTS.local, remotePort = SOME_PORTS.remote } = selector;
  return { local, remote, protocol, localPort, remotePort };
}

/** As the other end sees it. */
export function turned(packet: Packet): Packet {
  const { local, remote, localPort, remotePort } = packet;
  return {
    ...packet,
    local: remote,
    remote: local,
    ...(remotePort !== undefined && { localPort: remotePort }),
    ...(localPort !== undefined && { remotePort: localPort }),
  };
}
