import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findingId } from '../../../controller/drift/finding-id.js';
import { advance } from '../../../controller/drift/incidents.js';
import { untold } from '../../../controller/drift/untold.js';
import { withinRetention } from '../../../controller/drift/retention.js';
import { EMPTY_MEMORY, type DriftMemory, type HostLook, type Incident } from '../../../controller/model/drift.js';
import { acceptance, after, finding, look, pass, START, unreachable, Watch } from './memory-support.js';

const MODE = finding();
const ID = findingId(MODE);
const HOUR = 3600;

describe('one incident a finding', () => {
  test('a finding that stays is told once, however often it is seen', () => {
    const watch = new Watch();
    for (let i = 0; i < 20; i++) watch.pass(i * 900, look('web1', [MODE]));
    expect(watch.told).toEqual(['+web1 file-mode']);
    expect(watch.memory.incidents).toMatchObject([
      { id: ID, seen: 20, firstSeen: START.toISOString(), lastSeen: after(19 * 900).toISOString(), told: true },
    ]);
  });

  test('what is gone is told as cleared, once', () => {
    const watch = new Watch();
    watch.pass(0, look('web1', [MODE]));
    expect(watch.pass(900, look('web1'))).toEqual(['-web1 file-mode']);
    expect(watch.pass(1800, look('web1'))).toEqual([]);
    expect(watch.open).toEqual([]);
    expect(watch.memory.incidents).toMatchObject([{ cleared: after(900).toISOString(), told: true }]);
  });

  test('the same on two hosts is two incidents and one group', () => {
    const now = after(0);
    const looks = [look('web1', [MODE]), look('web2', [MODE])];
    const { memory, digest } = advance(EMPTY_MEMORY, pass(looks, now), new Watch().rules, now);
    expect(memory.incidents).toHaveLength(2);
    expect(digest.opened).toMatchObject([{ hosts: ['web1', 'web2'], ids: [ID] }]);
    expect(digest.hosts).toEqual({ clean: 0, drift: 2, pending: 0, unreachable: 0 });
  });

  test('a look that names a finding twice opens one incident, as bad as the worse', () => {
    const watch = new Watch();
    watch.pass(0, look('web1', [MODE, { ...MODE, severity: 'critical' }]));
    expect(watch.open).toMatchObject([{ finding: { severity: 'critical' } }]);
  });

  test('what becomes worse is told again, what becomes better is not', () => {
    const watch = new Watch();
    const at = (severity: 'info' | 'warning' | 'critical') => look('web1', [{ ...MODE, severity }]);
    const told = (['info', 'warning', 'info', 'warning', 'critical', 'warning', 'critical'] as const).map(
      (severity, i) => watch.pass(i * 900, at(severity)).length,
    );
    expect(told).toEqual([1, 1, 0, 0, 1, 0, 0]);
  });

  test('since when it is so: as the look knows, or else as the incident does', () => {
    const watch = new Watch();
    const since = { at: '2026-11-20T00:00:00Z', by: 'file time' } as const;
    watch.pass(0, look('web1', [MODE]), look('web2', [{ ...MODE, since }]));
    watch.pass(900, look('web1', [MODE]), look('web2', [{ ...MODE, since }]));
    expect(watch.open.map((incident) => incident.finding.since)).toEqual([
      { at: START.toISOString(), by: 'first seen' },
      since,
    ]);
  });
});

