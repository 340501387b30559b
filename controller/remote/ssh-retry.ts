/** Connections that sshd ends before they are one, as it does with too many at once: asked for again, a few times, apart from each other. */

import { setTimeout as sleep } from 'node:timers/promises';
import { HostLinkError } from '../ports.js';
import type { Deadline } from './deadline.js';
import { DroppedError, triedOften } from './ssh-failures.js';

/** How the time between two tries passes. */
export interface Retrying {
  /** Rejects when `stop` is raised. */
  pause(ms: number, stop: AbortSignal | undefined): Promise<void>;
  /** From 0 up to 1: what came together does not come together again. */
  random(): number;
}

export const RETRYING: Retrying = {
  pause: (ms, stop) => sleep(ms, undefined, stop === undefined ? {} : { signal: stop }),
  random: Math.random,
};

/** Six or seven of them fit into the usual ten seconds. */
const MOST_TRIES = 10;
const FIRST_WAIT_MS = 250;
const MOST_WAIT_MS = 4000;

/** Milliseconds to wait after that many tries: twice as long each time, half of it by chance. */
export function waitMs(tries: number, random: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** (tries - 1), MOST_WAIT_MS) * (0.5 + random / 2);
}

/**
 * What the first try that is not dropped brings. A wait that the deadline does not leave room for is not begun.
 * @throws HostLinkError of the last try, with their number
 */
export async function untilNotDropped<T>(
  attempt: (tries: number) => Promise<T>,
  { deadline, retrying, stop }: { deadline: Deadline; retrying: Retrying; stop: AbortSignal | undefined },
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt(tries);
    } catch (error) {
      if (!(error instanceof DroppedError)) throw error;
      const ms = waitMs(tries, retrying.random());
      const isLast = tries === MOST_TRIES || ms >= deadline.leftMs || stop?.aborted === true;
      if (isLast || !(await hasPassed(retrying.pause(ms, stop), stop)))
        throw new HostLinkError(triedOften(error.failure, tries), { cause: error });
    }
  }
}

async function hasPassed(pause: Promise<void>, stop: AbortSignal | undefined): Promise<boolean> {
  try {
    await pause;
    return true;
  } catch (error) {
    if (stop?.aborted !== true) throw error;
    return false;
  }
}
