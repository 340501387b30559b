/** Asks a host that cannot be reached again and again how a change ended, until past the time at which it takes it back by itself. */

import type { Host } from '../model/host.js';
import type { Clock, HostSession } from '../ports.js';
import { reasonOf } from './link-outcome.js';
import type { SessionLot } from './session-lot.js';

/** What a host may need to take a change back and let new connections in, after its window. */
const TAKING_BACK_SECONDS = 15;
const PAUSE_SECONDS = 1;

export interface AskPorts {
  readonly lot: SessionLot;
  readonly clock: Clock;
  /** Nobody waits any longer. */
  readonly stop?: AbortSignal;
}

export type Heard<T> = { readonly answer: T } | { readonly reason: string };

/** A new connection for each try, and one try at least. `reason`: why the last of them brought no answer. */
export async function askAgain<T>(
  host: Host,
  revertsAt: Date,
  { lot, clock, stop }: AskPorts,
  ask: (session: HostSession) => Promise<T>,
): Promise<Heard<T>> {
  const latest = revertsAt.getTime() + TAKING_BACK_SECONDS * 1000;
  for (;;) {
    let reason: string;
    try {
      const session = await lot.openNew(host);
      try {
        return { answer: await ask(session) };
      } finally {
        await session.close();
      }
    } catch (error) {
      reason = reasonOf(error);
    }
    if (stop?.aborted === true || clock.now().getTime() >= latest) return { reason };
    await clock.after(PAUSE_SECONDS);
  }
}
