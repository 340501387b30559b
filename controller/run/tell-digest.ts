/** Tells every notifier what is news, each by itself: one that fails or hangs keeps nobody else from being told. */

import { toldOnlyOnce } from '../drift/untold.js';
import { InputProblems, OperatorError } from '../errors.js';
import type { DriftDigest, UntoldDigest } from '../model/drift.js';
import type { WatchEvent, WatchFault } from '../model/watch.js';
import type { Notifier } from '../ports.js';
import { hasNews } from '../report/digest-text.js';

/** What one notifier could not tell is kept for it; older news than this many passes is let go. */
const MOST_KEPT = 20;

export interface TellInput {
  readonly notifiers: readonly Notifier[];
  readonly digest: DriftDigest;
  /** What they could not be told earlier, oldest first. That of others is let go. */
  readonly backlog: readonly UntoldDigest[];
  /** Raised when there is no more time. */
  readonly stop: AbortSignal;
  readonly emit: (event: WatchEvent) => void;
}

export interface ToldDigest {
  /** There was news, and none of them could be told: then only that is in the backlog which no later pass finds again. */
  readonly isUnheard: boolean;
  readonly backlog: readonly UntoldDigest[];
}

/** Tells the digest, and before it what a notifier could not tell earlier. */
export async function tellDigest({ notifiers, digest, backlog, stop, emit }: TellInput): Promise<ToldDigest> {
  const isNews = hasNews(digest);
  const results = await Promise.all(
    notifiers.map(async (notifier) => {
      const kept = backlog.filter((one) => one.notifier === notifier.name).map((one) => one.digest);
      return {
        notifier: notifier.name,
        left: await tellOne(notifier, [...kept, ...(isNews ? [digest] : [])], stop, emit),
      };
    }),
  );
  const isUnheard = isNews && results.length > 0 && results.every(({ left }) => left.includes(digest));
  return {
    isUnheard,
    backlog: results.flatMap(({ notifier, left }) =>
      left
        .flatMap((one) => (isUnheard && one === digest ? (toldOnlyOnce(digest) ?? []) : one))
        .slice(-MOST_KEPT)
        .map((one) => ({ notifier, digest: one })),
    ),
  };
}

/** In order, until one fails. Answers what is left. */
async function tellOne(
  notifier: Notifier,
  digests: readonly DriftDigest[],
  stop: AbortSignal,
  emit: TellInput['emit'],
): Promise<readonly DriftDigest[]> {
  const { name } = notifier;
  for (const [i, digest] of digests.entries()) {
    try {
      await notifier.tell(digest, stop);
      emit({ event: 'watch-told', notifier: name, told: true });
    } catch (error) {
      emit({ event: 'watch-told', notifier: name, told: false, fault: faultOf(error) });
      return digests.slice(i);
    }
  }
  return [];
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
