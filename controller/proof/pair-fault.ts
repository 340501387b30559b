/** What can be wrong between the two ends of a flow, as a value: the verdict, the lines concerned on both ends, what to do. */

import type { Place } from './host-picture.js';

const PAIR_VERDICTS = [
  'no-common-algorithm',
  'key-mismatch',
  'missing-sa',
  'clear-meets-protected',
  'protected-meets-bypass',
  'missing-end',
  'spi-clash',
  'ike-rule-mismatch',
  'psk-mismatch',
] as const;

export type PairVerdict = (typeof PAIR_VERDICTS)[number];

export interface PairFault {
  readonly verdict: PairVerdict;
  /** A sentence that names the ends, without the flows. */
  readonly what: string;
  readonly todo: string;
  /** `warning`: works in part, or for some. */
  readonly severity: 'error' | 'warning';
  readonly sender: Place;
  readonly receiver: Place;
}
