/** One way of telling people, seen from the retrying: what is delivered, and how a try fails. */

import type { DriftDigest } from '../model/drift.js';
import type { DigestText } from '../report/digest-text.js';

export interface Message {
  /** The same for every try of one digest to one notifier: a receiver that has seen it leaves it at that. Looks like a UUID. */
  readonly id: string;
  /** Already narrowed to what this notifier tells, and redacted. */
  readonly digest: DriftDigest;
  readonly text: DigestText;
}

/** One try; aborted by the signal, after which nothing of it may go on. @throws DeliveryFailure */
export type Delivery = (message: Message, signal: AbortSignal) => Promise<void>;

/** Why a try failed. The reason is one line without secrets. */
export class DeliveryFailure extends Error {
  override readonly name = 'DeliveryFailure';
  constructor(
    reason: string,
    readonly detail: {
      /** Whether another try may go better. */
      readonly again: boolean;
      /** The least wait the other side asked for. */
      readonly afterSeconds?: number | undefined;
      /** Some have been told, and would be told twice if all of it were done again later. */
      readonly othersTold?: boolean;
      readonly todo?: string;
    },
  ) {
    super(reason);
  }
}

/** The service is ending, or the person gave up. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
  constructor() {
    super('stopped before it was told');
  }
}
