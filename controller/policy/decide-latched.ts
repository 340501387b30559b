/**
 * Connected sockets: their rules are fixed when they connect, "no rule" included, and such a socket takes protected
 * packets that nothing asked to be protected (illumos ip/spd.c, ipsec_conn_cache_policy(), ipsec_check_inbound_policy()).
 */

import type { Arrival, Packet } from '../model/packet.js';
import type { LoadedRule } from '../model/policy.js';
import { decideInbound, type InboundDecision } from './match-flow.js';
import { TCP, UDP } from './match-selector.js';
import { marksAlone, type MarksOf } from './remembered-actions.js';

/** Sockets of other protocols are never latched. */
export function canLatch({ protocol }: Packet): boolean {
  return protocol === TCP || protocol === UDP;
}

/** What happens to a packet for a socket that connected while these rules were in force. */
export function decideLatched(
  rules: readonly LoadedRule[],
  packet: Packet,
  arrives: Arrival,
  marksOf: MarksOf = marksAlone,
): InboundDecision {
  const decision = decideInbound(rules, packet, arrives, marksOf);
  if (decision.rule !== undefined || arrives.kind === 'clear') return decision;
  // Nothing is latched on a host without any rule; rules of the other family count.
  const hasPolicy = rules.some(({ tunnel }) => tunnel === undefined);
  return hasPolicy ? { rule: undefined, verdict: 'accept', doubtful: false } : decision;
}
