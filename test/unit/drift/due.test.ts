import { describe, expect, test } from 'vitest';

import { longestPeriodSeconds, missedRuns, MOST_COUNTED, parseSchedule } from '../../../controller/drift/due.js';

/** Scheduled times later than `from`, up to and with `until`. */
function runs(words: string, timeZone: string, from: string, until: string): readonly string[] {
  const schedule = parseSchedule(words, timeZone);
  const found: string[] = [];
  for (let at = schedule.after(new Date(from)); at <= new Date(until); at = schedule.after(at)) {
    found.push(at.toISOString().slice(0, 16));
  }
  return found;
}

function gapsInMinutes(times: readonly string[]): readonly number[] {
  const all = times.map((time) => Date.parse(`${time}Z`) / 60_000);
  return [...new Set(all.slice(1).map((time, i) => time - (all[i] ?? 0)))];
}

/** A month with a change, in local time, and how much longer or shorter it is than its days. */
const MONTHS = [
  {
    zone: 'Europe/Berlin',
    period: 15,
    change: 'begins',
    from: '2026-02-28T23:00:00Z',
    until: '2026-03-31T22:00:00Z',
    days: 31,
  },
  {
    zone: 'Europe/Berlin',
    period: 15,
    change: 'ends',
    from: '2026-09-30T22:00:00Z',
    until: '2026-10-31T23:00:00Z',
    days: 31,
  },
  {
    zone: 'America/New_York',
    period: 30,
    change: 'begins',
    from: '2026-03-01T05:00:00Z',
    until: '2026-04-01T04:00:00Z',
    days: 31,
  },
  {
    zone: 'America/New_York',
    period: 30,
    change: 'ends',
    from: '2026-11-01T04:00:00Z',
    until: '2026-12-01T05:00:00Z',
    days: 30,
  },
  {
    zone: 'Australia/Lord_Howe',
    period: 30,
    change: 'begins',
    from: '2026-09-30T13:30:00Z',
    until: '2026-10-31T13:00:00Z',
    days: 31,
  },
  {
    zone: 'Australia/Lord_Howe',
    period: 30,
    change: 'ends',
    from: '2026-03-31T13:00:00Z',
    until: '2026-04-30T13:30:00Z',
    days: 30,
  },
] as const;

describe.each(MONTHS)(
  'a month in $zone in which daylight saving time $change',
  ({ zone, period, from, until, days }) => {
    test(`a schedule for each ${period} minutes keeps them, the change or not`, () => {
      const minutes = (Date.parse(until) - Date.parse(from)) / 60_000;
      expect(minutes).not.toBe(days * 1440);
      const found = runs(`*/${period} * * * *`, zone, from, until);
      expect(found).toHaveLength(minutes / period);
      expect(gapsInMinutes(found)).toEqual([period]);
    });

    test('a nightly check in the hour of the change is made once each night', () => {
      for (const words of ['15 2 * * *', '45 1 * * *', '0 3 * * *', '@daily']) {
        const found = runs(words, zone, from, until);
        expect(found, words).toHaveLength(days);
        const hours = gapsInMinutes(found);
        expect(Math.min(...hours), words).toBeGreaterThanOrEqual(23 * 60);
        expect(Math.max(...hours), words).toBeLessThanOrEqual(25 * 60);
      }
    });
  },
);

describe('the night of a change', () => {
  const begins = ['Europe/Berlin', '2026-03-28T23:00:00Z', '2026-03-29T03:00:00Z'] as const;
  const ends = ['Europe/Berlin', '2026-10-24T22:00:00Z', '2026-10-25T03:00:00Z'] as const;

  test('what the clock skips is made up for once, at the change', () => {
    for (const words of ['30 2 * * *', '*/20 2 * * *', '* 2 * * *', '0,30 2 * * *', '* * 2 * * *']) {
      expect(runs(words, ...begins), words).toEqual(['2026-03-29T01:00']);
    }
    expect(runs('30 1-3 * * *', ...begins)).toEqual(['2026-03-29T00:30', '2026-03-29T01:00', '2026-03-29T01:30']);
    expect(runs('0 */6 * * *', 'Africa/Cairo', '2026-04-23T17:00:00Z', '2026-04-24T10:00:00Z')).toEqual([
      '2026-04-23T22:00',
      '2026-04-24T03:00',
      '2026-04-24T09:00',
    ]);
  });

  test('what the clock shows twice counts once where hours are named', () => {
    expect(runs('30 2 * * *', ...ends)).toEqual(['2026-10-25T00:30']);
    expect(runs('*/30 2 * * *', ...ends)).toEqual(['2026-10-25T00:00', '2026-10-25T00:30']);
    expect(runs('30 1-3 * * *', ...ends)).toEqual(['2026-10-24T23:30', '2026-10-25T00:30', '2026-10-25T02:30']);
  });

  test('each hour is each hour that passes, however it is written', () => {
    for (const words of ['@hourly', '0 * * * *', '0 */1 * * *', '0 0-23 * * *', '0 0 * * * *']) {
      expect(runs(words, ...begins), words).toHaveLength(4);
      expect(gapsInMinutes(runs(words, ...ends)), words).toEqual([60]);
    }
  });

  test('half an hour of change leaves one hour and a half between two hourly checks, and no more', () => {
    const zone = 'Australia/Lord_Howe';
    expect(runs('0 * * * *', zone, '2026-10-03T14:00:00Z', '2026-10-03T17:00:00Z')).toEqual([
      '2026-10-03T14:30',
      '2026-10-03T16:00',
      '2026-10-03T17:00',
    ]);
    expect(runs('0 * * * *', zone, '2026-04-04T13:30:00Z', '2026-04-04T16:30:00Z')).toEqual([
      '2026-04-04T14:00',
      '2026-04-04T15:30',
      '2026-04-04T16:30',
    ]);
  });
});

