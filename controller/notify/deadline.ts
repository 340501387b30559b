/** A limit on one piece of work, by the clock that was handed in, and by the signal to stop. */

import type { Clock } from '../ports.js';
import { Stopped } from './delivery.js';

/**
 * The work's result; its signal aborts when time runs out or `stop` does, and the caller hears of it at once, whatever the work does.
 * @throws what `late` makes when time runs out; Stopped
 */
export async function within<T>(
  limit: { readonly clock: Clock; readonly seconds: number; readonly stop: AbortSignal; readonly late: () => Error },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (limit.stop.aborted) throw new Stopped();
  const over = new AbortController();
  const stopped = new Promise<never>((_resolve, reject) => {
    limit.stop.addEventListener('abort', () => reject(new Stopped()), { once: true, signal: over.signal });
  });
  const tooLate = limit.clock.after(limit.seconds, over.signal).then(() => {
    throw limit.late();
  });
  try {
    return await Promise.race([work(over.signal), tooLate, stopped]);
  } finally {
    // Ends the work that lost, and the timer: what they reject with now has been taken up by the race.
    over.abort();
  }
}
