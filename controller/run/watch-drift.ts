/**
 * The loop of the drift service: waits until a pass is due, makes it, and goes on whatever came of it. One pass at a time,
 * always; scheduled times that pass meanwhile are counted and told of, never made up for.
 */

import { Agenda } from '../drift/agenda.js';
import { missedRuns, type MissedRuns, type Schedule } from '../drift/due.js';
import type { WatchEvent } from '../model/watch.js';
import type { Clock } from '../ports.js';
import { faultOf } from './tell-digest.js';
import type { WatchRequests } from './watch-requests.js';

/** All that comes from the inventory, and is read again on request. */
export interface Watched {
  readonly schedule: Schedule;
  readonly hosts: number;
  /** One pass and all that follows from it; ends soon after the signal is raised. */
  round(stop: AbortSignal): Promise<unknown>;
}

export interface WatchInput {
  readonly watched: Watched;
  /** When the last pass before this watch began, where that is remembered. */
  readonly lastPass: Date | undefined;
  /** @throws OperatorError when the inventory cannot be used; then what was read before stays */
  readonly reload: () => Promise<Watched>;
  readonly clock: Clock;
  readonly requests: WatchRequests;
  readonly emit: (event: WatchEvent) => void;
}

/** No longer than this without a look at the clock: a machine that slept finds out soon after it wakes. */
const MOST_WAIT_SECONDS = 30;
/** After the first failure; twice as long after each further one. */
const FIRST_PAUSE_SECONDS = 60;
const MOST_PAUSE_SECONDS = 3600;

/** Runs until it is asked to stop. Errors of a pass are told and end nothing. */
export async function watchDrift(input: WatchInput): Promise<void> {
  const { clock, requests, emit } = input;
  const now = clock.now();
  let { watched } = input;
  const agenda = new Agenda(watched.schedule, now);
  const tellMissed = (missed: MissedRuns | undefined, why: 'late' | 'busy' | 'absent'): void => {
    if (missed === undefined) return;
    emit({ event: 'watch-missed', count: missed.count, since: missed.since.toISOString(), why });
  };
  emit({ event: 'watch-started', ...aboutOf(watched) });
  if (input.lastPass !== undefined) tellMissed(missedRuns(watched.schedule, input.lastPass, now), 'absent');

  let waitedFor: number | undefined;
  let failures = 0;
  while (!requests.stopped.aborted) {
    if (requests.takeReload()) {
      watched = await reloaded(watched, input);
      agenda.follow(watched.schedule, clock.now());
    }
    const at = clock.now();
    const turn = agenda.at(at);
    if (turn.kind === 'wait') {
      const until = turn.until.getTime();
      if (until !== waitedFor) emit({ event: 'watch-waiting', until: turn.until.toISOString() });
      waitedFor = until;
      emit({ event: 'watch-beat', at: at.toISOString() });
      await pause(Math.min(MOST_WAIT_SECONDS, (until - at.getTime()) / 1000), input);
      continue;
    }
    tellMissed(turn.missed, 'late');
    if (turn.kind === 'missed') continue;
    try {
      await watched.round(requests.stopped);
      failures = 0;
    } catch (error) {
      failures += 1;
      const seconds = Math.min(FIRST_PAUSE_SECONDS * 2 ** (failures - 1), MOST_PAUSE_SECONDS);
      const notBefore = new Date(clock.now().getTime() + seconds * 1000);
      agenda.pauseUntil(notBefore);
      emit({ event: 'watch-failed', fault: faultOf(error), failures, notBefore: notBefore.toISOString() });
    }
    const overtaken = agenda.ran(clock.now());
    if (!requests.stopped.aborted) tellMissed(overtaken, 'busy');
  }
  emit({ event: 'watch-stopped', at: clock.now().toISOString() });
}

async function reloaded(watched: Watched, { reload, emit }: WatchInput): Promise<Watched> {
  try {
    const fresh = await reload();
    emit({ event: 'watch-reloaded', ...aboutOf(fresh) });
    return fresh;
  } catch (error) {
    emit({ event: 'watch-reload-refused', fault: faultOf(error) });
    return watched;
  }
}

/** Ends early when something is asked for. */
async function pause(seconds: number, { clock, requests: { wake } }: WatchInput): Promise<void> {
  try {
    await clock.after(seconds, wake);
  } catch (error) {
    if (!wake.aborted) throw error;
  }
}

function aboutOf({ hosts, schedule: { words, timeZone } }: Watched) {
  return { hosts, schedule: words, timeZone };
}
