import { describe, expect, test } from 'vitest';

import { defaultDrift } from '../../../controller/inventory/drift-settings.js';
import type { Settings } from '../../../controller/model/host.js';
import { runExit, type HostOutcome, type RunEvent } from '../../../controller/model/run.js';
import { Secret } from '../../../controller/model/secret.js';
import type { FleetPlan } from '../../../controller/plan/fleet-plan.js';
import type { HostPlan } from '../../../controller/plan/host-plan.js';
import { applyFleet, windowFor } from '../../../controller/run/apply-fleet.js';
import { SessionLot } from '../../../controller/run/session-lot.js';
import { fakeClock, fakeHost, fakeLink, hostNamed, type FakeHost } from '../../support/fake-fleet.js';
import { hostPlan } from '../../support/host-plan.js';

const settings: Settings = {
  keyStore: 'keys.age',
  recipients: [],
  forks: 2,
  confirmWindowSeconds: 60,
  keepGenerations: 10,
  drift: defaultDrift('inventory.yaml'),
};

function planFor(host: string, steps: HostPlan['steps'] = ['policy']): HostPlan {
  const expect = { generation: undefined, files: [], spd: '0'.repeat(64) };
  return hostPlan(host, { generation: 1, expect, steps });
}

function fleetPlan(groups: string[][], unchanged: string[] = []): FleetPlan {
  return {
    run: 'run-1',
    fleet: 'test',
    made: '2026-11-22T10:00:00.000Z',
    hosts: [...groups.flat().map((host) => planFor(host)), ...unchanged.map((host) => planFor(host, []))],
    groups,
    pulledIn: [],
    excluded: [],
  };
}

async function run(
  fakes: FakeHost[],
  plan: FleetPlan,
  stop = new AbortController(),
  onEvent?: (event: RunEvent) => void,
) {
  const events: RunEvent[] = [];
  const outcomes = await applyFleet({
    plan,
    hosts: new Map(fakes.map((fake) => [fake.name, hostNamed(fake.name)])),
    settings,
    ports: {
      lot: new SessionLot(fakeLink(fakes)),
      clock: fakeClock(),
      fill: () => Secret.fromText(''),
      emit: (event) => {
        events.push(event);
        onEvent?.(event);
      },
    },
    random: (count) => new Uint8Array(count),
    stop: stop.signal,
  });
  return { outcomes, events, status: (name: string): HostOutcome['status'] | undefined => outcomes.get(name)?.status };
}

describe('a group of linked hosts', () => {
  test('is confirmed together, over a second connection each', async () => {
    const [web, db] = [fakeHost('web1'), fakeHost('db1')];
    const { outcomes } = await run([web, db], fleetPlan([['web1', 'db1']]));
    expect([...outcomes.values()].map((outcome) => outcome.status)).toEqual(['confirmed', 'confirmed']);
    expect([web.connections, db.connections]).toEqual([2, 2]);
    expect(runExit(outcomes.values())).toBe(0);
  });

  test('goes back together when one member does not verify', async () => {
    const [web, db] = [fakeHost('web1'), fakeHost('db1', ['verify-fails'])];
    const { outcomes, status } = await run([web, db], fleetPlan([['web1', 'db1']]));
    expect(status('db1')).toBe('reverted');
    expect(outcomes.get('web1')).toMatchObject({
      status: 'reverted',
      reason: 'taken back with its group: db1 reverted',
    });
    expect(web.generation).toBeUndefined();
    expect(runExit(outcomes.values())).toBe(3);
  });

  test('goes back together when one member lets no new connection in', async () => {
    const [web, db] = [fakeHost('web1'), fakeHost('db1', ['unreachable-after-activation'])];
    const { outcomes, status } = await run([web, db], fleetPlan([['web1', 'db1']]));
    expect(status('web1')).toBe('reverted');
    expect(outcomes.get('db1')).toMatchObject({ status: 'unknown', revertsAt: '2026-11-22T10:01:00.000Z' });
    expect(web.generation).toBeUndefined();
    expect(runExit(outcomes.values())).toBe(5);
  });

  test.each([['web1'], ['db1']])(
    'goes back together when %s took its change back before it was confirmed',
    async (late) => {
      const hosts = ['web1', 'db1', 'db2'].map((name) => fakeHost(name, name === late ? ['window-passed'] : []));
      const { outcomes } = await run(hosts, fleetPlan([['web1', 'db1', 'db2']]));
      expect([...outcomes.values()].map((outcome) => outcome.status)).toEqual(['reverted', 'reverted', 'reverted']);
      expect(hosts.map((host) => host.generation)).toEqual([undefined, undefined, undefined]);
      expect(hosts.filter((host) => host.requests.includes('confirm')).map((host) => host.name)).toEqual([late]);
      expect(outcomes.get('db2')).toMatchObject({ reason: `taken back with its group: ${late} reverted` });
      expect(runExit(outcomes.values())).toBe(3);
    },
  );

  test('is not begun on the members that are left when one is refused', async () => {
    const hosts = [fakeHost('a', ['refuses']), fakeHost('b', ['refuses']), fakeHost('c'), fakeHost('d')];
    const { status } = await run(hosts, fleetPlan([['a', 'b', 'c', 'd']]));
    expect(status('a')).toBe('failed');
    expect([status('c'), status('d')]).toEqual(['skipped', 'skipped']);
    expect(hosts[2]?.requests).toEqual([]);
  });

  test('leaves other groups alone when it fails', async () => {
    const hosts = [fakeHost('a', ['verify-fails']), fakeHost('b'), fakeHost('c')];
    const { status } = await run(hosts, fleetPlan([['a', 'b'], ['c']]));
    expect([status('a'), status('b'), status('c')]).toEqual(['reverted', 'reverted', 'confirmed']);
  });

  test('larger than the number of forks still ends', async () => {
    const hosts = Array.from({ length: 9 }, (_, i) => fakeHost(`h${i}`));
    const { outcomes } = await run(hosts, fleetPlan([hosts.map((host) => host.name)]));
    expect([...outcomes.values()].every((outcome) => outcome.status === 'confirmed')).toBe(true);
  });
});

