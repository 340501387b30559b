/** A run, what became of each host in it, and the events that tell of it while it goes on. */

import { EXIT, unreachable, type ExitStatus } from '../errors.js';
import type { ProbeCounts, ProbeGap, ProbeResult } from './link-probe.js';
import type { HostStatus, StepReport } from './observation.js';

/** Each way a host can end a run, in its own word (design I9). */
export type HostOutcome =
  | { readonly status: 'unchanged'; readonly generation: number | undefined }
  | { readonly status: 'confirmed'; readonly generation: number }
  /** The host took the change back: the previous generation is in force. */
  | {
      readonly status: 'reverted';
      readonly step: string;
      readonly reason: string;
      readonly generation: number | undefined;
    }
  /** `touched` false: refused or given up before anything changed. True: the host says its state needs a person. */
  | { readonly status: 'failed'; readonly reason: string; readonly todo: string; readonly touched: boolean }
  | { readonly status: 'unreachable'; readonly reason: string; readonly todo: string }
  /** Contact was lost after the change began: the host reverts by itself unless it was confirmed. */
  | { readonly status: 'unknown'; readonly transaction: string; readonly revertsAt: string; readonly reason: string }
  /** Not begun, because the run stopped before its turn. */
  | { readonly status: 'skipped'; readonly reason: string };

/** What a host answered to `status`, or why it did not. */
export type StatusAnswer = { readonly host: string } & (
  { readonly status: HostStatus } | { readonly outcome: HostOutcome }
);

export type RunEvent =
  | { readonly event: 'run-started'; readonly run: string; readonly hosts: readonly string[] }
  | { readonly event: 'host-phase'; readonly host: string; readonly phase: HostPhase }
  | ({ readonly event: 'step'; readonly host: string } & StepReport)
  | { readonly event: 'armed'; readonly host: string; readonly transaction: string; readonly revertsAt: string }
  /** One flow between two hosts that was tried, or could not be. */
  | ({ readonly event: 'probe' } & ProbeResult)
  | ({ readonly event: 'probe-gap' } & ProbeGap)
  /** All flows of hosts that move together; nothing was tried where all counts are 0. */
  | ({ readonly event: 'probed'; readonly hosts: readonly string[] } & ProbeCounts)
  | ({ readonly event: 'outcome'; readonly host: string } & HostOutcome)
  | {
      readonly event: 'run-ended';
      readonly run: string;
      readonly exit: ExitStatus;
      readonly counts: Readonly<Record<string, number>>;
    };

export type HostPhase =
  'connecting' | 'observed' | 'sending' | 'waiting-for-peers' | 'reconnecting' | 'probing' | 'confirming' | 'aborting';

/** The exit status one host's outcome asks for (docs/operators-guide.md, "Exit status"). */
export function outcomeExit(outcome: HostOutcome): ExitStatus {
  switch (outcome.status) {
    case 'unchanged':
    case 'confirmed':
      return EXIT.ok;
    case 'reverted':
      return EXIT.reverted;
    case 'failed':
    case 'unreachable':
    case 'skipped':
      return EXIT.failed;
    case 'unknown':
      return EXIT.unknown;
    default:
      return unreachable(outcome);
  }
}

/** The worst one wins; 0 only when every host is unchanged or confirmed. */
export function runExit(outcomes: Iterable<HostOutcome>): ExitStatus {
  let worst: ExitStatus = EXIT.ok;
  for (const outcome of outcomes) {
    const exit = outcomeExit(outcome);
    if (exit > worst) worst = exit;
  }
  return worst;
}

export function countOutcomes(outcomes: Iterable<HostOutcome>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of outcomes) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
