import { describe, expect, test } from 'vitest';

import { parseAddress } from '../../../controller/model/address.js';
import type { Host } from '../../../controller/model/host.js';
import { DEFAULT_PROBES } from '../../../controller/model/link-probe.js';
import { runExit, type RunEvent } from '../../../controller/model/run.js';
import { Secret } from '../../../controller/model/secret.js';
import type { HostPlan } from '../../../controller/plan/host-plan.js';
import { canonicalListing } from '../../../controller/policy/canonical-listing.js';
import { applyFleet } from '../../../controller/run/apply-fleet.js';
import { SessionLot } from '../../../controller/run/session-lot.js';
import { fakeHost, observationOf } from '../../support/fake-fleet.js';
import { FakeWire, ownNetworkAt, type WireFault } from '../../support/fake-wire.js';
import { desiredFleet, seedInventory } from '../../support/seed-case.js';
import { idle, SimClock } from '../../support/sim-clock.js';
import { hostPlan } from '../../support/host-plan.js';

const START = '2026-11-22T10:00:00.000Z';

interface Play {
  readonly faults?: Readonly<Record<string, readonly WireFault[]>>;
  /** Hosts that change; the others have what they had. */
  readonly changing?: readonly string[];
  readonly extra?: string;
  readonly edit?: (text: string) => string;
  /** What this machine reaches; absent: SSH goes through a port forward. */
  readonly reaches?: readonly string[];
  readonly windowSeconds?: number;
  readonly onEvent?: (event: RunEvent, stop: AbortController) => void;
}

function play({ faults = {}, changing = ['web1', 'db1'], extra = '', edit, ...how }: Play = {}) {
  const text = seedInventory({ extra, keying: 'manual' });
  const { inventory, fleet } = desiredFleet(edit === undefined ? text : edit(text));
  const hosts = new Map(inventory.hosts.map((host): [string, Host] => [host.name, host]));
  const fakes = new Map(inventory.hosts.map(({ name }) => [name, fakeHost(name)]));
  const wire = new FakeWire(
    new Map(
      inventory.hosts.flatMap(({ name, ssh }) => {
        const host = fakes.get(name);
        return host === undefined ? [] : [[ssh.host, { host, faults: faults[name] ?? [] }] as const];
      }),
    ),
  );
  const spd = (name: string): readonly string[] => canonicalListing(fleet.policies.get(name) ?? []);
  const planOf = (name: string): HostPlan =>
    hostPlan(name, {
      keyChanges: [{ label: 'k', id: 'sa:db1--web1:1', before: undefined, after: 'x', bits: 256 }],
      steps: ['policy'],
      spd: spd(name),
      rulesAdded: spd(name),
    });
  const link = wire.link();
  const own = ownNetworkAt(how.reaches === undefined ? undefined : parseAddress('10.0.0.5'), how.reaches);
  const clock = new SimClock(START);
  const stop = new AbortController();
  const events: RunEvent[] = [];
  const outcomes = applyFleet({
    plan: {
      run: 'run-1',
      fleet: 'seed',
      made: START,
      hosts: changing.map(planOf),
      groups: [changing],
      pulledIn: [],
      excluded: [],
    },
    hosts,
    settings: { ...inventory.settings, confirmWindowSeconds: how.windowSeconds ?? 60 },
    ports: {
      lot: new SessionLot({
        open: async (host, mode) => ({
          ...(await link.open(host, mode)),
          observe: async () => observationOf({ spd: spd(host.name) }),
        }),
      }),
      clock,
      fill: () => Secret.fromText(''),
      emit: (event) => {
        events.push(event);
        how.onEvent?.(event, stop);
      },
    },
    random: (count) => new Uint8Array(count),
    stop: stop.signal,
    probing: { inventory, own },
  });
  const probes = () => events.flatMap((event) => (event.event === 'probe' ? [event] : []));
  const gaps = () => events.flatMap((event) => (event.event === 'probe-gap' ? [event.why] : []));
  return { outcomes, events, probes, gaps, wire, own, clock, fakes };
}