describe('what clears nothing', () => {
  test('an unreachable host keeps what was found on it', () => {
    const watch = new Watch();
    watch.pass(0, look('web1', [MODE]));
    expect(watch.pass(900, unreachable('web1'))).toEqual(['+web1 host-unreachable']);
    expect(watch.open.map(({ id }) => id)).toContain(ID);
    expect(watch.pass(1800, look('web1', [MODE]))).toEqual(['-web1 host-unreachable']);
    expect(watch.open).toMatchObject([{ id: ID, seen: 2 }]);
  });

  test('a host that refuses us is not unreachable any more', () => {
    const watch = new Watch();
    watch.pass(0, unreachable('web1'));
    const refused = finding({ kind: 'access-refused', subject: 'auth' });
    expect(watch.pass(900, look('web1', [refused], { state: 'unreachable' }))).toEqual([
      '+web1 access-refused',
      '-web1 host-unreachable',
    ]);
  });

  test('a host in the middle of a transaction keeps what was found on it', () => {
    const watch = new Watch();
    watch.pass(0, look('web1', [MODE]));
    const open = (id: string) => [finding({ kind: 'transaction-open', subject: id, severity: 'info' })];
    watch.pass(900, look('web1', open('t1'), { openTransaction: true }));
    expect(watch.open).toHaveLength(2);
    // Another transaction: the first is over, the rest is not known.
    watch.pass(1800, look('web1', open('t2'), { openTransaction: true }));
    expect(watch.open.map(({ finding: { kind, subject } }) => [kind, subject])).toEqual([
      ['file-mode', MODE.subject],
      ['transaction-open', 't2'],
    ]);
    watch.pass(2700, look('web1'));
    expect(watch.open).toEqual([]);
  });

  test('an apply that is at work is told to nobody, not even when a look met it as it ended', () => {
    const watch = new Watch();
    const open = (id: string, severity: 'info' | 'warning') =>
      look('web1', [finding({ kind: 'transaction-open', subject: id, severity })], { openTransaction: true });
    expect(watch.pass(0, open('t1', 'info'))).toEqual([]);
    expect(watch.pass(900, open('t2', 'warning'))).toEqual([]);
    expect(watch.pass(1800, open('unarmed', 'info'))).toEqual([]);
    expect(watch.pass(2700, look('web1'))).toEqual([]);
    expect(watch.pass(3000, open('unarmed', 'info'))).toEqual([]);
    expect(watch.pass(3300, look('web1'))).toEqual([]);
    expect(watch.pass(3600, open('unarmed', 'info'))).toEqual([]);
    expect(watch.pass(4500, look('web1'))).toEqual([]);
  });

  test('a transaction that the next look finds as well is told', () => {
    const watch = new Watch();
    const open = look('web1', [finding({ kind: 'transaction-open', subject: 't1', severity: 'warning' })], {
      openTransaction: true,
    });
    expect(watch.pass(0, open)).toEqual([]);
    expect(watch.pass(900, open)).toEqual(['+web1 transaction-open']);
    expect(watch.pass(1800, look('web1'))).toEqual(['-web1 transaction-open']);
  });

  test('a pass that did not look at a host says nothing of it', () => {
    const watch = new Watch();
    watch.pass(0, look('web1', [MODE]));
    expect(watch.pass(900, look('web2'))).toEqual([]);
    expect(watch.open).toHaveLength(1);
  });
});

test('a host that left the inventory takes its incidents with it', () => {
  const watch = new Watch();
  watch.pass(0, look('web1', [MODE]), look('web2', [MODE]));
  const smaller = new Watch({ hosts: ['web2'], dampingSeconds: HOUR }, watch.memory);
  expect(smaller.pass(900, look('web1', [MODE]), look('web2', [MODE]))).toEqual(['-web1 file-mode']);
  expect(smaller.open.map(({ finding: { host } }) => host)).toEqual(['web2']);
});

describe('confirming looks', () => {
  test('what one look found and the next did not is never told', () => {
    const watch = new Watch({ confirmLooks: 2 });
    watch.pass(0, look('web1', [MODE]));
    watch.pass(900, look('web1'));
    watch.pass(9000, look('web1'));
    expect(watch.told).toEqual([]);
  });

  test('people are told at the look that confirms it; an unreachable host in between neither counts nor interrupts', () => {
    const watch = new Watch({ confirmLooks: 3 });
    watch.pass(0, look('web1', [MODE]));
    watch.pass(900, look('web1', [MODE]));
    watch.pass(1800, unreachable('web1'));
    expect(watch.told).toEqual([]);
    expect(watch.pass(2700, look('web1', [MODE]))).toEqual(['+web1 file-mode']);
  });

  test('critical is told at once', () => {
    const watch = new Watch({ confirmLooks: 5 });
    expect(watch.pass(0, look('web1', [{ ...MODE, severity: 'critical' }]))).toEqual(['+web1 file-mode']);
  });
});

