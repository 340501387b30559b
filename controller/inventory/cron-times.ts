/** When the words of a schedule come due, by the library, and whether they ever do. Knows no clock: times are handed in. */

import { Cron } from 'croner';

/** The next time later than this one; `undefined` for none that the library finds. */
export type NextTime = (time: Date) => Date | undefined;

/** `timeZone`: an IANA name. `undefined` for words that the library cannot read, whatever `cronFault` says of them. */
export function cronTimes(words: string, timeZone: string): NextTime | undefined {
  const cron = readWords(words, timeZone);
  return cron && ((time) => cron.nextRun(time) ?? undefined);
}

const MOST_YEARS = 5;
/** The calendar of days and weeks comes again after 28 years, within a century that has no year left out. */
const CALENDAR = { from: 2000, years: 28 };

/** What is wrong with words that come due never, or less often than in five years. No time zone makes a day come that no calendar has. */
export function rareFault(words: string): string | undefined {
  const next = cronTimes(words, 'UTC');
  if (next === undefined) return 'a field of it is out of range or cannot be read';
  for (let year = CALENDAR.from; year < CALENDAR.from + CALENDAR.years; year++) {
    const at = next(new Date(Date.UTC(year, 0, 1)));
    if (at === undefined) return 'it never comes due: no such day is in any month that it names';
    const gap = at.getUTCFullYear() - year;
    if (gap > MOST_YEARS) return `it comes due too seldom: not once in ${gap} years from ${year} on`;
  }
  return undefined;
}

function readWords(words: string, timeZone: string): Cron | undefined {
  try {
    return new Cron(forLibrary(words), { timezone: timeZone, fixedTimeRule: 'no-wildcard' });
  } catch (cause) {
    if (!(cause instanceof TypeError) && !(cause instanceof RangeError)) throw cause;
    return undefined;
  }
}

/**
 * The library takes a schedule for one of named times when its seconds, minutes and hours are single values, lists and
 * ranges, so steps and stars are written out for it wherever hours are named; every hour is a star to it.
 */
function forLibrary(words: string): string {
  const fields = words.trim().split(/\s+/);
  if (fields.length < 5) return words.trim();
  const [hour = '*', minute = '*', second = '0', dates] = [
    fields.at(-4),
    fields.at(-5),
    fields.at(-6),
    fields.slice(-3).join(' '),
  ];
  const hours = writtenOut(hour, 23);
  return new Set(hours.split(',')).size === 24
    ? `${second} ${minute} * ${dates}`
    : `${writtenOut(second, 59)} ${writtenOut(minute, 59)} ${hours} ${dates}`;
}

/** Every value of a field, as a list. */
function writtenOut(field: string, most: number): string {
  return field
    .split(',')
    .flatMap((item) => {
      const [span = '', step = '1'] = item.split('/');
      const [from, to = from] = span === '*' ? [0, most] : span.split('-').map(Number);
      if (from === undefined || to === undefined) return [];
      return Array.from({ length: Math.floor((to - from) / Number(step)) + 1 }, (_, i) => from + i * Number(step));
    })
    .join(',');
}