describe('a change is confirmed', () => {
  test('when both ends counted what they tried, on the same SPIs', async () => {
    const { outcomes, probes, events, wire } = play();
    expect([...(await outcomes).values()].map(({ status }) => status)).toEqual(['confirmed', 'confirmed']);
    expect(probes().map(({ from, to, flow, state }) => `${from} ${to} ${flow} ${state}`)).toEqual([
      'db1 web1 tcp/22 held',
      'web1 db1 tcp/22 held',
    ]);
    const [first] = probes();
    expect(first?.state === 'held' && first.evidence).toMatch(
      /^SPI 0x[0-9a-f]+ moved 84 bytes out at db1 and in at web1, SPI 0x[0-9a-f]+ moved 60 bytes back$/,
    );
    expect(events.find(({ event }) => event === 'probed')).toMatchObject({ held: 2, broken: 0, untried: 0 });
    // Over the connections that confirm, and no more than three requests a host.
    expect(wire.asked.filter((one) => one.startsWith('web1'))).toEqual([
      'web1 open',
      'web1 close',
      'web1 open',
      'web1 counters',
      'web1 probe tcp22 10',
      'web1 counters',
      'web1 close',
    ]);
  });

  test('when TCP has no answer and a ping has', async () => {
    const { outcomes, probes, wire } = play({ faults: { db1: ['no-tcp'] } });
    expect(runExit((await outcomes).values())).toBe(0);
    const way = probes().find(({ from }) => from === 'web1');
    expect(way).toMatchObject({ state: 'held', flow: 'icmp' });
    expect(way?.state === 'held' && way.evidence).toContain('tcp/22 had no answer');
    expect(wire.asked).toContain('web1 probe icmp 3');
  });

  test('when a host has no means to try TCP, by a ping', async () => {
    const { outcomes, probes } = play({ faults: { web1: ['no-means'] } });
    expect(runExit((await outcomes).values())).toBe(0);
    expect(probes().map(({ from, flow, state }) => `${from} ${flow} ${state}`)).toEqual([
      'db1 tcp/22 held',
      'web1 icmp held',
    ]);
  });

  test('when an agent knows nothing of probes: that is no failure, and is said', async () => {
    const { outcomes, probes } = play({ faults: { web1: ['old-agent'] } });
    expect(runExit((await outcomes).values())).toBe(0);
    expect(probes().find(({ from }) => from === 'web1')).toMatchObject({ state: 'untried', why: 'unknown request' });
  });

  test('without a try when the settings say so', async () => {
    const { outcomes, events, wire } = play({
      edit: (text) => text.replace('management:', 'settings: { probes: off }\nmanagement:'),
    });
    expect(runExit((await outcomes).values())).toBe(0);
    expect(events.filter(({ event }) => event.startsWith('probe'))).toEqual([]);
    expect(wire.asked.filter((one) => / (probe|counters)/.test(one))).toEqual([]);
  });
});

describe('a change is taken back on both ends', () => {
  test.each<{ readonly name: string; readonly faults: Play['faults']; readonly because: RegExp }>([
    {
      name: 'when one has another key',
      faults: { db1: ['other-key'] },
      because:
        /^taken back with its group: link db1--web1: .* tcp\/22 must be protected \(key-mismatch\): .*SPI 0x[0-9a-f]+ moved .* bytes out at web1; db1 has that SA, and it did not move; likely the two ends have different keys/,
    },
    {
      name: 'when one has another key, which the other way shows too',
      faults: { db1: ['other-key'] },
      because:
        /db1 → web1 tcp\/22 must be protected \(key-mismatch\): .*SPI 0x[0-9a-f]+ moved \d+ bytes out at web1; db1 has that SA, and it did not move; likely .* the way back/,
    },
    {
      name: 'when one has no SA',
      faults: { db1: ['no-sa'] },
      because: /\(missing-sa\): no answer within 10 s; db1 has no SA to 10\.0\.1\.11/,
    },
    {
      name: 'when what arrives is not answered',
      faults: { db1: ['mute'] },
      because:
        /web1 → db1 .*\(no-answer\): no answer within 10 s; SPI 0x[0-9a-f]+ moved \d+ bytes in at db1, .*likely web1 does not take the answer .* or db1 gives none to tcp\/22/,
    },
    {
      name: 'when the answer came in the clear',
      faults: { web1: ['open'], db1: ['open'] },
      because: /\(in-the-clear\): web1 answered, and no SA of db1 carried anything to web1/,
    },
    {
      name: 'when one sends in the clear',
      faults: { web1: ['open'] },
      because: /web1 → db1 tcp\/22 must be protected \(no-answer\): .* did not move: nothing left web1 protected/,
    },
  ])('$name', async ({ faults, because }) => {
    const { outcomes, fakes, probes } = play({ ...(faults && { faults }) });
    const ended = await outcomes;
    expect([...ended.values()].map(({ status }) => status)).toEqual(['reverted', 'reverted']);
    expect(runExit(ended.values())).toBe(3);
    const reasons = [...ended.values()].flatMap((one) => ('reason' in one ? [one.reason] : []));
    expect(new Set(reasons).size).toBe(1);
    const said = probes().flatMap((one) =>
      one.state === 'broken'
        ? [
            `link ${one.link ?? ''}: ${one.from} → ${one.to} ${one.flow} must be protected (${one.fault}): ${one.evidence}; likely ${one.cause}`,
          ]
        : [],
    );
    expect(
      [...reasons, ...said.map((one) => `taken back with its group: ${one}`)].some((one) => because.test(one)),
    ).toBe(true);
    expect([...fakes.values()].every(({ generation }) => generation === undefined)).toBe(true);
  });

  test('when a connection breaks in the middle of a try', async () => {
    const { outcomes } = play({ faults: { web1: ['breaks'] } });
    expect((await outcomes).get('db1')).toMatchObject({
      status: 'reverted',
      reason:
        'taken back with its group: contact with web1 was lost while its links were tried (the connection closed)',
    });
  });

  test('when a host does not answer before the window is nearly over', async () => {
    const { outcomes, clock } = play({ faults: { web1: ['hangs'] } });
    await clock.runUntil('2026-11-22T10:00:56.000Z');
    expect((await outcomes).get('db1')).toMatchObject({ status: 'reverted' });
  });
});

