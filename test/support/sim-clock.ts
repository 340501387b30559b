/** Time in which many wait at once, and which passes only while a test lets it. */

import type { Clock } from '../../controller/ports.js';

interface Waiter {
  readonly at: number;
  readonly resolve: () => void;
}

export class SimClock implements Clock {
  #now: number;
  #waiters: Waiter[] = [];

  constructor(start: string) {
    this.#now = Date.parse(start);
  }

  now(): Date {
    return new Date(this.#now);
  }

  after(seconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(new Error('aborted'));
        return;
      }
      const onAbort = (): void => {
        this.#waiters = this.#waiters.filter((one) => one !== waiter);
        reject(new Error('aborted'));
      };
      const waiter: Waiter = {
        at: this.#now + seconds * 1000,
        resolve: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiters.push(waiter);
    });
  }

  /** The clock moves, and nobody is told: the machine slept, or somebody set it. */
  jump(seconds: number): void {
    this.#now += seconds * 1000;
  }

  /** Wakes whoever waits, in the order of their times, until that moment or until nobody waits any more. */
  async runUntil(moment: string): Promise<void> {
    const end = Date.parse(moment);
    for (;;) {
      await idle();
      const next = this.#waiters.reduce<Waiter | undefined>(
        (first, one) => (first === undefined || one.at < first.at ? one : first),
        undefined,
      );
      if (next === undefined || next.at > end) break;
      this.#waiters = this.#waiters.filter((one) => one !== next);
      this.#now = Math.max(this.#now, next.at);
      next.resolve();
    }
    this.#now = Math.max(this.#now, end);
  }
}

/** Until every promise that could go on has done so. */
export function idle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
