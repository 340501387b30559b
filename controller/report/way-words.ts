/** The words for what becomes of traffic between two ends, the same in every report. */

import type { RefusedBecause, WayKind } from '../proof/treatment-parts.js';
import type { Colour } from './paint.js';

export const WAY_KINDS: readonly WayKind[] = ['protected', 'clear', 'refused', 'broken'];

export const KIND_LETTER: Readonly<Record<WayKind, string>> = { protected: 'P', clear: 'C', refused: 'R', broken: 'B' };

export const KIND_COLOUR: Readonly<Record<WayKind, Colour>> = {
  protected: 'green',
  clear: 'yellow',
  refused: 'dim',
  broken: 'red',
};

export const KIND_MEANING: Readonly<Record<WayKind, string>> = {
  protected: 'IPsec, keys at both ends',
  clear: 'passes without IPsec',
  refused: 'does not pass',
  broken: 'linked, and yet it does not pass',
};

export const BECAUSE: Readonly<Record<RefusedBecause, string>> = {
  'sender-drops': "the sender's own rule drops it",
  'receiver-drops': 'a rule of the receiver drops it',
  'clear-meets-protected': 'it leaves in the clear, and the receiver wants it protected',
  'protected-meets-bypass': 'it leaves protected, and the receiver expects it in the clear',
  'protected-meets-no-rule': 'it must be protected, and the receiver has no rule that asks for protection',
  'no-common-algorithm': 'the two ends have no algorithm in common',
  'no-keys': 'it must be protected, and no link gives the two ends keys',
};
