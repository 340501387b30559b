import { describe, expect, test } from 'vitest';

import { parseSchedule } from '../../../controller/drift/due.js';
import { OperatorError } from '../../../controller/errors.js';
import type { WatchEvent } from '../../../controller/model/watch.js';
import { watchDrift, type Watched } from '../../../controller/run/watch-drift.js';
import { WatchRequests } from '../../../controller/run/watch-requests.js';
import { expectDocumented } from '../../support/json-document.js';
import { idle, SimClock } from '../../support/sim-clock.js';

interface Play {
  readonly start?: string;
  readonly words?: string;
  readonly zone?: string;
  readonly lastPass?: string;
  readonly round?: (stop: AbortSignal, clock: SimClock) => Promise<unknown>;
  readonly reload?: () => Promise<Watched>;
}

function play({ start = '2026-05-04T00:01:00Z', words = '*/15 * * * *', zone = 'UTC', ...rest }: Play) {
  const clock = new SimClock(start);
  const requests = new WatchRequests();
  const events: WatchEvent[] = [];
  const passes: string[] = [];
  let running = 0;
  const watched = (schedule: string): Watched => ({
    schedule: parseSchedule(schedule, zone),
    hosts: 3,
    round: async (stop) => {
      passes.push(clock.now().toISOString().slice(0, 19));
      running += 1;
      expect(running).toBe(1);
      try {
        await rest.round?.(stop, clock);
      } finally {
        running -= 1;
      }
    },
  });
  let isOver = false;
  const ended = watchDrift({
    watched: watched(words),
    lastPass: rest.lastPass === undefined ? undefined : new Date(rest.lastPass),
    reload: rest.reload ?? (() => Promise.resolve(watched('*/10 * * * *'))),
    clock,
    requests,
    emit: (event) => events.push(event),
  }).then(() => {
    isOver = true;
  });
  return {
    clock,
    requests,
    passes,
    ended,
    watched,
    isOver: () => isOver,
    /** Without those that only say that the loop is alive, and when it goes on. */
    told: () => events.filter(({ event }) => event !== 'watch-beat' && event !== 'watch-waiting').slice(1),
    events,
  };
}

async function finish({ requests, ended }: ReturnType<typeof play>): Promise<void> {
  requests.stop();
  await ended;
}

test('a month of hourly passes in which daylight saving time begins has each hour that passed, once', async () => {
  const watch = play({ start: '2026-02-28T22:59:00Z', words: '@hourly', zone: 'Europe/Berlin' });
  await watch.clock.runUntil('2026-03-31T21:59:59Z');
  await finish(watch);
  const first = Date.parse('2026-02-28T23:00:00Z');
  const hours = Array.from({ length: 31 * 24 - 1 }, (_, i) =>
    new Date(first + i * 3_600_000).toISOString().slice(0, 19),
  );
  expect(watch.passes).toEqual(hours);
  expect(watch.told().map(({ event }) => event)).toEqual(['watch-stopped']);
});

test('the loop shows that it is alive every half minute while it waits', async () => {
  const watch = play({});
  await watch.clock.runUntil('2026-05-04T00:14:59Z');
  await finish(watch);
  const beats = watch.events.flatMap((one) => (one.event === 'watch-beat' ? [Date.parse(one.at)] : []));
  const gaps = beats.slice(1).map((at, i) => at - (beats[i] ?? 0));
  expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000);
  expect(watch.events.filter(({ event }) => event === 'watch-waiting')).toHaveLength(1);
});

test('what was due while nobody watched is told at the start', async () => {
  const watch = play({ lastPass: '2026-05-03T22:45:02Z' });
  await finish(watch);
  expectDocumented(watch.told(), 'watch-missed', 'watch-stopped');
  expect(watch.told()[0]).toEqual({
    event: 'watch-missed',
    count: 5,
    since: '2026-05-03T23:00:00.000Z',
    why: 'absent',
  });
});

test('a pass that takes longer than the period is never overtaken: the times it covered are told, and the next is kept', async () => {
  const watch = play({
    round: (_stop, clock) => (watch.passes.length === 1 ? clock.after(40 * 60) : Promise.resolve()),
  });
  await watch.clock.runUntil('2026-05-04T01:20:00Z');
  await finish(watch);
  expect(watch.passes).toEqual(['2026-05-04T00:15:00', '2026-05-04T01:00:00', '2026-05-04T01:15:00']);
  expect(watch.told()[0]).toEqual({ event: 'watch-missed', count: 2, since: '2026-05-04T00:30:00.000Z', why: 'busy' });
});

test('a machine that slept tells what it missed and goes on with the next time', async () => {
  const watch = play({});
  await watch.clock.runUntil('2026-05-04T00:10:00Z');
  watch.clock.jump(3 * 3600);
  await watch.clock.runUntil('2026-05-04T03:20:00Z');
  await finish(watch);
  expect(watch.passes).toEqual(['2026-05-04T03:15:00']);
  expect(watch.told()[0]).toEqual({ event: 'watch-missed', count: 12, since: '2026-05-04T00:15:00.000Z', why: 'late' });
});

