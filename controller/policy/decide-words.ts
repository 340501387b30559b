/** What a host with a policy does with one packet in a person's words, and why no other rule did. */

import type { LoadedRule } from '../model/policy.js';
import { candidatesBeside, type Candidates } from './decide-misses.js';
import { canLatch, decideLatched } from './decide-latched.js';
import type { WordedPacket } from './decide-packet.js';
import { decideInbound, decideOutbound, type InboundDecision, type OutboundDecision } from './match-flow.js';

export type Decided = { readonly asked: WordedPacket; readonly candidates: Candidates } & (
  | {
      readonly dir: 'in';
      readonly decision: InboundDecision;
      /** Of a socket that connected under these rules, where it differs. */
      readonly latched?: InboundDecision;
    }
  | { readonly dir: 'out'; readonly decision: OutboundDecision }
);

export function decideWords(rules: readonly LoadedRule[], asked: WordedPacket): Decided {
  const { packet } = asked;
  if (asked.dir === 'out') {
    const decision = decideOutbound(rules, packet);
    return { dir: 'out', asked, decision, candidates: candidatesBeside(rules, 'out', packet, decision.rule) };
  }
  const decision = decideInbound(rules, packet, asked.arrives);
  const latched = canLatch(packet) ? decideLatched(rules, packet, asked.arrives) : decision;
  return {
    dir: 'in',
    asked,
    decision,
    ...(latched.verdict !== decision.verdict && { latched }),
    candidates: candidatesBeside(rules, 'in', packet, decision.rule),
  };
}
