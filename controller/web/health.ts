/** Whether the drift service is alive and whether it does its work, from the signs it gives. */

import type { ServiceSigns } from '../ports.js';

export interface Health {
  readonly ok: boolean;
  /** What is wrong, for whoever asks; nothing about hosts. */
  readonly reasons: readonly string[];
}

/** Four signs missed: what restarts a service must not do it for one slow answer. */
const SILENT_SECONDS = 120;
/** At work, the next host's turn may be far off, and a notifier or an apply may take its time. */
const SILENT_AT_WORK_SECONDS = 3600;
/** A period and as much again, for the spread over hosts and a slow pass. */
const LATE_PERIODS = 2;

/** Restarting helps when this is not ok: the loop does not move any more. */
export function liveness({ beat, working, periodSeconds }: ServiceSigns, now: Date): Health {
  const silent = secondsSince(beat, now);
  const limit = working ? Math.max(SILENT_AT_WORK_SECONDS, (periodSeconds ?? 0) * LATE_PERIODS) : SILENT_SECONDS;
  return healthOf(silent > limit ? [`the service has not moved for ${Math.floor(silent)} s`] : []);
}

/** What it shows can be relied on: the inventory was read, the last pass did not fail, and passes end when they should. */
export function readiness(signs: ServiceSigns, now: Date): Health {
  const { started, inventoryRead, failure, lastPassEnded, periodSeconds } = signs;
  const reasons = [];
  if (!inventoryRead) reasons.push('the inventory is not read yet');
  if (failure !== undefined) reasons.push(`the last pass failed (${failure}); the log says more`);
  if (periodSeconds !== undefined) {
    // What ended before the start was another process: this one has the same time for its first pass.
    const since = Math.min(secondsSince(started, now), secondsSince(lastPassEnded ?? started, now));
    const limit = periodSeconds * LATE_PERIODS;
    if (since > limit)
      reasons.push(`no pass has ended for ${Math.floor(since)} s; one is due every ${periodSeconds} s`);
  }
  return healthOf([...liveness(signs, now).reasons, ...reasons]);
}

function healthOf(reasons: readonly string[]): Health {
  return { ok: reasons.length === 0, reasons };
}

function secondsSince(then: Date, now: Date): number {
  return (now.getTime() - then.getTime()) / 1000;
}