describe('flapping', () => {
  test('what comes and goes within the damping time is one incident, told once and cleared once', () => {
    const watch = new Watch({ dampingSeconds: HOUR });
    for (let i = 0; i < 10; i++) watch.pass(i * 900, look('web1', i % 2 === 0 ? [MODE] : []));
    expect(watch.told).toEqual(['+web1 file-mode']);
    expect(watch.memory.incidents).toMatchObject([{ returns: 4, firstSeen: START.toISOString() }]);
    watch.pass(48 * HOUR, look('web1'));
    expect(watch.told).toEqual(['+web1 file-mode', '-web1 file-mode']);
  });

  test('the more often it returned, the longer it has to stay clear', () => {
    const watch = new Watch({ dampingSeconds: HOUR });
    watch.pass(0, look('web1', [MODE]));
    watch.pass(600, look('web1'));
    watch.pass(1200, look('web1', [MODE]));
    watch.pass(1800, look('web1'));
    // It returned once: two hours of quiet.
    expect(watch.pass(1800 + 1.5 * HOUR, look('web1'))).toEqual([]);
    expect(watch.pass(1800 + 2 * HOUR, look('web1'))).toEqual(['-web1 file-mode']);
  });

  test('after people were told that it is over, it is another incident', () => {
    const watch = new Watch({ dampingSeconds: 600 });
    watch.pass(0, look('web1', [MODE]));
    watch.pass(900, look('web1'));
    expect(watch.pass(1500, look('web1'))).toEqual(['-web1 file-mode']);
    expect(watch.pass(1600, look('web1', [MODE]))).toEqual(['+web1 file-mode']);
    expect(watch.memory.incidents).toHaveLength(2);
  });

  test('what never stays for two looks but keeps coming back is told in the end', () => {
    const watch = new Watch({ confirmLooks: 2, dampingSeconds: HOUR });
    for (let i = 0; i < 6; i++) watch.pass(i * 900, look('web1', i % 2 === 0 ? [MODE] : []));
    expect(watch.told).toEqual(['+web1 file-mode']);
  });
});

describe('accepted findings', () => {
  const until = after(10 * HOUR).toISOString();

  test('an accepted finding opens nothing and is not told', () => {
    const watch = new Watch({}, { ...EMPTY_MEMORY, acceptances: [acceptance({ id: ID, until })] });
    expect(watch.pass(0, look('web1', [MODE]), look('web2', [MODE]))).toEqual(['+web2 file-mode']);
    expect(watch.open).toHaveLength(1);
  });

  test('when the acceptance ends, what is still there opens and is told, and so is the end', () => {
    const watch = new Watch({ dampingSeconds: 24 * HOUR, confirmLooks: 2 });
    watch.pass(0, look('web1', [MODE]));
    watch.pass(900, look('web1', [MODE]));
    watch.memory = { ...watch.memory, acceptances: [acceptance({ id: ID, until })] };
    expect(watch.pass(HOUR, look('web1', [MODE]))).toEqual(['~web1 file-mode']);
    expect(watch.pass(9 * HOUR, look('web1', [MODE]))).toEqual([]);

    const now = after(10 * HOUR);
    const { memory, digest } = advance(watch.memory, pass([look('web1', [MODE])], now), watch.rules, now);
    expect(digest.lapsed).toMatchObject([{ host: 'web1', id: ID }]);
    expect(digest.opened).toMatchObject([
      { hosts: ['web1'], what: `${MODE.what} (it was accepted until ${until}: a test)` },
    ]);
    expect(memory.acceptances).toEqual([]);
    expect(memory.incidents.filter(({ cleared }) => cleared === undefined)).toMatchObject([
      { firstSeen: now.toISOString() },
    ]);
  });
});

