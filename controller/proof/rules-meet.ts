/** What becomes of packets that leave under one rule and arrive under another: the verdict of two ends, keys apart. */

import type { LoadedRule } from '../model/policy.js';
import { flowBetween } from '../policy/flow-between.js';
import { isDoubtful, protectionsOf } from '../policy/match-flow.js';
import { TCP } from '../policy/match-selector.js';

/** Why packets do not arrive although both hosts are up. */
export type RefusedBecause =
  | 'sender-drops'
  | 'receiver-drops'
  | 'receiver-wants-protection'
  | 'receiver-expects-clear'
  | 'receiver-has-no-rule'
  | 'receiver-has-no-policy'
  | 'nothing-in-common'
  /** Both ends would protect, and no link gives them keys. */
  | 'no-keys';

export type Meeting =
  | { readonly kind: 'clear' | 'protected'; readonly doubtful: boolean }
  | { readonly kind: 'refused'; readonly because: RefusedBecause; readonly doubtful: boolean };

/**
 * The sender's outbound against the receiver's inbound rule; `undefined` where none matches, and `hasPolicy` false for a
 * receiver without any. Addresses and traffic of the rules are not looked at: the caller has found that they match.
 */
export function rulesMeet(
  sender: LoadedRule | undefined,
  receiver: LoadedRule | undefined,
  hasPolicy: boolean,
): Meeting {
  const one = { family: 4, value: 1n } as const;
  const side = (rule: LoadedRule | undefined) => ({
    rules: rule === undefined ? [] : [{ ...rule, family: 4 as const, selector: { family: 4 as const } }],
    addresses: [one],
  });
  const flow = { source: one, destination: { ...one, value: 2n }, ulp: TCP };
  const { kind } = flowBetween(side(sender), hasPolicy ? side(receiver) : undefined, flow);
  const doubtful = isDoubtful(sender) || isDoubtful(receiver);
  return kind === 'refused' ? { kind, because: whyRefused(sender, receiver, hasPolicy), doubtful } : { kind, doubtful };
}

function whyRefused(
  sender: LoadedRule | undefined,
  receiver: LoadedRule | undefined,
  hasPolicy: boolean,
): RefusedBecause {
  if (sender?.actions[0]?.kind === 'discard') return 'sender-drops';
  const drops = receiver?.actions[0]?.kind === 'discard';
  if (protectionsOf(sender).length === 0) return drops ? 'receiver-drops' : 'receiver-wants-protection';
  if (!hasPolicy) return 'receiver-has-no-policy';
  if (receiver === undefined) return 'receiver-has-no-rule';
  if (protectionsOf(receiver).length > 0) return 'nothing-in-common';
  return drops ? 'receiver-drops' : 'receiver-expects-clear';
}
