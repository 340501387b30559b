/**
 * When a schedule is due. Owns the cron words of `drift` and what changes of daylight saving time mean to them; knows no
 * clock: times are handed in.
 */

import { OperatorError } from '../errors.js';
import { cronTimes, rareFault } from '../inventory/cron-times.js';
import { CRON_EXAMPLE, cronFault } from '../inventory/cron-words.js';

export interface Schedule {
  readonly words: string;
  /** IANA name. */
  readonly timeZone: string;
  /** The first scheduled time later than this one. */
  after(time: Date): Date;
}

/** Scheduled times that nobody acted on. */
export interface MissedRuns {
  /** `MOST_COUNTED` stands for that many or more. */
  readonly count: number;
  readonly since: Date;
}

export const MOST_COUNTED = 1000;

/**
 * Reads cron words: five fields, six with seconds before them, or `@hourly` and its like.
 *
 * A schedule for every hour follows the clock as it goes, so that one for each 15 minutes stays so while daylight saving
 * begins and ends. A schedule that names hours runs once for each time it names: a time that the clock skips is made up for
 * at the moment of the change, one that it shows twice counts the first time.
 * @throws OperatorError SCHEDULE_MALFORMED, TIME_ZONE_UNKNOWN
 */
export function parseSchedule(words: string, timeZone: string): Schedule {
  const fault = cronFault(words);
  if (fault !== undefined) throw malformed(words, fault);
  if (!isTimeZone(timeZone)) {
    throw new OperatorError('TIME_ZONE_UNKNOWN', {
      what: `there is no time zone ${JSON.stringify(timeZone)}`,
      todo: 'write a name such as Europe/Berlin, or UTC',
    });
  }
  const rare = rareFault(words);
  if (rare !== undefined) throw malformed(words, rare);
  const times = cronTimes(words, timeZone);
  const after = (time: Date): Date => {
    const next = times?.(time);
    if (next === undefined) throw malformed(words, 'no day is ever like that');
    return next;
  };
  return { words, timeZone, after };
}

/** The scheduled times later than `from`, up to and with `until`; `undefined` when there is none. */
export function missedRuns(schedule: Schedule, from: Date, until: Date): MissedRuns | undefined {
  const since = schedule.after(from);
  let count = 0;
  for (let at = since; at <= until && count < MOST_COUNTED; at = schedule.after(at)) count += 1;
  return count === 0 ? undefined : { count, since };
}

const HOUR_MS = 3_600_000;

/** The longest time between two scheduled runs, in seconds, judged by those of the next five weeks. */
export function longestPeriodSeconds(schedule: Schedule, from: Date): number {
  const until = from.getTime() + 35 * 86_400_000;
  let longest = 0;
  let at = schedule.after(from);
  const step = (): void => {
    const next = schedule.after(at);
    longest = Math.max(longest, next.getTime() - at.getTime());
    at = next;
  };
  for (let runs = 0; runs < MOST_COUNTED && (runs === 0 || at.getTime() < until); runs++) step();
  // A schedule of every minute, on working days: too many runs to look at each, and the nights and weekends are what counts.
  for (let hour = at.getTime(); hour < until; hour = Math.max(hour + HOUR_MS, at.getTime())) {
    at = schedule.after(new Date(hour));
    if (at.getTime() - hour <= longest) continue;
    // The run before the gap is less than an hour back.
    for (at = schedule.after(new Date(hour - HOUR_MS)); at.getTime() <= hour;) step();
  }
  return longest / 1000;
}

function isTimeZone(name: string): boolean {
  if (!/^[A-Z]/i.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function malformed(words: string, fault: string): OperatorError {
  return new OperatorError('SCHEDULE_MALFORMED', {
    what: `the schedule ${JSON.stringify(words)} cannot be kept: ${fault}`,
    todo: CRON_EXAMPLE,
  });
}
