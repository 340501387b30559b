/** What can be wrong between the two ends of a flow, as a value: the verdict, the lines concerned on both ends, what to do. */

import type { Place } from './host-picture.js';

export type PairVerdict =
  | 'no-common-algorithm'
  | 'key-mismatch'
  | 'missing-sa'
  | 'clear-meets-protected'
  | 'protected-meets-bypass'
  | 'missing-end'
  | 'spi-clash'
  | 'ike-rule-mismatch'
  | 'psk-mismatch';

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
