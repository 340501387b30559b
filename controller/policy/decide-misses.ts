/** Why rules did not decide a packet: which selectors it does not meet, and which rules it meets that rank lower. */

import {
  formatAddress,
  formatPrefix,
  hostPrefix,
  prefixContains,
  type Address,
  type Prefix,
} from '../model/address.js';
import type { Packet } from '../model/packet.js';
import type { Direction, LoadedRule, NumberRange, Selector } from '../model/policy.js';
import { selectorMeets } from './match-selector.js';

/** One selector of a rule, in the words of a policy file, and what the packet has in its place. */
export interface Miss {
  readonly field: 'ulp' | 'laddr' | 'raddr' | 'lport' | 'rport' | 'type' | 'code';
  readonly wants: string;
  /** `none`: a packet of this protocol, or as it was given, has no such thing. */
  readonly has: string;
}

/** Every selector the packet fails; empty when the rule meets it. The family is not looked at. */
export function selectorMisses(selector: Selector, packet: Packet): readonly Miss[] {
  const misses: Miss[] = [];
  const number = (value: number | undefined): string => (value === undefined ? 'none' : String(value));
  const add = (field: Miss['field'], wants: string, has: string): void => void misses.push({ field, wants, has });
  const only = (part: Partial<Selector>): boolean => !selectorMeets({ family: packet.local.family, ...part }, packet);
  const { protocol, local, remote, localPort, remotePort, icmpType, icmpCode } = selector;
  if (protocol !== undefined && protocol !== packet.protocol) add('ulp', String(protocol), String(packet.protocol));
  if (local !== undefined && outside(local, packet.local))
    add('laddr', formatPrefix(local), formatAddress(packet.local));
  if (remote !== undefined && outside(remote, packet.remote)) {
    add('raddr', formatPrefix(remote), formatAddress(packet.remote));
  }
  if (localPort !== undefined && only({ localPort })) add('lport', String(localPort), number(packet.localPort));
  if (remotePort !== undefined && only({ remotePort })) add('rport', String(remotePort), number(packet.remotePort));
  if (icmpType !== undefined && only({ icmpType })) add('type', rangeText(icmpType), number(packet.icmpType));
  if (icmpCode !== undefined && only({ icmpCode })) add('code', rangeText(icmpCode), number(packet.icmpCode));
  return misses;
}

function outside(prefix: Prefix, address: Address): boolean {
  return !prefixContains(prefix, hostPrefix(address));
}

function rangeText({ from, to }: NumberRange): string {
  return from === to ? String(from) : `${from}-${to}`;
}

export interface PassedOver {
  readonly rule: LoadedRule;
  readonly misses: readonly Miss[];
}

export interface Candidates {
  /** Rules that would have won and do not meet the packet: those that fail by least first, then by priority. */
  readonly passedOver: readonly PassedOver[];
  /** Rules that meet the packet too and rank lower, or as high and stand later, by priority. */
  readonly outranked: readonly LoadedRule[];
}

/** Of the host's rules for that direction and the packet's family; `winner` is the rule that decides, if any. */
export function candidatesBeside(
  rules: readonly LoadedRule[],
  dir: Direction,
  packet: Packet,
  winner: LoadedRule | undefined,
): Candidates {
  const passedOver: PassedOver[] = [];
  const outranked: LoadedRule[] = [];
  for (const rule of rules) {
    if (rule === winner || rule.dir !== dir || rule.tunnel !== undefined) continue;
    if (rule.family !== packet.local.family) continue;
    const misses = selectorMisses(rule.selector, packet);
    if (misses.length === 0) outranked.push(rule);
    else if (winner === undefined || rule.priority > winner.priority) passedOver.push({ rule, misses });
  }
  passedOver.sort((a, b) => a.misses.length - b.misses.length || b.rule.priority - a.rule.priority);
  return { passedOver, outranked: outranked.sort((a, b) => b.priority - a.priority) };
}