describe('a finding that is accepted while it is open', () => {
  const until = after(10 * HOUR).toISOString();
  const accepting = (watch: Watch, ...hosts: readonly string[]) => {
    watch.memory = { ...watch.memory, acceptances: hosts.map((host) => acceptance({ host, id: ID, until })) };
  };

  test('is told as accepted and still there, once, with what was said of it', () => {
    const watch = new Watch();
    watch.pass(0, look('web1', [MODE]), look('web2', [MODE]));
    accepting(watch, 'web1', 'web2');
    const looks = [look('web1', [MODE]), look('web2', [MODE])];
    const { digest, memory } = advance(watch.memory, pass(looks, after(900)), watch.rules, after(900));
    expect(digest.cleared).toEqual([]);
    expect(digest.accepted).toMatchObject([{ hosts: ['web1', 'web2'], ids: [ID], until, by: 'ops', reason: 'a test' }]);
    watch.memory = memory;
    expect(watch.pass(1800, ...looks)).toEqual([]);
    expect(watch.pass(2700, look('web1'), look('web2'))).toEqual([]);
  });

  test('is told as cleared where the next look shows that it is over, and as accepted where no look tells', () => {
    const watch = new Watch();
    watch.pass(0, look('web1', [MODE]), look('web2', [MODE]), look('db1', [MODE]));
    accepting(watch, 'web1', 'web2', 'db1');
    const told = watch.pass(900, look('web1'), unreachable('web2'));
    expect(told.toSorted()).toEqual(['+web2 host-unreachable', '-web1 file-mode', '~db1 file-mode', '~web2 file-mode']);
  });

  test('is told to nobody who had not heard of it', () => {
    const watch = new Watch({ confirmLooks: 3 });
    watch.pass(0, look('web1', [MODE]));
    accepting(watch, 'web1');
    expect(watch.pass(900, look('web1', [MODE]))).toEqual([]);
  });

  test('is told later by whoever could not tell it', () => {
    const watch = new Watch();
    watch.pass(0, look('web1', [MODE]));
    accepting(watch, 'web1');
    const at = after(900);
    const { digest, memory } = advance(watch.memory, pass([look('web1', [MODE])], at), watch.rules, at);
    const unheard = untold(memory, watch.memory, digest, ['chat']);
    expect(unheard.backlog).toMatchObject([{ notifier: 'chat', digest: { accepted: [{ ids: [ID] }] } }]);
    const next = new Watch({}, unheard);
    expect(next.pass(1800, look('web1', [MODE]))).toEqual([]);
  });
});

describe('what became less bad before it was over', () => {
  test('those who heard of it at its worst hear that it is over', () => {
    const watch = new Watch();
    watch.pass(0, look('web1', [{ ...MODE, severity: 'critical' }]));
    watch.pass(900, look('web1', [{ ...MODE, severity: 'info' }]));
    const now = after(1800);
    const { digest } = advance(watch.memory, pass([look('web1')], now), watch.rules, now);
    expect(digest.cleared).toMatchObject([{ hosts: ['web1'], severity: 'critical' }]);
  });

  test('so do they when a person accepts it', () => {
    const watch = new Watch();
    watch.pass(0, look('web1', [{ ...MODE, severity: 'critical' }]));
    watch.pass(900, look('web1', [{ ...MODE, severity: 'info' }]));
    const acceptances = [acceptance({ id: ID, until: after(HOUR).toISOString() })];
    const { digest } = advance({ ...watch.memory, acceptances }, pass([], after(1800)), watch.rules, after(1800));
    expect(digest.accepted).toMatchObject([{ hosts: ['web1'], severity: 'critical' }]);
  });
});

