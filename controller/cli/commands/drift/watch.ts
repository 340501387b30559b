/** The service that looks at every host as often as it is scheduled, and tells what changed. */

import { parseSchedule, type Schedule } from '../../../drift/due.js';
import { OperatorError, type ExitStatus } from '../../../errors.js';
import { lockPasses } from '../../../history/drift-store.js';
import type { DriftMemory, DriftSettings } from '../../../model/drift.js';
import type { WatchEvent } from '../../../model/watch.js';
import { plain } from '../../../report/paint.js';
import { isTrouble, watchRecord, watchText } from '../../../report/watch-text.js';
import { watchDrift, type Watched } from '../../../run/watch-drift.js';
import { WatchRequests } from '../../../run/watch-requests.js';
import { createMetrics } from '../../../web/metrics.js';
import { startWebServer } from '../../../web/server.js';
import { WatchObserver } from '../../../web/watch-observer.js';
import { readAgain, withContext, type Context } from '../../context.js';
import { packageVersion } from '../../package-files.js';
import { catchServiceSignals } from '../../service-signals.js';
import { groundOf, readyRound } from './ready-round.js';
import { remediator } from './remediate.js';
import { noSchedule, type WatchArguments } from './watch-options.js';
import { readMemory } from './with-memory.js';

/** Connections that were given up may hold the process for as long as their time-outs: not longer than this after the end. */
const LEAVE_MILLISECONDS = 2000;

export function watchInventory(args: WatchArguments): Promise<void> {
  const unattended = { ...args, unattended: true };
  return withContext(unattended, (context) => watch(context, args, () => readAgain(unattended, context)));
}

/**
 * What keeps the service from its work at all is told at its start, not at its first pass.
 * @throws OperatorError DRIFT_RUNNING, NO_SCHEDULE, VAULT_…, IDENTITY_…, LISTEN_…, DRIFT_STORE_…
 */
async function watch(
  context: Context,
  args: WatchArguments,
  readInventory: () => Promise<Context>,
): Promise<ExitStatus> {
  const { clock, settings } = context;
  const requests = new WatchRequests();
  const signals = catchServiceSignals(requests, context.output.note);
  const release = await lockPasses(settings.drift.stateFile, clock.now()).catch((error: unknown) => {
    signals.release();
    throw error;
  });
  try {
    const memory = await readMemory(context);
    await groundOf(context, args);
    const observed = await observe(context, memory);
    const emit = emitter(context, args.inventory, observed.follow);
    const watched = (now: Context): Watched => {
      const schedule = scheduleOf(now, args);
      const spreadSeconds = (): number => spreadWithin(schedule, now.settings.drift.spreadSeconds, clock.now());
      const remediate = args.remediate ? remediator(now) : undefined;
      const round = readyRound(now, { words: args, spreadSeconds, emit, remediate });
      return { schedule, hosts: now.selected.length, round };
    };
    try {
      await watchDrift({
        watched: watched(context),
        lastPass: memory.lastPass === undefined ? undefined : new Date(memory.lastPass.begun),
        reload: async () => {
          const fresh = await readInventory();
          checkUnmoved(context, fresh);
          await groundOf(fresh, args);
          const again = watched(fresh);
          observed.readAgain(fresh);
          return again;
        },
        clock,
        requests,
        emit,
      });
    } finally {
      await observed.close();
    }
    return signals.exit();
  } finally {
    signals.release();
    await release();
    setTimeout(() => process.exit(), LEAVE_MILLISECONDS).unref();
  }
}

function scheduleOf({ settings }: Context, args: WatchArguments): Schedule {
  const { schedule: inventoryWords, timeZone } = settings.drift;
  const words = args.schedule ?? inventoryWords;
  if (words !== undefined) return parseSchedule(words, timeZone);
  throw noSchedule();
}

/** A spread longer than the schedule allows would make every pass miss the next: half the time to it is the most. */
function spreadWithin(schedule: Schedule, spreadSeconds: number, now: Date): number {
  return Math.min(spreadSeconds, (schedule.after(now).getTime() - now.getTime()) / 2000);
}

/** Words for people on a terminal or in a service's log; objects for programs; fields for the log file; numbers for metrics. */
function emitter(
  { output, clock, log }: Context,
  inventory: string,
  follow: (event: WatchEvent) => void,
): (event: WatchEvent) => void {
  return (event) => {
    follow(event);
    const record = watchRecord(event);
    if (record === undefined) return;
    log.event(isTrouble(event) ? 'warn' : 'info', event.event, { ...record });
    if (output.format === 'json') return output.json(record);
    const write = isTrouble(event) ? output.note : output.print;
    const paint = isTrouble(event) && !process.stderr.isTTY ? plain : output.paint;
    write(watchText(event, clock.now(), { inventory, paint }) ?? '');
  };
}

/** Metrics and health, where the inventory says that they are served. */
async function observe({ inventory, settings, clock, log, output }: Context, memory: DriftMemory) {
  const { listen } = settings.drift;
  const nothing = (): undefined => undefined;
  if (listen === undefined) return { follow: nothing, readAgain: nothing, close: () => Promise.resolve() };
  const namesOf = ({ notify }: DriftSettings): readonly string[] => notify.map(({ name }) => name);
  const metrics = createMetrics({
    fleet: inventory.fleet,
    version: await packageVersion(),
    notifiers: namesOf(settings.drift),
  });
  const observer = new WatchObserver(metrics, memory, clock);
  const server = await startWebServer({ metrics, signs: () => observer.signs(), clock, listen, log });
  if (output.format === 'text') output.print(`metrics and health at ${server.url}\n`);
  return {
    follow: (event: WatchEvent) => observer.follow(event),
    readAgain: (fresh: Context) => metrics.nameNotifiers(namesOf(fresh.settings.drift)),
    close: () => server.close(),
  };
}

/** What is held open from the start cannot move while the service runs. */
function checkUnmoved(before: Context, after: Context): void {
  const held = ({ inventory: { fleet }, settings: { drift } }: Context) => [
    ['fleet', fleet],
    ['drift.stateFile', drift.stateFile],
    ['drift.listen', JSON.stringify(drift.listen)],
  ];
  const old = held(before);
  const moved = held(after).flatMap(([name, value], i) => (value === old[i]?.[1] ? [] : [name]));
  if (moved.length === 0) return;
  throw new OperatorError('RELOAD_NEEDS_RESTART', {
    what: `${moved.join(' and ')} cannot change while the service runs`,
    todo: 'restart the service',
  });
}
