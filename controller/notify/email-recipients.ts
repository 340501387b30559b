/** Who has not been told of a digest yet: only they are asked for by the next try, so that nobody is told twice. */

import type { NodemailerError } from 'nodemailer';

/** What a server said of one address that it did not take. */
export interface RefusedRecipient {
  readonly address: string;
  /** As it came: words of a stranger. */
  readonly said: string;
  /** It may take it later (RFC 5321 §4.2.1), as a server that puts off whom it does not know does. */
  readonly again: boolean;
}

/** Of so many digests it is remembered, the latest. */
const MOST_DIGESTS = 50;

export class EmailRecipients {
  readonly #left = new Map<string, readonly string[]>();

  constructor(private readonly all: readonly string[]) {}

  /** Whether somebody has been told already. */
  hasTold(delivery: string): boolean {
    return this.#left.has(delivery);
  }

  leftOf(delivery: string): readonly string[] {
    return this.#left.get(delivery) ?? this.all;
  }

  keep(delivery: string, addresses: readonly string[]): void {
    this.#left.set(delivery, addresses);
    const [oldest] = this.#left.keys();
    if (this.#left.size > MOST_DIGESTS && oldest !== undefined) this.#left.delete(oldest);
  }
}

export function refusedRecipients(
  rejected: readonly string[],
  errors: readonly NodemailerError[] = [],
): readonly RefusedRecipient[] {
  return rejected.map((address) => {
    const error = errors.find(({ recipient }) => recipient === address);
    const status = error?.responseCode ?? 0;
    return { address, said: error?.response ?? String(status), again: status >= 400 && status < 500 };
  });
}
