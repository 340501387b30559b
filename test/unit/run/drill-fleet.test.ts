import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { DrillResult } from '../../../controller/model/drill.js';
import { lastDrill, drillExit } from '../../../controller/model/drill.js';
import type {
  HostStatus,
  Observation,
  TransactionOutcome,
  TransactionRequest,
} from '../../../controller/model/observation.js';
import {
  HostLinkError,
  LinkInterrupted,
  type HostLink,
  type HostSession,
  type SessionMode,
} from '../../../controller/ports.js';
import { statusText } from '../../../controller/report/status-text.js';
import { drillFleet, type DrillEvent } from '../../../controller/run/drill-fleet.js';
import { fakeClock, hostNamed, observationOf } from '../../support/fake-fleet.js';

const POLICY = '{ lport 22 } bypass { }\n';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const seen = (changes: Partial<Observation> = {}): Observation =>
  observationOf({
    generation: 4,
    files: [
      { path: '/etc/inet/ipsecinit.conf', state: 'present', sha256: sha256(POLICY), mode: '0400', uid: 0, gid: 3 },
      { path: '/etc/inet/secret/ipseckeys', state: 'absent' },
    ],
    spd: ['{ lport 22 } bypass { }'],
    ...changes,
  });

const statusOf = (changes: Partial<HostStatus>): HostStatus => ({
  generation: 4,
  run: undefined,
  kept: [],
  openTransaction: undefined,
  history: [],
  outcome: undefined,
  ...changes,
});

interface Play {
  /** What the host says a transaction was answered with, before it is asked for its status. */
  readonly transact?: (request: TransactionRequest) => TransactionOutcome;
  /** For each connection after the change: how it ended, undefined while it is open, or a failure to connect. */
  readonly then?: readonly (TransactionOutcome['state'] | 'open' | 'no route')[];
  readonly why?: string;
  readonly after?: Partial<Observation>;
  readonly before?: Partial<Observation>;
  readonly lose?: boolean;
}

/** One host's drill, with what was sent, how connections were opened, and the time it took. */
async function play(how: Play): Promise<{
  result: DrillResult;
  requests: TransactionRequest[];
  modes: (SessionMode | undefined)[];
  aborted: string[];
  events: DrillEvent[];
}> {
  const clock = fakeClock();
  const requests: TransactionRequest[] = [];
  const modes: (SessionMode | undefined)[] = [];
  const aborted: string[] = [];
  const events: DrillEvent[] = [];
  const rest = [...(how.then ?? ['reverted'])];
  const nope = (): never => {
    throw new HostLinkError({ kind: 'unreachable', reason: 'no route to host', todo: 'look at the network' });
  };
  const link: HostLink = {
    open: (_host, mode) => {
      modes.push(mode);
      const turn = requests.length === 0 ? undefined : rest.length > 1 ? rest.shift() : rest[0];
      if (turn === 'no route') return Promise.resolve().then(nope);
      const id = requests[0]?.id ?? '';
      const outcome: TransactionOutcome | undefined =
        turn === 'reverted'
          ? { state: 'reverted', id, generation: 4, step: 'confirm', text: how.why ?? 'not confirmed in time' }
          : turn === 'unknown'
            ? { state: 'unknown', id, text: 'no such transaction' }
            : undefined;
      const open =
        turn === 'open'
          ? { openTransaction: { id, state: 'verified', step: 'verify', generation: 5, revertsInSeconds: 0 } }
          : {};
      const session: Partial<HostSession> = {
        observe: () => Promise.resolve(seen(requests.length === 0 ? how.before : how.after)),
        read: () => Promise.resolve(POLICY),
        transact: (request) => {
          requests.push(request);
          if (how.lose === true) return Promise.resolve().then(nope);
          return Promise.resolve(
            how.transact?.(request) ?? { state: 'verified', id: request.id, generation: 5, revertsInSeconds: 15 },
          );
        },
        status: () => Promise.resolve(statusOf({ ...open, outcome })),
        abort: (asked) => {
          aborted.push(asked);
          return Promise.resolve({ state: 'reverted', id: asked, generation: 4, step: 'confirm', text: 'aborted' });
        },
        close: () => Promise.resolve(),
      };
      return Promise.resolve(session as HostSession);
    },
  };
  const [result] = await drillFleet({
    hosts: [hostNamed('web1')],
    windowSeconds: 15,
    keepGenerations: 10,
    forks: 1,
    link,
    clock,
    random: (count) => new Uint8Array(count),
    stop: new AbortController().signal,
    emit: (event) => events.push(event),
  });
  if (result === undefined) throw new Error('no result');
  return { result, requests, modes, aborted, events };
}

