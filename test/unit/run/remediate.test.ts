import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';

import { parseInventory } from '../../../controller/inventory/parse.js';
import {
  EMPTY_MEMORY,
  type DriftFinding,
  type DriftMemory,
  type RemediationRecord,
} from '../../../controller/model/drift.js';
import type { Observation, StoredGeneration } from '../../../controller/model/observation.js';
import type { HostLink } from '../../../controller/ports.js';
import type { Remedied } from '../../../controller/run/drift-round.js';
import { linksOf, planRemediation, remediate, type RemediateInput } from '../../../controller/run/remediate.js';
import { SessionLot } from '../../../controller/run/session-lot.js';
import { fakeClock, fakeHost, observationOf, type FakeHost, type Fault } from '../../support/fake-fleet.js';
import { after, finding, look, pass, START, Watch } from '../drift/memory-support.js';

const POLICY = '/etc/inet/ipsecinit.conf';
const RULE = finding({ kind: 'rule-missing', subject: 'a rule', severity: 'critical', what: 'a rule is not loaded' });
const INVENTORY = `version: 1
fleet: test
management: [10.5.5.5]
defaults: { keying: ike-psk, template: peer, ssh: { user: deploy, privilege: none } }
hosts:
  a1: { address: 10.0.0.1 }
  a2: { address: 10.0.0.2 }
  b1: { address: 10.0.0.3 }
  b2: { address: 10.0.0.4 }
`;

/** The only rule of a host's generation 7. */
function ruleText(name: string): string {
  const of: Readonly<Record<string, string>> = { a1: '1 raddr 10.0.0.2', a2: '2 raddr 10.0.0.1', b1: '3', b2: '4' };
  const ends = (of[name] ?? '').includes('raddr') ? of[name] : `${of[name] ?? ''} raddr 10.9.9.9`;
  return `{laddr 10.0.0.${ends ?? ''} dir both} ipsec {encr_algs aes encr_auth_algs sha256 sa shared}\n`;
}

interface Play {
  readonly faults?: Readonly<Record<string, readonly Fault[]>>;
  readonly drifting?: readonly string[];
  readonly links?: string;
  readonly memory?: Partial<DriftMemory>;
  /** What hosts say when they are looked at for the plan. */
  readonly observed?: (host: string) => Partial<Observation>;
  /** On those that drift. */
  readonly findings?: readonly DriftFinding[];
  /** Of the hosts themselves, latest last. */
  readonly history?: readonly string[];
}

/** Generation 7 is confirmed on all four; on those that drift nothing is loaded any more. */
function play({
  faults = {},
  drifting = ['a1', 'a2'],
  links = '',
  memory,
  observed,
  findings = [RULE],
  history = [],
}: Play = {}) {
  const { inventory } = parseInventory({ path: 'inventory.yaml', readFile: () => INVENTORY + links });
  const fakes = new Map(inventory.hosts.map(({ name }) => [name, fakeHost(name, faults[name])]));
  for (const host of fakes.values()) host.generation = 7;
  const looks = inventory.hosts.map(({ name }) => look(name, drifting.includes(name) ? findings : []));
  const watch = new Watch({ hosts: [...fakes.keys()] });
  watch.pass(0, ...looks);
  const stop = new AbortController();
  const remembered: RemediationRecord[] = [];
  const input: RemediateInput = {
    inventory,
    settings: inventory.settings,
    rules: {
      kinds: ['rule-missing', 'rule-foreign'],
      hosts: new Set(fakes.keys()),
      hostsPerHour: 4,
      confirmLooks: 1,
      links: linksOf(inventory),
    },
    lot: new SessionLot(linkTo(fakes, drifting, history, observed)),
    clock: fakeClock(START.toISOString()),
    random: (count) => new Uint8Array(count),
    emit: () => undefined,
  };
  const found = {
    pass: pass(looks, START),
    memory: { ...EMPTY_MEMORY, ...watch.memory, ...memory },
    stop: stop.signal,
    remember: (records: readonly RemediationRecord[]) => {
      // Nothing was sent to these hosts before it is remembered.
      for (const { host } of records) expect(fakes.get(host)?.requests).toEqual([]);
      remembered.push(...records);
      return Promise.resolve();
    },
  };
  return { run: () => remediate(input, found), plan: () => planRemediation(input, found), fakes, stop, remembered };
}

