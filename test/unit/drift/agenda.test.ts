import { describe, expect, test } from 'vitest';

import { Agenda, type Turn } from '../../../controller/drift/agenda.js';
import { MOST_COUNTED, parseSchedule } from '../../../controller/drift/due.js';

const at = (time: string): Date => new Date(`2026-05-04T${time}Z`);
const begun = at('00:01:00');
const quarterly = (): Agenda => new Agenda(parseSchedule('*/15 * * * *', 'UTC'), begun);
const nightly = (): Agenda => new Agenda(parseSchedule('0 3 * * *', 'UTC'), begun);

function waitUntil(time: string): Turn {
  return { kind: 'wait', until: at(time) };
}

test('nothing is due before the next scheduled time', () => {
  expect(quarterly().at(at('00:14:59'))).toEqual(waitUntil('00:15:00'));
  expect(quarterly().at(at('00:15:00'))).toEqual({ kind: 'run', missed: undefined });
});

test('a time is run once', () => {
  const agenda = quarterly();
  agenda.at(at('00:15:00'));
  expect(agenda.ran(at('00:15:00'))).toBeUndefined();
  expect(agenda.at(at('00:15:00'))).toEqual(waitUntil('00:30:00'));
});

describe('a machine that slept', () => {
  test('makes the last run that was due, and tells of those before', () => {
    expect(quarterly().at(at('03:02:00'))).toEqual({ kind: 'run', missed: { count: 11, since: at('00:15:00') } });
  });

  test('waits for the next run when that is nearer than the last', () => {
    const agenda = quarterly();
    expect(agenda.at(at('03:10:00'))).toEqual({ kind: 'missed', missed: { count: 12, since: at('00:15:00') } });
    expect(agenda.at(at('03:10:00'))).toEqual(waitUntil('03:15:00'));
  });

  test('makes the nightly check in the morning', () => {
    expect(nightly().at(at('08:00:00'))).toEqual({ kind: 'run', missed: undefined });
  });

  test('counts no further than it is worth after years', () => {
    const late = new Date('2036-05-04T00:00:00Z');
    expect(quarterly().at(late)).toEqual({ kind: 'missed', missed: { count: MOST_COUNTED, since: at('00:15:00') } });
  });
});

test('a run that takes longer than the period is followed by the next time, and what it covered is told', () => {
  const agenda = quarterly();
  agenda.at(at('00:15:00'));
  expect(agenda.ran(at('00:47:00'))).toEqual({ count: 2, since: at('00:30:00') });
  expect(agenda.at(at('00:47:00'))).toEqual(waitUntil('01:00:00'));
});

test('after a failure nothing is tried before its time, and what is left out is not called missed', () => {
  const agenda = quarterly();
  agenda.at(at('00:15:00'));
  agenda.ran(at('00:15:01'));
  agenda.pauseUntil(at('01:15:01'));
  expect(agenda.at(at('00:30:00'))).toEqual(waitUntil('01:30:00'));
  expect(agenda.at(at('01:30:00'))).toEqual({ kind: 'run', missed: undefined });
});

describe('a clock that goes back', () => {
  test('by a few seconds keeps no time twice', () => {
    const agenda = quarterly();
    agenda.at(at('00:15:00'));
    agenda.ran(at('00:15:02'));
    expect(agenda.at(at('00:14:58'))).toEqual(waitUntil('00:30:00'));
  });

  test('by a day does not stop the checks for a day', () => {
    const agenda = quarterly();
    agenda.at(new Date('2026-05-05T00:15:00Z'));
    agenda.ran(new Date('2026-05-05T00:15:02Z'));
    agenda.pauseUntil(new Date('2026-05-05T01:15:02Z'));
    expect(agenda.at(at('00:14:58'))).toEqual(waitUntil('00:15:00'));
  });
});

describe('a schedule that is read again', () => {
  test('counts from now on when it is a new one', () => {
    const agenda = quarterly();
    agenda.at(at('00:05:00'));
    agenda.follow(parseSchedule('*/10 * * * *', 'UTC'), at('00:05:00'));
    expect(agenda.at(at('00:05:00'))).toEqual(waitUntil('00:10:00'));
  });

  test('owns up to no times of its own from before it was there', () => {
    const agenda = quarterly();
    agenda.at(at('00:15:00'));
    agenda.ran(at('00:15:02'));
    agenda.follow(parseSchedule('* * * * *', 'UTC'), at('00:29:30'));
    expect(agenda.at(at('00:29:31'))).toEqual(waitUntil('00:30:00'));
  });

  test('keeps what is due by it when it is the same', () => {
    const agenda = quarterly();
    agenda.follow(parseSchedule('*/15 * * * *', 'UTC'), at('00:15:01'));
    expect(agenda.at(at('00:15:02'))).toEqual({ kind: 'run', missed: undefined });
  });
});