it('holds when the host took the change back by itself and is as it was', async () => {
  const { result, requests, modes, events } = await play({});
  expect(result).toMatchObject({ status: 'held', windowSeconds: 15, backAfterSeconds: 16 });
  expect(drillExit(result)).toBe(0);
  expect(events.map(({ event }) => event)).toEqual(['drill-armed', 'drill']);
  // Another kind of session would itself take back what was abandoned, and hide that nobody had.
  expect(modes).toEqual([undefined, { readOnly: true }]);
  const [request] = requests;
  expect(request).toMatchObject({ generation: 5, expectGeneration: 4, steps: ['read', 'chmod'], ike: 'none' });
  expect(request?.spd).toEqual(['{ lport 22 } bypass { }']);
  const [file] = request?.files ?? [];
  expect(file?.kind === 'send' && Buffer.from(file.text.reveal()).toString()).toMatch(
    /^\{ lport 22 \} bypass \{ \}\n# ipsec-deploy drill-\S+: this line goes away by itself\n$/,
  );
});

it('says that a host is about to be changed before it is sent anything, and skips one whose look was interrupted', async () => {
  const told: string[] = [];
  const session: Partial<HostSession> = {
    observe: () => Promise.resolve(seen()),
    read: () => Promise.resolve(POLICY),
    transact: () => {
      told.push('sent');
      return Promise.resolve({ state: 'refused', id: 'T1', text: 'no' });
    },
    close: () => Promise.resolve(),
  };
  const results = await drillFleet({
    hosts: [hostNamed('web1'), hostNamed('db1')],
    windowSeconds: 15,
    keepGenerations: 10,
    forks: 1,
    link: {
      open: ({ name }) =>
        name === 'web1' ? Promise.resolve(session as HostSession) : Promise.reject(new LinkInterrupted(name)),
    },
    clock: fakeClock(),
    random: (count) => new Uint8Array(count),
    stop: new AbortController().signal,
    onChange: () => told.push('about to be changed'),
    emit: () => undefined,
  });
  expect(told).toEqual(['about to be changed', 'sent']);
  expect(results).toMatchObject([
    { status: 'failed', reason: 'no' },
    { status: 'skipped', reason: 'interrupted before db1 had answered' },
  ]);
});

it('holds when the session was lost in the middle: the host comes back alone', async () => {
  expect((await play({ lose: true })).result).toMatchObject({ status: 'held' });
});

it('waits for a revert that takes its time, and for a network that is away for a while', async () => {
  const { result } = await play({ then: ['open', 'no route', 'open', 'reverted'] });
  expect(result).toMatchObject({ status: 'held', backAfterSeconds: 19 });
});

it.each([
  ['was taken back by somebody else', { why: 'aborted' }, /reverted: aborted/],
  ['is on another generation', { after: { generation: 5 } }, /generation 5, was 4/],
  ['kept the comment', { after: { files: [] } }, /ipsecinit\.conf is not as it was/],
  ['lost a rule', { after: { spd: [] } }, /the loaded policy is not as it was/],
  [
    'lost a service',
    { after: { services: new Map([['network/ipsec/policy', 'maintenance']]) } },
    /network\/ipsec\/policy is maintenance, was online/,
  ],
] as const)('is broken when the host %s', async (_, how, said) => {
  const { result } = await play(how);
  expect(result).toMatchObject({ status: 'broken', reason: expect.stringMatching(said) as string });
  expect(drillExit(result)).toBe(4);
});