describe('a pass that cannot be made', () => {
  const full = new OperatorError('STORE_FULL', { what: 'the disk is full', where: 'drift.db', todo: 'make room' });

  test('is told, and tried again after pauses that grow to an hour; success ends them', async () => {
    let isBroken = true;
    const watch = play({ words: '* * * * *', round: () => (isBroken ? Promise.reject(full) : Promise.resolve()) });
    await watch.clock.runUntil('2026-05-04T05:00:00Z');
    const tries = watch.passes.map((time) => time.slice(11, 16));
    expect(tries).toEqual(['00:02', '00:03', '00:05', '00:09', '00:17', '00:33', '01:05', '02:05', '03:05', '04:05']);
    isBroken = false;
    await watch.clock.runUntil('2026-05-04T05:08:00Z');
    await finish(watch);
    expect(watch.passes.slice(tries.length).map((time) => time.slice(11, 16))).toEqual([
      '05:05',
      '05:06',
      '05:07',
      '05:08',
    ]);
    expectDocumented(watch.told(), 'watch-failed');
    expect(watch.told()[0]).toEqual({
      event: 'watch-failed',
      fault: { code: 'STORE_FULL', what: 'the disk is full', where: 'drift.db', todo: 'make room' },
      failures: 1,
      notBefore: '2026-05-04T00:03:00.000Z',
    });
    expect(watch.told().some(({ event }) => event === 'watch-missed')).toBe(false);
  });

  test('ends nothing even if it was a bug', async () => {
    const watch = play({ round: () => Promise.reject(new TypeError('x is not a function')) });
    await watch.clock.runUntil('2026-05-04T00:16:00Z');
    expect(watch.isOver()).toBe(false);
    await finish(watch);
    expect(watch.told()[0]).toMatchObject({ event: 'watch-failed', fault: { code: 'BUG' } });
  });
});

describe('asked to stop', () => {
  test('while it waits, it ends at once', async () => {
    const watch = play({});
    await idle();
    watch.requests.stop();
    await idle();
    expect(watch.isOver()).toBe(true);
    expect(watch.told()).toEqual([{ event: 'watch-stopped', at: '2026-05-04T00:01:00.000Z' }]);
  });

  test('in the middle of a pass, the pass is told so and no other begins', async () => {
    const watch = play({ round: (stop, clock) => clock.after(600, stop).catch(() => clock.after(4)) });
    await watch.clock.runUntil('2026-05-04T00:15:30Z');
    watch.requests.stop();
    await watch.clock.runUntil('2026-05-04T00:15:34Z');
    expect(watch.isOver()).toBe(true);
    expect(watch.passes).toHaveLength(1);
  });

  test('before it began, it makes no pass', async () => {
    const watch = play({});
    await finish(watch);
    expect(watch.passes).toEqual([]);
  });
});

describe('asked to read the inventory again', () => {
  test('it follows the new schedule from then on', async () => {
    const watch = play({});
    await idle();
    watch.requests.reload();
    await watch.clock.runUntil('2026-05-04T00:21:00Z');
    await finish(watch);
    expect(watch.told()[0]).toEqual({ event: 'watch-reloaded', hosts: 3, schedule: '*/10 * * * *', timeZone: 'UTC' });
    expect(watch.passes).toEqual(['2026-05-04T00:10:00', '2026-05-04T00:20:00']);
  });

  test('it stays with the old one when the new one is broken, and says why', async () => {
    const broken = new OperatorError('INPUT_PROBLEMS', { what: '2 problems in the input' });
    const watch = play({ reload: () => Promise.reject(broken) });
    await idle();
    watch.requests.reload();
    await watch.clock.runUntil('2026-05-04T00:16:00Z');
    await finish(watch);
    expect(watch.told()[0]).toMatchObject({
      event: 'watch-reload-refused',
      fault: { code: 'INPUT_PROBLEMS', what: '2 problems in the input' },
    });
    expect(watch.passes).toEqual(['2026-05-04T00:15:00']);
  });

  test('in the middle of a pass, it ends the pass first', async () => {
    const watch = play({ round: (stop, clock) => clock.after(60, stop) });
    await watch.clock.runUntil('2026-05-04T00:15:30Z');
    watch.requests.reload();
    await idle();
    expect(watch.told()).toEqual([]);
    await watch.clock.runUntil('2026-05-04T00:16:01Z');
    expect(watch.told().map(({ event }) => event)).toEqual(['watch-reloaded']);
    await finish(watch);
  });

  test('twice in a row, it goes on listening', async () => {
    const watch = play({});
    for (let i = 0; i < 3; i++) {
      await idle();
      watch.requests.reload();
    }
    await idle();
    await finish(watch);
    expect(watch.told().map(({ event }) => event)).toEqual([
      'watch-reloaded',
      'watch-reloaded',
      'watch-reloaded',
      'watch-stopped',
    ]);
  });
});