function linkTo(
  fakes: ReadonlyMap<string, FakeHost>,
  drifting: readonly string[],
  history: readonly string[],
  observed: Play['observed'] = () => ({}),
): HostLink {
  return {
    open: (host) => {
      const fake = fakes.get(host.name);
      if (fake === undefined) throw new Error(`no fake host ${host.name}`);
      const text = ruleText(host.name);
      const sha256 = createHash('sha256').update(text).digest('hex');
      const stored: StoredGeneration = {
        manifest: { generation: 7, run: 'r', made: '', files: [{ path: POLICY, mode: '0400', sha256 }], keys: [] },
        files: [{ path: POLICY, text }],
      };
      const seen = observationOf({
        generation: fake.generation,
        files: [{ path: POLICY, state: 'present', sha256, mode: '0400', uid: 0 }],
        spd: [],
        ...observed(host.name),
      });
      expect(drifting).toContain(host.name);
      return Promise.resolve({
        ...fake.connect(),
        observe: () => Promise.resolve(seen),
        read: () => Promise.resolve(text),
        generation: () => Promise.resolve(stored),
        status: () =>
          Promise.resolve({
            generation: 7,
            run: 'r',
            kept: [{ generation: 7, run: 'r', made: '' }],
            openTransaction: undefined,
            history,
            outcome: undefined,
          }),
      });
    },
  };
}

const words = ({ records }: Remedied): string[] => records.map(({ host, outcome }) => `${host} ${outcome}`);
const LINK = 'links: [{ between: [a1, a2] }]\n';

test('hosts that drifted are brought back one group after the other, remembered before and after', async () => {
  const { run, fakes, remembered } = play();
  const done = await run();
  expect(words(done)).toEqual(['a1 confirmed', 'a2 confirmed']);
  expect(done).toMatchObject({ quarantines: [], left: [] });
  expect(remembered.map(({ host, outcome }) => `${host} ${outcome}`)).toEqual(['a1 begun', 'a2 begun']);
  expect(remembered.map(({ at, planDigest }) => [at, planDigest])).toEqual(
    done.records.map(({ at, planDigest }) => [at, planDigest]),
  );
  expect([...fakes.values()].map(({ generation, connections }) => [generation, connections])).toEqual([
    [8, 2],
    [8, 2],
    [7, 0],
    [7, 0],
  ]);
});

test('what a host takes back is quarantined, and nothing is begun after it', async () => {
  const { run, fakes } = play({ faults: { a1: ['verify-fails'] } });
  const done = await run();
  expect(words(done)).toEqual(['a1 reverted']);
  expect(done.quarantines).toMatchObject([{ host: 'a1', reason: 'putting it right reverted: 1 rule is missing' }]);
  expect(done.left).toEqual([{ host: 'a2', why: 'not begun, as a1 ended as reverted: 1 rule is missing' }]);
  expect(fakes.get('a2')?.requests).toEqual([]);
});

test('what was reverted once is not tried again, even when the host was released', async () => {
  const first = play({ faults: { a1: ['verify-fails'] }, drifting: ['a1'] });
  const { records } = await first.run();
  const aged = records.map((record) => ({ ...record, at: after(-40 * 86_400).toISOString() }));
  const second = play({ drifting: ['a1'], memory: { remediations: aged } });
  const done = await second.run();
  expect(done.records).toEqual([]);
  expect(done.quarantines).toMatchObject([
    { host: 'a1', reason: expect.stringMatching(/ended as reverted: it is not/) },
  ]);
  expect(second.fakes.get('a1')?.requests).toEqual([]);
});

test('both ends of a link are confirmed together, or go back together', async () => {
  const fine = play({ links: LINK });
  expect((await fine.plan()).plan.groups).toEqual([['a1', 'a2']]);
  const { run, fakes } = play({ links: LINK, faults: { a2: ['unreachable-after-activation'] } });
  const done = await run();
  expect(words(done)[0]).toBe('a1 reverted');
  expect(words(done)[1]).toMatch(/^a2 (reverted|unknown)$/);
  expect(done.quarantines.map(({ host }) => host)).toEqual(['a1', 'a2']);
  expect(fakes.get('a1')?.generation).toBe(7);
});

test('a host on which an apply is at work is left to it, and its link peer with it', async () => {
  const openTransaction = { id: 'T1', state: 'armed', step: 'verify', generation: 8, revertsInSeconds: 40 };
  const observed = (host: string) => (host === 'a2' ? { openTransaction } : {});
  const { run, fakes, remembered } = play({ links: LINK, observed });
  const done = await run();
  expect([done.records, done.quarantines, remembered]).toEqual([[], [], []]);
  expect(done.left).toEqual([
    { host: 'a2', why: expect.stringMatching(/^transaction T1 is open at step verify/) },
    { host: 'a1', why: 'it would change its link to a2, which cannot be put right with it' },
  ]);
  expect([...fakes.values()].flatMap(({ requests }) => requests)).toEqual([]);
});