describe('what remediation put right', () => {
  const remedied = (outcome: string) => {
    const watch = new Watch({ dampingSeconds: HOUR });
    const other = finding({ kind: 'pending-change', class: 'pending' });
    watch.pass(0, look('web1', [MODE, other]), look('web2', [MODE]));
    const record = { host: 'web1', at: after(100).toISOString(), outcome, planDigest: '00' };
    watch.memory = { ...watch.memory, remediations: [record] };
    return watch;
  };
  const putRightAt = (watch: Watch, seconds: number, ...looks: readonly HostLook[]) => {
    const { memory, digest } = advance(watch.memory, pass(looks, after(seconds)), watch.rules, after(seconds));
    watch.memory = memory;
    return digest.putRight;
  };

  test('is told of in the pass after, once, and no drift of another host with it', () => {
    const watch = remedied('confirmed');
    const looks = [look('web1'), look('web2')];
    expect(putRightAt(watch, 900, ...looks)).toMatchObject([{ hosts: ['web1'], kind: 'file-mode', ids: [ID] }]);
    expect(putRightAt(watch, 1800, ...looks)).toEqual([]);
  });

  test('is not told of while it is still there, or was taken back', () => {
    expect(putRightAt(remedied('confirmed'), 900, look('web1', [MODE]))).toEqual([]);
    expect(putRightAt(remedied('reverted'), 900, look('web1'))).toEqual([]);
    expect(putRightAt(remedied('confirmed'), 900, unreachable('web1'))).toEqual([]);
    const accepted = remedied('confirmed');
    accepted.memory = { ...accepted.memory, acceptances: [acceptance({ id: ID, until: after(HOUR).toISOString() })] };
    expect(putRightAt(accepted, 900, look('web1', [MODE]))).toEqual([]);
  });
});

test('a host left alone is told of in the pass after', () => {
  const quarantine = { host: 'db1', since: after(100).toISOString(), reason: 'drifted again' };
  const watch = new Watch({}, { ...EMPTY_MEMORY, quarantines: [quarantine] });
  const digestAt = (seconds: number) => {
    const { memory, digest } = advance(watch.memory, pass([], after(seconds)), watch.rules, after(seconds));
    watch.memory = memory;
    return digest.quarantined;
  };
  expect(digestAt(900)).toEqual([quarantine]);
  expect(digestAt(1800)).toEqual([]);
});

describe('the past', () => {
  test('cleared incidents are kept for ninety days, open ones for as long as they are open', () => {
    const watch = new Watch();
    watch.pass(0, look('web1', [MODE]), look('web2', [MODE]));
    watch.pass(900, look('web1'), look('web2', [MODE]));
    const day = 24 * HOUR;
    watch.pass(89 * day, look('web1'));
    expect(watch.memory.incidents).toHaveLength(2);
    watch.pass(91 * day, look('web1'));
    expect(watch.memory.incidents).toMatchObject([{ finding: { host: 'web2' } }]);
  });

  test('cleared incidents are bounded in number, the newest kept', () => {
    const old = Array.from({ length: 20_005 }, (_none, i): Incident => {
      const at = after(i).toISOString();
      return { id: `${i}`, finding: MODE, firstSeen: at, lastSeen: at, cleared: at, seen: 1, returns: 0, told: true };
    });
    const kept = withinRetention({ ...EMPTY_MEMORY, incidents: old.toReversed() }, after(30_000)).incidents;
    expect(kept.map(({ id }) => Number(id))).toEqual(Array.from({ length: 20_000 }, (_none, i) => 20_004 - i));
  });

  test('a finding of thousands of lines is remembered in part', () => {
    const watch = new Watch();
    const details = Array.from({ length: 5000 }, () => 'x'.repeat(5000));
    watch.pass(0, look('web1', [{ ...MODE, what: 'y'.repeat(100_000), details }]));
    expect(JSON.stringify(watch.memory).length).toBeLessThan(60_000);
  });
});

