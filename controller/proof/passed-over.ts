/** Why rules that are tried before the deciding one do not meet a packet. */

import { hostPrefix, prefixContains, type Address, type Prefix } from '../model/address.js';
import type { Packet } from '../model/packet.js';
import type { Direction, LoadedRule } from '../model/policy.js';
import { selectorMeets } from '../policy/match-selector.js';
import { rulesInOrder } from '../policy/partition.js';

export type PassedOverFor = 'remote address' | 'own address' | 'protocol' | 'own port' | 'remote port' | 'ICMP type';

export interface PassedOver {
  readonly rule: LoadedRule;
  readonly because: PassedOverFor;
}

/** Those tried before `decider`, in order; all when no rule decides. */
export function passedOver(
  rules: readonly LoadedRule[],
  dir: Direction,
  packet: Packet,
  decider: LoadedRule | undefined,
): readonly PassedOver[] {
  const tried = rulesInOrder(rules, dir, packet.local.family);
  const end = decider === undefined ? -1 : tried.indexOf(decider);
  return (end < 0 ? tried : tried.slice(0, end))
    .filter((rule) => !selectorMeets(rule.selector, packet))
    .map((rule) => ({ rule, because: whyNot(rule, packet) }));
}

function whyNot({ selector }: LoadedRule, packet: Packet): PassedOverFor {
  const outside = (prefix: Prefix | undefined, address: Address): boolean =>
    prefix !== undefined && !prefixContains(prefix, hostPrefix(address));
  if (outside(selector.remote, packet.remote)) return 'remote address';
  if (outside(selector.local, packet.local)) return 'own address';
  if (selector.protocol !== undefined && selector.protocol !== packet.protocol) return 'protocol';
  if (selector.localPort !== undefined && selector.localPort !== packet.localPort) return 'own port';
  if (selector.remotePort !== undefined && selector.remotePort !== packet.remotePort) return 'remote port';
  return 'ICMP type';
}