test('a host that refuses, as it was changed since the plan, keeps no other waiting and is not quarantined', async () => {
  const { run } = play({ faults: { a1: ['refuses'] } });
  const done = await run();
  expect(words(done)).toEqual(['a1 refused', 'a2 confirmed']);
  expect(done.quarantines).toEqual([]);
  expect(done.left).toEqual([{ host: 'a1', why: expect.stringMatching(/^refused: /) }]);
});

test('a host that refuses the same once more within a day is quarantined; after a release it is asked again', async () => {
  const refusing = { drifting: ['a1'], faults: { a1: ['refuses'] } } satisfies Play;
  const { records } = await play(refusing).run();
  const second = await play({ ...refusing, memory: { remediations: records } }).run();
  expect(second.quarantines).toMatchObject([
    { host: 'a1', reason: expect.stringMatching(/^putting it right ended twice as refused: /) },
  ]);
  const longAgo = records.map((record) => ({ ...record, at: after(-86_400).toISOString() }));
  expect((await play({ ...refusing, memory: { remediations: longAgo } }).run()).quarantines).toEqual([]);
  const released = { host: 'a1', at: after(60).toISOString(), outcome: 'released', planDigest: '' };
  const third = await play({ ...refusing, memory: { remediations: [...records, released] } }).run();
  expect(third.quarantines).toEqual([]);
});

test('what a host took back is not tried again where nothing of it is remembered: its own history tells', async () => {
  const reverted = '2026-11-20T10:00:00Z 20261120T095930Z-aaaa-drift.a1 reverted generation=7 step=verify text=no';
  const confirmed = '2026-11-21T10:00:00Z 20261121T095930Z-bbbb.a1 confirmed generation=7 run=20261121T095930Z-bbbb';
  const tried = play({ drifting: ['a1'], history: [confirmed, reverted] });
  expect((await tried.run()).quarantines).toMatchObject([
    { host: 'a1', reason: expect.stringMatching(/^putting it right was taken back on 2026-11-20T10:00:00Z/) },
  ]);
  expect(tried.fakes.get('a1')?.requests).toEqual([]);
  expect(words(await play({ drifting: ['a1'], history: [reverted, confirmed] }).run())).toEqual(['a1 confirmed']);
  const byHand = [confirmed, reverted.replace('-drift.', '.')];
  expect(words(await play({ drifting: ['a1'], history: byHand }).run())).toEqual(['a1 confirmed']);
  expect((await play({ drifting: ['a1'] }).plan()).plan.run).toMatch(/-drift$/);
});

test('what was changed on a host since it was looked at is not put right unseen', async () => {
  const rule = '{ laddr 10.0.0.1/32 raddr 10.0.0.77/32 dir out } bypass { }';
  const { run, fakes } = play({ drifting: ['a1'], observed: () => ({ spd: [rule] }) });
  expect((await run()).left).toEqual([
    { host: 'a1', why: expect.stringContaining(`it would also take the loaded rule away: ${rule}`) },
  ]);
  expect(fakes.get('a1')?.requests).toEqual([]);
});

test('once it is stopped nothing more is begun, and what is begun is ended', async () => {
  const { run, stop, fakes, remembered } = play();
  const { push } = remembered;
  remembered.push = (...records) => {
    stop.abort();
    return push.apply(remembered, records);
  };
  const done = await run();
  expect(words(done)).toEqual(['a1 confirmed']);
  expect(done.left).toEqual([{ host: 'a2', why: 'stopped before its turn' }]);
  expect(fakes.get('a2')?.requests).toEqual([]);
});

test('what is protected now would be in the clear: refused and quarantined', async () => {
  const observed = () => ({
    spd: ['{ laddr 10.0.0.1/32 raddr 10.0.0.77/32 dir out } ipsec { encr_algs aes(128..256) sa shared }'],
  });
  const findings = [finding({ kind: 'rule-foreign', subject: 'another rule', what: 'a rule that no generation has' })];
  const { run, fakes } = play({ drifting: ['a1'], observed, findings });
  const done = await run();
  expect(words(done)).toEqual(['a1 refused']);
  expect(done.quarantines[0]?.reason).toMatch(/^putting it right is refused: .*would be in the clear.*10\.0\.0\.77/);
  expect(fakes.get('a1')?.requests).toEqual([]);
});

test('most of the fleet drifting at once: no host is even connected to', async () => {
  const { run, fakes } = play({ drifting: ['a1', 'a2', 'b1'] });
  expect(await run()).toMatchObject({ records: [], left: [], halted: expect.stringMatching(/^3 of 4 hosts/) });
  expect([...fakes.values()].map(({ connections }) => connections)).toEqual([0, 0, 0, 0]);
});