test('seconds may stand before the five fields', () => {
  const schedule = parseSchedule('*/20 * * * * *', 'UTC');
  expect(schedule.after(new Date('2026-01-01T00:00:20Z')).toISOString()).toBe('2026-01-01T00:00:40.000Z');
});

test.each([
  ['', 'it has 0 fields'],
  ['* * * *', 'it has 4 fields'],
  ['* * * * * * *', 'it has 7 fields'],
  ['61 * * * *', '"61" is no minute (0 to 59)'],
  ['60 * * * * *', '"60" is no second (0 to 59)'],
  ['0 25 * * *', '"25" is no hour (0 to 23)'],
  ['0 0 0 * *', '"0" is no day of the month (1 to 31)'],
  ['0 0 * FEBRUARY *', '"FEBRUARY" is no month'],
  ['0 0 * * MON-FRY', '"MON-FRY" is no day of the week'],
  ['*/0 * * * *', '"*/0" is no minute'],
  ['*/90 * * * *', '"*/90" is no minute (0 to 59)'],
  ['@often', 'it is none of @hourly'],
  ['2026-01-01T00:00:00', 'it has 1 fields'],
  ['0 0 30 2 *', 'it never comes due'],
  ['0 0 31 4,6,9,11 *', 'it never comes due'],
  ['0 0 * 2 MON#5', 'comes due too seldom'],
])('the schedule %j is refused, and the error says why: %s', (words, why) => {
  expect(() => parseSchedule(words, 'UTC')).toThrow(why);
});

test.each(['Mars/Olympus', '', '+02:00', 'Europe/Berlin2'])('the time zone %j is refused', (zone) => {
  expect(() => parseSchedule('@daily', zone)).toThrow(`there is no time zone ${JSON.stringify(zone)}`);
});

describe('missed times', () => {
  const quarterly = parseSchedule('*/15 * * * *', 'UTC');

  test('are counted from the first to the last, which is now at the latest', () => {
    const from = new Date('2026-01-01T00:15:00Z');
    expect(missedRuns(quarterly, from, new Date('2026-01-01T00:29:59Z'))).toBeUndefined();
    expect(missedRuns(quarterly, from, new Date('2026-01-01T01:00:00Z'))).toEqual({
      count: 3,
      since: new Date('2026-01-01T00:30:00Z'),
    });
  });

  test('are not counted for ever after years without a watch', () => {
    const missed = missedRuns(quarterly, new Date('2020-01-01T00:00:00Z'), new Date('2026-01-01T00:00:00Z'));
    expect(missed?.count).toBe(MOST_COUNTED);
  });
});

test('the longest time between two runs is that over the weekend', () => {
  const schedule = parseSchedule('0 8-18 * * MON-FRI', 'UTC');
  expect(longestPeriodSeconds(schedule, new Date('2026-01-07T12:00:00Z'))).toBe(62 * 3600);
});

test.each([
  ['* * * * MON-FRI', 48 * 3600 + 60],
  ['*/5 * * * MON-FRI', 48 * 3600 + 300],
  ['* * * * * 1', 6 * 86_400 + 1],
  ['* 8-17 * * *', 14 * 3600 + 60],
  ['* * * * *', 60],
])('"%s" has more runs than are looked at, and its longest pause is found on a Monday morning', (words, seconds) => {
  expect(longestPeriodSeconds(parseSchedule(words, 'UTC'), new Date('2026-01-05T00:00:30Z'))).toBe(seconds);
});