test('whatever passes bring, each incident is open once, told once and cleared once', () => {
  const hosts = ['web1', 'web2', 'db1'];
  const kinds = ['file-mode', 'rule-foreign', 'host-unreachable'] as const;
  const someLook = fc
    .record({
      host: fc.constantFrom(...hosts, 'gone'),
      kinds: fc.subarray([...kinds.slice(0, 2)]),
      severity: fc.constantFrom('info' as const, 'warning' as const, 'critical' as const),
      how: fc.constantFrom('compared', 'compared', 'compared', 'unreachable', 'busy'),
    })
    .map(({ host, kinds: found, severity, how }): HostLook => {
      if (how === 'unreachable') return unreachable(host);
      if (how === 'busy') return look(host, [], { openTransaction: true });
      return look(
        host,
        found.map((kind) => finding({ kind, severity })),
      );
    });
  const somePass = fc.record({
    gap: fc.constantFrom(60, 900, 4000, 100_000),
    looks: fc.uniqueArray(someLook, { selector: ({ host }) => host, maxLength: 4 }),
    accept: fc.option(fc.record({ host: fc.constantFrom(...hosts), seconds: fc.constantFrom(100, 5000) })),
  });
  const rules = fc.record({
    confirmLooks: fc.integer({ min: 1, max: 3 }),
    dampingSeconds: fc.constantFrom(0, 600, 5000),
  });

  fc.assert(
    fc.property(rules, fc.array(somePass, { maxLength: 25 }), (chosen, passes) => {
      const all = { fleet: 'test', hosts, ...chosen };
      let memory: DriftMemory = EMPTY_MEMORY;
      let seconds = 0;
      // What people believe: per host and kind, whether it is open, and how bad.
      const believed = new Map<string, string>();
      const counts = { opened: 0, cleared: 0 };
      for (const { gap, looks, accept } of passes) {
        seconds += gap;
        const now = after(seconds);
        if (accept !== null) {
          const until = after(seconds + accept.seconds).toISOString();
          memory = {
            ...memory,
            acceptances: [...memory.acceptances, acceptance({ host: accept.host, id: ID, until })],
          };
        }
        const before = memory;
        const next = advance(memory, pass(looks, now), all, now);
        memory = next.memory;

        const open = memory.incidents.filter(({ cleared }) => cleared === undefined);
        const keys = open.map(({ id, finding: { host } }) => `${host} ${id}`);
        expect(new Set(keys).size).toBe(keys.length);
        for (const { host, until, id } of memory.acceptances) {
          if (Date.parse(until) > now.getTime()) expect(keys).not.toContain(`${host} ${id}`);
        }
        expect(open.every(({ finding: { host } }) => hosts.includes(host))).toBe(true);

        for (const group of [...next.digest.cleared, ...(next.digest.accepted ?? [])]) {
          for (const host of group.hosts) {
            // Cleared, or let be, only where people believe that it is open, and then it is not.
            expect(believed.delete(`${host} ${group.kind}`)).toBe(true);
            counts.cleared += 1;
          }
        }
        for (const group of next.digest.opened) {
          for (const host of group.hosts) {
            const key = `${host} ${group.kind}`;
            expect(believed.get(key)).not.toBe(group.severity);
            if (!believed.has(key)) counts.opened += 1;
            believed.set(key, group.severity);
          }
        }
        expect(counts.opened - counts.cleared).toBe(believed.size);
        // All that is told is open, or was until a moment ago.
        for (const incident of open.filter(({ told }) => told)) {
          expect(believed.has(`${incident.finding.host} ${incident.finding.kind}`)).toBe(true);
        }
        for (const look of looks.filter(({ state }) => state === 'unreachable')) {
          const kept = before.incidents.filter(
            ({ cleared, id, finding: { host, kind } }) =>
              cleared === undefined &&
              host === look.host &&
              hosts.includes(host) &&
              kind !== 'host-unreachable' &&
              !memory.acceptances.some((one) => one.host === host && one.id === id),
          );
          expect(keys).toEqual(expect.arrayContaining(kept.map(({ id }) => `${look.host} ${id}`)));
        }
      }
      const now = after(seconds + 20 * 100_000);
      const quiet = hosts.map((host) => look(host));
      const calm = advance(memory, pass(quiet, now), all, now);
      const later = after(seconds + 40 * 100_000);
      const last = advance(calm.memory, pass(quiet, later), all, later);
      for (const { digest } of [calm, last]) {
        for (const { hosts: named, kind } of digest.cleared)
          named.forEach((host) => believed.delete(`${host} ${kind}`));
        expect(digest.opened).toEqual([]);
      }
      // After a quiet time nobody believes anything that is not so.
      expect([...believed]).toEqual([]);
    }),
    { seed: 20261122, numRuns: 120 },
  );
});
