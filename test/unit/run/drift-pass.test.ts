import { expect, test } from 'vitest';
import { driftPass, type DriftPassInput } from '../../../controller/run/drift-pass.js';
import type { HostLook } from '../../../controller/model/drift.js';
import { HostLinkError, LinkInterrupted, type HostLink, type LinkFailure } from '../../../controller/ports.js';
import { driftReportOf, fakeClock, fakeHost, fakeLink, hostNamed } from '../../support/fake-fleet.js';

const inputOf = (changes: Partial<DriftPassInput>): DriftPassInput => ({
  hosts: [],
  link: fakeLink([]),
  forks: 20,
  clock: fakeClock('2026-11-22T10:15:00.000Z'),
  stop: new AbortController().signal,
  settings: { inventory: 'inventory.yaml', keyAgeDays: 90, clockSeconds: 30 },
  emit: () => undefined,
  ...changes,
});

function failing(kind: LinkFailure['kind']): HostLink {
  return { open: () => Promise.reject(new HostLinkError({ kind, reason: `not ${kind}`, todo: 'look' })) };
}

test.each([
  ['unreachable', 'host-unreachable'],
  ['timeout', 'host-unreachable'],
  ['lost', 'host-unreachable'],
  ['auth', 'access-refused'],
  ['privilege', 'access-refused'],
  ['host-key', 'host-key-changed'],
  ['agent', 'agent-fails'],
] as const)('contact that fails with %s is told as %s, and as nothing else', async (kind, found) => {
  const { looks } = await driftPass(inputOf({ hosts: [hostNamed('web1')], link: failing(kind) }));
  expect(looks).toMatchObject([{ host: 'web1', state: 'unreachable', findings: [{ kind: found }] }]);
});

test('a known_hosts file forgets a key by the name and port that was asked', async () => {
  const host = hostNamed('web1');
  const odd = { ...host, ssh: { ...host.ssh, port: 2222, knownHosts: ['my hosts'] } };
  const { looks } = await driftPass(inputOf({ hosts: [odd], link: failing('host-key') }));
  expect(looks[0]?.findings[0]?.mend).toBe(
    "look; a known_hosts file forgets it by ssh-keygen -R '[127.0.0.1]:2222' -f 'my hosts'",
  );
});

test('one question over one connection that may only look, closed at the end, also when it breaks', async () => {
  const said: string[] = [];
  const host = fakeHost('web1');
  const link: HostLink = {
    open: async (_host, how) => {
      said.push(`open ${JSON.stringify(how)}`);
      return {
        ...host.connect(),
        drift: () => Promise.reject(new HostLinkError({ kind: 'lost', reason: 'cut', todo: 'look' })),
        close: () => {
          said.push('close');
          return Promise.resolve();
        },
      };
    },
  };
  await driftPass(inputOf({ hosts: [hostNamed('web1')], link }));
  expect(said).toEqual(['open {"readOnly":true}', 'close']);
});

test.each([
  ['it was just being confirmed', driftReportOf({ generation: 2 }), ['never-applied']],
  ['nobody keeps it indeed', undefined, ['transaction-open']],
])('a transaction that nobody seems to keep is looked at twice: %s', async (_what, second, kinds) => {
  const openTransaction = { id: 'T1', state: 'verified', step: 'confirm', generation: 2, revertsInSeconds: 15 };
  const abandoned = driftReportOf({
    openTransaction,
    settled: false,
    keepers: [{ name: 'deadman', state: 'gone' }],
  });
  const reports = [abandoned, second ?? abandoned];
  const host = fakeHost('web1');
  let asked = 0;
  const link: HostLink = {
    open: () => Promise.resolve({ ...host.connect(), drift: () => Promise.resolve(reports[asked++] ?? abandoned) }),
  };
  const { looks } = await driftPass(inputOf({ hosts: [hostNamed('web1')], link }));
  expect(looks[0]?.findings.map(({ kind }) => kind)).toEqual(kinds);
  expect(asked).toBe(2);
});

test('a bug is no finding', async () => {
  const link: HostLink = { open: () => Promise.reject(new TypeError('a bug')) };
  await expect(driftPass(inputOf({ hosts: [hostNamed('web1')], link }))).rejects.toThrow('a bug');
});

test('hosts whose turn has not come when it is stopped are not in the pass', async () => {
  const stop = new AbortController();
  const names = ['web1', 'db1', 'db2'];
  const { looks } = await driftPass(
    inputOf({
      hosts: names.map((name) => hostNamed(name)),
      link: fakeLink(names.map((name) => fakeHost(name))),
      forks: 1,
      stop: stop.signal,
      emit: () => stop.abort(),
    }),
  );
  expect(looks.map(({ host }) => host)).toEqual(['web1']);
});

test('a host whose answer is no longer waited for is not in the pass: nothing is wrong with it', async () => {
  const emitted: string[] = [];
  const known = fakeLink([fakeHost('web1')]);
  const { looks } = await driftPass(
    inputOf({
      hosts: [hostNamed('web1'), hostNamed('db1')],
      link: {
        open: (host, how) =>
          host.name === 'db1' ? Promise.reject(new LinkInterrupted(host.name)) : known.open(host, how),
      },
      emit: ({ host }) => emitted.push(host),
    }),
  );
  expect(looks.map(({ host }) => host)).toEqual(['web1']);
  expect(emitted).toEqual(['web1']);
});

test('1,000 hosts in one pass: as many at a time as there are forks, each told of as it comes, and nothing else kept', async () => {
  const names = Array.from({ length: 1000 }, (_, at) => `h${at}`);
  let [open, most] = [0, 0];
  /** What hosts said and is still held by somebody. */
  const alive = new Set<WeakRef<object>>();
  const link: HostLink = {
    open: async () => {
      most = Math.max(most, ++open);
      const report = driftReportOf({ spd: Array.from({ length: 2000 }, (_, at) => `{ lport ${at} dir in } pass { }`) });
      alive.add(new WeakRef(report));
      return {
        ...fakeHost('any').connect(),
        drift: async () => {
          await new Promise((resolve) => setImmediate(resolve));
          return report;
        },
        close: async () => void open--,
      };
    },
  };
  const heap = process.memoryUsage().heapUsed;
  const told: HostLook[] = [];
  const pass = await driftPass(
    inputOf({ hosts: names.map((name) => hostNamed(name)), link, emit: (look) => told.push(look) }),
  );
  expect(pass.looks.map(({ host }) => host)).toEqual(names);
  expect(told).toHaveLength(1000);
  expect(new Set(told)).toEqual(new Set(pass.looks));
  expect(most).toBe(20);
  expect(open).toBe(0);
  // All that the hosts said is some 120 MB; what is kept of it is a few words each.
  const grown = process.memoryUsage().heapUsed - heap;
  const held = [...alive].filter((ref) => ref.deref() !== undefined).length;
  expect(held < 1000 || grown < 60_000_000).toBe(true);
});
