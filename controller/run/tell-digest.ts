/** Tells every notifier what is news, each by itself: one that fails or hangs keeps nobody else from being told. */

import { InputProblems, OperatorError } from '../errors.js';
import type { DriftDigest } from '../model/drift.js';
import type { WatchEvent, WatchFault } from '../model/watch.js';
import type { Notifier } from '../ports.js';
import { hasNews } from '../report/digest-text.js';

/** What one notifier could not tell is kept while the process lives; older news than this many passes is let go. */
const MOST_KEPT = 20;

export class DigestTeller {
  /** By the notifier's name: it stays when the inventory is read again. */
  readonly #kept = new Map<string, readonly DriftDigest[]>();

  constructor(private readonly emit: (event: WatchEvent) => void) {}

  /**
   * Tells the digest, and before it what a notifier could not tell earlier.
   * Answers `nobody` when there was news and none of them could be told: then nothing is kept here.
   */
  async tell(
    notifiers: readonly Notifier[],
    digest: DriftDigest,
    stop: AbortSignal,
  ): Promise<'nothing to tell' | 'told' | 'nobody'> {
    const kept = notifiers.map(({ name }) => this.#kept.get(name) ?? []);
    this.#kept.clear();
    const isNews = hasNews(digest);
    const results = await Promise.all(
      notifiers.map((notifier, i) => this.#tellOne(notifier, [...(kept[i] ?? []), ...(isNews ? [digest] : [])], stop)),
    );
    const isLost = isNews && results.length > 0 && results.every((left) => left.includes(digest));
    results.forEach((left, i) => {
      const name = notifiers[i]?.name;
      const worthKeeping = left.filter((one) => one !== digest || !isLost).slice(-MOST_KEPT);
      if (name !== undefined && worthKeeping.length > 0) this.#kept.set(name, worthKeeping);
    });
    if (isLost) return 'nobody';
    return isNews && results.length > 0 ? 'told' : 'nothing to tell';
  }

  /** In order, until one fails. Answers what is left. */
  async #tellOne(
    notifier: Notifier,
    digests: readonly DriftDigest[],
    stop: AbortSignal,
  ): Promise<readonly DriftDigest[]> {
    const { name } = notifier;
    for (const [i, digest] of digests.entries()) {
      try {
        await notifier.tell(digest, stop);
        this.emit({ event: 'watch-told', notifier: name, told: true });
      } catch (error) {
        this.emit({ event: 'watch-told', notifier: name, told: false, fault: faultOf(error) });
        return digests.slice(i);
      }
    }
    return [];
  }
}

/** A bug is a fault as well: it is told, and does not end what goes on. */
export function faultOf(error: unknown): WatchFault {
  if (error instanceof OperatorError) {
    const { code, what, where, todo } = error;
    const about = { code, what, where, todo };
    return error instanceof InputProblems ? { ...about, problems: error.problems } : about;
  }
  return {
    code: 'BUG',
    what: error instanceof Error ? (error.stack ?? error.message) : String(error),
    todo: 'this is a bug in ipsec-deploy, please report it',
  };
}
