/** What becomes of packets that leave under one rule and arrive under another, keys apart (illumos ip/spd.c). */

import type { LoadedRule } from '../model/policy.js';
import { canAgree } from './agree.js';
import { protectionsOf } from './match-flow.js';

export type Encounter =
  /** Sent clear and taken clear. */
  | 'clear'
  /** Both protect, and SAs can exist that suit both. */
  | 'agreed'
  | 'sender-drops'
  | 'receiver-drops'
  | 'clear-meets-protected'
  | 'protected-meets-bypass'
  /** Protected packets are refused where no rule asks for protection. */
  | 'protected-meets-no-rule'
  | 'no-common-algorithm';

/** The sender's outbound and the receiver's inbound rule; `undefined` where none matches. */
export function encounter(sender: LoadedRule | undefined, receiver: LoadedRule | undefined): Encounter {
  if (sender?.actions[0]?.kind === 'discard') return 'sender-drops';
  const offered = protectionsOf(sender);
  const taken = protectionsOf(receiver);
  if (offered.length === 0) {
    if (receiver === undefined || receiver.actions.some(({ kind }) => kind === 'bypass')) return 'clear';
    return taken.length > 0 ? 'clear-meets-protected' : 'receiver-drops';
  }
  if (receiver === undefined) return 'protected-meets-no-rule';
  if (taken.length > 0) return canAgree(offered, taken) ? 'agreed' : 'no-common-algorithm';
  return receiver.actions[0]?.kind === 'discard' ? 'receiver-drops' : 'protected-meets-bypass';
}