it('is broken, and taken back by hand, when the dead-man never acts', async () => {
  const { result, aborted } = await play({ then: ['open'] });
  expect(result).toMatchObject({
    status: 'broken',
    reason: 'it did not come back by itself within 90 s after the window; told to, it says reverted',
  });
  expect(aborted).toHaveLength(1);
});

it('is broken when the change was seen in force long after the window, though it went in the end', async () => {
  const { result } = await play({ then: [...Array<'open'>(31).fill('open'), 'reverted'] });
  expect(result).toMatchObject({
    status: 'broken',
    reason: 'it came back by itself, and as it was, but 31 s after the window the change was still in force',
  });
});

it('holds after a network that was away for long: the host may have been in time', async () => {
  const { result } = await play({ then: [...Array<'no route'>(40).fill('no route'), 'reverted'] });
  expect(result).toMatchObject({ status: 'held' });
});

it('says that a restart in the window tells nothing of the dead-man', async () => {
  const { result } = await play({ why: 'taken back after an interruption' });
  expect(result).toMatchObject({
    status: 'broken',
    todo: expect.stringMatching(/restarted meanwhile, drill again/) as string,
  });
});

it('is unknown, with the time, when no new connection comes about', async () => {
  const { result } = await play({ then: ['no route'] });
  expect(result).toMatchObject({
    status: 'unknown',
    reason: 'no route to host',
    revertsAt: '2026-11-22T10:00:15.000Z',
  });
  expect(drillExit(result)).toBe(5);
});

it.each([
  ['nothing was applied yet', { before: { generation: undefined } }, /nothing was ever applied/],
  ['the policy file is gone', { before: { files: [] } }, /it has no \/etc\/inet\/ipsecinit\.conf/],
  [
    'another transaction is open',
    {
      before: {
        openTransaction: { id: 'T9', state: 'armed', step: 'policy', generation: 5, revertsInSeconds: 9 },
      },
    },
    /transaction T9 is open/,
  ],
  [
    'another drill is at work',
    {
      before: {
        openTransaction: { id: 'drill-1.a', state: 'verified', step: 'verify', generation: 5, revertsInSeconds: 9 },
      },
    },
    /a drill is at work there \(transaction drill-1\.a\); the host takes it back by itself in 9 s/,
  ],
  [
    'the file is not what its digest says',
    {
      before: {
        files: [
          { path: '/etc/inet/ipsecinit.conf', state: 'present', sha256: sha256('x'), mode: '0400', uid: 0, gid: 3 },
        ],
      },
    },
    /not UTF-8, or changed/,
  ],
] as const)('touches nothing where %s', async (_, how, said) => {
  const { result, requests } = await play(how);
  expect(result).toMatchObject({ status: 'failed', reason: expect.stringMatching(said) as string });
  expect(requests).toEqual([]);
});

it('tells of the last drill in the status, in the words of the host', () => {
  const history = [
    '2026-11-22T10:15:00Z drill-A.web1 reverted generation=4 step=confirm run=drill-A text=not confirmed in time',
    '2026-11-22T11:15:00Z R2.web1 confirmed generation=5 run=R2',
  ];
  expect(lastDrill(history)).toMatchObject({ at: '2026-11-22T10:15:00Z', held: true });
  const late = [
    ...history,
    '2026-11-22T12:00:00Z drill-B.web1 reverted generation=5 step=confirm run=drill-B text=aborted',
  ];
  const shown = (lines: readonly string[]): string =>
    statusText({ host: 'web1', status: statusOf({ history: lines }) }, new Date());
  expect(shown(history)).toContain('last drill 2026-11-22T10:15:00Z: came back by itself');
  expect(shown(late)).toContain('last drill 2026-11-22T12:00:00Z: did not hold: aborted');
  expect(shown(history.slice(1))).not.toContain('drill');
  const weekly = Array.from({ length: 30 }, (_, i) => history[0]?.replace(/drill-A/g, `drill-${i}`) ?? '');
  const one = 'R2.web1 confirmed generation=5';
  expect(shown([...history, ...weekly])).toContain(one);
  expect(shown([...late, ...weekly])).toContain('drill-B.web1 reverted');
});