describe('a lost reply', () => {
  test('to the transaction is answered by having the host take it back, never by sending it again', async () => {
    const web = fakeHost('web1', ['transact-reply-lost']);
    const { status } = await run([web], fleetPlan([['web1']]));
    expect(status('web1')).toBe('reverted');
    expect(web.requests).toEqual(['transact policy', 'abort']);
    expect(web.generation).toBeUndefined();
  });

  test('to the transaction of a host that stays away is unknown, with the time it reverts', async () => {
    const web = fakeHost('web1', ['transact-reply-lost', 'abort-unreachable']);
    const { outcomes } = await run([web], fleetPlan([['web1']]));
    expect(outcomes.get('web1')).toMatchObject({ status: 'unknown', revertsAt: '2026-11-22T10:01:00.000Z' });
  });

  test('to confirm is asked for again and believed', async () => {
    const web = fakeHost('web1', ['confirm-reply-lost']);
    const { status } = await run([web], fleetPlan([['web1']]));
    expect(status('web1')).toBe('confirmed');
    expect(web.requests).toEqual(['transact policy', 'confirm', 'confirm']);
  });
});

describe('a run', () => {
  test('says unchanged of hosts with nothing to do and does not connect to them', async () => {
    const web = fakeHost('web1');
    const { status } = await run([web], fleetPlan([], ['web1']));
    expect(status('web1')).toBe('unchanged');
    expect(web.connections).toBe(0);
  });

  test('interrupted before it begins touches nothing', async () => {
    const stop = new AbortController();
    stop.abort();
    const web = fakeHost('web1');
    const { status } = await run([web], fleetPlan([['web1']]), stop);
    expect(status('web1')).toBe('skipped');
    expect(web.requests).toEqual([]);
  });

  test('interrupted after activation confirms nothing and names when each host reverts', async () => {
    const stop = new AbortController();
    const web = fakeHost('web1');
    const { outcomes } = await run([web], fleetPlan([['web1']]), stop, (event) => {
      if (event.event === 'armed') stop.abort();
    });
    expect(outcomes.get('web1')).toMatchObject({
      status: 'unknown',
      transaction: 'run-1.web1',
      revertsAt: '2026-11-22T10:01:00.000Z',
    });
    expect(web.hasOpenTransaction).toBe(true);
    expect(web.requests).not.toContain('confirm');
  });

  test('calls an unreachable host unreachable and nothing else', async () => {
    const { outcomes } = await run([fakeHost('web1', ['unreachable'])], fleetPlan([['web1']]));
    expect(outcomes.get('web1')).toMatchObject({ status: 'unreachable', reason: 'web1: connection refused' });
    expect(runExit(outcomes.values())).toBe(4);
  });
});

test('the window grows with the batches a group needs, since its first host waits for its last', () => {
  expect([1, 2, 3, 5].map((size) => windowFor(size, settings))).toEqual([60, 60, 120, 180]);
});