test('Ctrl-C while links are tried confirms nothing, and every session is closed', async () => {
  let aborted = false;
  const { outcomes, wire, fakes } = play({
    faults: { web1: ['hangs'] },
    onEvent: (event, stop) => {
      if (aborted || event.event !== 'host-phase' || event.phase !== 'probing') return;
      aborted = true;
      setImmediate(() => stop.abort());
    },
  });
  const ended = await outcomes;
  expect([...ended.values()].map(({ status }) => status)).toEqual(['unknown', 'unknown']);
  expect(wire.asked.filter((one) => one === 'web1 close').length).toBeGreaterThanOrEqual(2);
  expect([...fakes.values()].flatMap(({ requests }) => requests)).not.toContain('confirm');
});

describe('the end of a link that does not change', () => {
  test('is asked over a session that may only look, which is closed', async () => {
    const { outcomes, probes, wire } = play({ changing: ['web1'] });
    expect((await outcomes).get('web1')).toMatchObject({ status: 'confirmed' });
    expect(probes().map(({ from, state }) => `${from} ${state}`)).toEqual(['db1 held', 'web1 held']);
    expect(wire.asked.filter((one) => one.startsWith('db1'))).toEqual([
      'db1 open to look',
      'db1 counters',
      'db1 probe tcp22 10',
      'db1 counters',
      'db1 close',
    ]);
  });

  test('that is out of reach is said, and is no reason to take anything back', async () => {
    const { outcomes, fakes, gaps } = (() => {
      const played = play({ changing: ['web1'], onEvent: () => played?.fakes.get('db1')?.faults.add('unreachable') });
      return played;
    })();
    expect(fakes.size).toBe(2);
    expect((await outcomes).get('web1')).toMatchObject({ status: 'confirmed' });
    expect(gaps()).toContain('db1 cannot be asked: db1: connection refused');
  });
});

describe('this machine as a stranger', () => {
  const refusing = (text: string): string =>
    text.replace('db: { template: peer }', 'db: { template: peer, vars: { others: refuse } }');

  test('is refused where the policy says so, while SSH is answered', async () => {
    const { outcomes, probes } = play({
      edit: refusing,
      reaches: ['10.0.1.11 22', '10.0.1.11 443', '10.0.2.21 22'],
    });
    expect(runExit((await outcomes).values())).toBe(0);
    expect(
      probes()
        .filter(({ from }) => from === 'controller')
        .map(({ to, flow, expect: kind, state }) => `${to} ${flow} ${kind} ${state}`),
    ).toEqual([
      'web1 tcp/49152 refused held',
      'web1 tcp/80 clear untried',
      'web1 tcp/443 clear held',
      'db1 tcp/49152 refused held',
    ]);
  });

  test('that is let in takes the change back', async () => {
    const { outcomes } = play({
      edit: refusing,
      reaches: ['10.0.1.11 22', '10.0.2.21 22', '10.0.2.21 49152'],
    });
    expect((await outcomes).get('web1')).toMatchObject({
      status: 'reverted',
      reason: expect.stringContaining(
        'controller → db1 tcp/49152 must be refused (not-refused): answered (a connection)',
      ) as string,
    });
  });

  test('shows nothing where not even SSH answers it', async () => {
    const { outcomes, probes } = play({ edit: refusing, reaches: [] });
    expect(runExit((await outcomes).values())).toBe(0);
    expect(
      probes()
        .filter(({ from }) => from === 'controller')
        .every(({ state }) => state === 'untried'),
    ).toBe(true);
  });

  test('of a test that expects the clear must be answered', async () => {
    const { outcomes } = play({
      extra: 'tests:\n  - { from: any, to: web1, ulp: tcp, port: 443, expect: clear }\n',
      reaches: ['10.0.1.11 22', '10.0.2.21 22'],
    });
    expect((await outcomes).get('db1')).toMatchObject({
      status: 'reverted',
      reason: expect.stringContaining('controller → web1 tcp/443 must pass in the clear (no-answer)') as string,
    });
  });

  test('tries nothing through a jump host or a forwarded port', async () => {
    const { outcomes, own, gaps } = play({
      edit: (text) => text.replace('privilege: pfexec', 'privilege: pfexec, proxyJump: bastion'),
      reaches: ['10.0.1.11 22'],
    });
    expect(runExit((await outcomes).values())).toBe(0);
    expect(own.asked).toEqual([]);
    expect(gaps()).toContain('not tried from this machine: it is reached through a jump host');
  });
});

test('a window that is nearly over leaves no time to try anything, and that is said', async () => {
  const { outcomes, gaps, clock } = play({ windowSeconds: 8 });
  await idle();
  expect(clock.now().toISOString()).toBe(START);
  expect(runExit((await outcomes).values())).toBe(0);
  expect(gaps()).toContain('nothing was tried: the confirm window is nearly over');
  expect(DEFAULT_PROBES.deadlineSeconds).toBe(10);
});
