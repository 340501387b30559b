/** What a host with a policy does with one packet in a person's words, and why no other rule did. */

import type { LoadedRule } from '../model/policy.js';
import { candidatesBeside, type Candidates } from './decide-misses.js';
import { canLatch, decideLatched } from './decide-latched.js';
import type { WordedPacket } from './decide-packet.js';
import { decideInbound, decideOutbound, type InboundDecision, type OutboundDecision } from './match-flow.js';
import type { MarksOf } from './remembered-actions.js';

export type Decided = { readonly asked: WordedPacket; readonly candidates: Candidates } & (
  | {
      readonly dir: 'in';
      readonly decision: InboundDecision;
      /** Of a socket that connected under these rules, where it differs. */
      readonly latched?: InboundDecision;
      /** Of a host that was given these rules, and no others since boot, where it differs. */
      readonly remembered?: InboundDecision['verdict'];
    }
  | {
      readonly dir: 'out';
      readonly decision: OutboundDecision;
      readonly remembered?: OutboundDecision['verdict'];
    }
);

/** `decision` is as if the rule's alternatives had never been used by another rule; `marksOf` knows what was. */
export function decideWords(rules: readonly LoadedRule[], asked: WordedPacket, marksOf: MarksOf): Decided {
  const { packet } = asked;
  if (asked.dir === 'out') {
    const decision = decideOutbound(rules, packet);
    const { verdict } = decideOutbound(rules, packet, undefined, marksOf);
    return {
      dir: 'out',
      asked,
      decision,
      ...(verdict !== decision.verdict && { remembered: verdict }),
      candidates: candidatesBeside(rules, 'out', packet, decision.rule),
    };
  }
  const decision = decideInbound(rules, packet, asked.arrives);
  const { verdict } = decideInbound(rules, packet, asked.arrives, marksOf);
  const latched = canLatch(packet) ? decideLatched(rules, packet, asked.arrives) : decision;
  return {
    dir: 'in',
    asked,
    decision,
    ...(latched.verdict !== decision.verdict && { latched }),
    ...(verdict !== decision.verdict && { remembered: verdict }),
    candidates: candidatesBeside(rules, 'in', packet, decision.rule),
  };
}
