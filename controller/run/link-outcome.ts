/** What a failed conversation means for a host's outcome. */

import { HostLinkError, LinkInterrupted } from '../ports.js';
import type { HostOutcome } from '../model/run.js';

/** The outcome of a host that could not be talked to before anything was changed on it. Bugs pass through. */
export function untouchedOutcome(error: unknown): HostOutcome {
  if (!(error instanceof HostLinkError)) throw error;
  const { kind, reason, todo } = error.failure;
  if (error instanceof LinkInterrupted) return { status: 'skipped', reason };
  if (kind === 'unreachable' || kind === 'timeout' || kind === 'lost') return { status: 'unreachable', reason, todo };
  return { status: 'failed', reason, todo, touched: false };
}

export function reasonOf(error: unknown): string {
  if (error instanceof HostLinkError) return error.failure.reason;
  throw error;
}
