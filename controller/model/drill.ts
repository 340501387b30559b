/** A drill: a harmless transaction whose confirm is withheld, and what the host made of it. */

import { EXIT, unreachable, type ExitStatus } from '../errors.js';

export type DrillResult =
  /** The host took the change back by itself, and is as it was. */
  | {
      readonly status: 'held';
      readonly transaction: string;
      readonly windowSeconds: number;
      /** From the moment the change was in force until a new connection saw it taken back. */
      readonly backAfterSeconds: number;
    }
  /** It did not: it had to be told to, or is not as it was. */
  | { readonly status: 'broken'; readonly transaction: string; readonly reason: string; readonly todo: string }
  /** The drill never came to the point: nothing of it was in force. */
  | { readonly status: 'failed'; readonly reason: string; readonly todo: string }
  | { readonly status: 'unreachable'; readonly reason: string; readonly todo: string }
  /** No new connection, or left while the change was in force: the host reverts at that time by itself. */
  | { readonly status: 'unknown'; readonly transaction: string; readonly revertsAt: string; readonly reason: string }
  | { readonly status: 'skipped'; readonly reason: string };

/** Name of each run that is a drill, in the histories of hosts: `drill-20261122T101500Z-1a2b`. */
export const DRILL_PREFIX = 'drill-';

/** The exit status a host's drill asks for: as an apply would, since a host that does not come back is no host to push to. */
export function drillExit(result: DrillResult): ExitStatus {
  switch (result.status) {
    case 'held':
      return EXIT.ok;
    case 'broken':
    case 'failed':
    case 'unreachable':
    case 'skipped':
      return EXIT.failed;
    case 'unknown':
      return EXIT.unknown;
    default:
      return unreachable(result);
  }
}

/** What a host's own history tells of the last drill there. */
export interface LastDrill {
  /** ISO 8601, UTC, by the host's clock. */
  readonly at: string;
  readonly transaction: string;
  /** It came back by itself, because nobody confirmed. */
  readonly held: boolean;
  /** Why it came back, in the host's words. */
  readonly text: string;
}

/** The agent's word for a transaction that the dead-man took back when its window had passed. */
export const NOT_CONFIRMED = 'not confirmed in time';

/** The agent's word for one that was found without dead-man and agent: by the boot guard, or by whoever asked. */
export const INTERRUPTED = 'taken back after an interruption';

/** Whether a line of a host's history tells of a drill that held: `lastDrill` sums those up. */
export function isHeldDrill(line: string): boolean {
  return lastDrill([line])?.held === true;
}

/** The last drill in a history, whose lines read `TIME ID STATE generation=N … text=…`; latest last. */
export function lastDrill(history: readonly string[]): LastDrill | undefined {
  const line = history.findLast((one) => one.split(' ')[1]?.startsWith(DRILL_PREFIX));
  const [at, transaction, state] = line?.split(' ') ?? [];
  if (line === undefined || at === undefined || transaction === undefined) return undefined;
  const text = / text=(.*)$/.exec(line)?.[1] ?? state ?? '';
  return { at, transaction, held: state === 'reverted' && text === NOT_CONFIRMED, text };
}
