/** Tries a delivery again until it succeeds, cannot succeed, or its time is over: exponential back-off with jitter. */

import type { Clock, RandomBytes } from '../ports.js';
import { within } from './deadline.js';
import { DeliveryFailure, Stopped } from './delivery.js';
import type { NotifierLimits } from './world.js';

export interface RetryWorld {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly limits: NotifierLimits;
  /** Told of each try that failed and is made again. */
  readonly onRetry: (failure: DeliveryFailure, attempt: number, waitSeconds: number) => void;
}

/** @throws DeliveryFailure that says how often and how long it was tried; Stopped */
export async function retrying(
  world: RetryWorld,
  stop: AbortSignal,
  attempt: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { clock, limits } = world;
  const begun = clock.now().getTime();
  const spent = (): number => Math.max(0, (clock.now().getTime() - begun) / 1000);
  for (let count = 1; ; count += 1) {
    const seconds = Math.min(limits.trySeconds, Math.max(0, limits.overallSeconds - spent()));
    const late = (): Error => new DeliveryFailure(`no end within ${shortNumber(seconds)} s`, { again: true });
    try {
      return await within({ clock, seconds, stop, late }, attempt);
    } catch (error) {
      if (!(error instanceof DeliveryFailure)) throw error;
      if (!error.detail.again) throw error;
      const wait = waitSeconds(count, error.detail.afterSeconds, world);
      if (count >= limits.tries || spent() + wait >= limits.overallSeconds) throw gaveUp(error, count, spent(), wait);
      world.onRetry(error, count, wait);
      await clock.after(wait, stop).catch((cause: unknown) => {
        throw stop.aborted ? new Stopped() : cause;
      });
    }
  }
}

/** Half of it fixed, half by chance: senders that failed together do not come back together. */
export function waitSeconds(
  count: number,
  asked: number | undefined,
  { random, limits }: Pick<RetryWorld, 'random' | 'limits'>,
): number {
  const most = Math.min(limits.mostWaitSeconds, limits.firstWaitSeconds * 2 ** (count - 1));
  const chance = new DataView(Uint8Array.from(random(4)).buffer).getUint32(0) / 2 ** 32;
  return Math.max(most / 2, asked ?? 0) + (chance * most) / 2;
}

function gaveUp(error: DeliveryFailure, count: number, seconds: number, wait: number): DeliveryFailure {
  const asked = error.detail.afterSeconds;
  const why = asked !== undefined && wait > asked && asked > 0 ? `; it asked to wait ${shortNumber(asked)} s` : '';
  const tries = count === 1 ? 'one try' : `${count} tries in ${shortNumber(seconds)} s`;
  return new DeliveryFailure(`${error.message} (${tries}${why})`, { ...error.detail, again: false });
}

function shortNumber(seconds: number): string {
  return String(Math.round(seconds * 10) / 10);
}
