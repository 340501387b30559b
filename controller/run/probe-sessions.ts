/**
 * Carries out planned probes over sessions that are open: what the receivers' SAs have counted, the tries of all senders at the
 * same time, the counters again; then the verdicts. Few round trips: three or four a host, however many flows it tries.
 */

import type { Address } from '../model/address.js';
import { CONTROLLER, type ProbeResult } from '../model/link-probe.js';
import type { Probe, ProbeReply, SaCount } from '../model/probe.js';
import { HostLinkError, type HostSession, type OwnAnswer, type OwnNetwork } from '../ports.js';
import type { Conversation } from '../proof/flow-kind.js';
import { judgeProbe, type Seen } from '../proof/judge-probe.js';
import type { Counted } from '../proof/moved-sas.js';
import type { Sight } from '../proof/plan-outside-probes.js';
import type { PlannedProbe } from '../proof/plan-probes.js';

/** What must not come back is waited for no longer: a lost SYN is sent again after one second, and after three. */
const SILENCE_SECONDS = 3;

export interface ProbeSessionsInput {
  readonly probes: readonly PlannedProbe[];
  readonly sessions: ReadonlyMap<string, HostSession>;
  readonly sights: readonly Sight[];
  readonly own: OwnNetwork;
  /** For what must work; whole seconds. */
  readonly deadlineSeconds: number;
  /** The settings ask for a longer one. */
  readonly hurried: boolean;
  readonly stop: AbortSignal;
}

export interface Probed {
  /** In the order of the probes. */
  readonly results: readonly ProbeResult[];
  /** Hosts whose session is of no more use, and why. */
  readonly lost: ReadonlyMap<string, string>;
}

type Reply = Pick<ProbeReply, 'answer' | 'text'> & Partial<Pick<ProbeReply, 'means'>>;

/** What one sender's two rounds brought. */
interface Rounds {
  readonly replies: ReadonlyMap<string, { readonly first: Reply; readonly second?: Reply }>;
  readonly first?: Counted;
  readonly whole?: Counted;
}

export async function probeSessions(input: ProbeSessionsInput): Promise<Probed> {
  const { probes, sessions } = input;
  const lost = new Map<string, string>();
  const ask = asker(sessions, lost);
  const bySender = groupBy(probes, ({ from }) => from);
  const receivers = groupBy(
    probes.filter(({ expect }) => expect === 'protected'),
    ({ to }) => to,
  );
  const count = async (): Promise<ReadonlyMap<string, readonly SaCount[]>> => {
    const counted = new Map<string, readonly SaCount[]>();
    await Promise.all(
      [...receivers].map(async ([name, theirs]) => {
        const found = await ask(name, (session) => session.counters(addressesOf(theirs)));
        if ('answer' in found) counted.set(name, found.answer);
      }),
    );
    return counted;
  };
  const before = await count();
  const rounds = new Map<string, Rounds>();
  const [own] = await Promise.all([
    tryOwn(bySender.get(CONTROLLER) ?? [], input),
    ...[...bySender].map(async ([name, theirs]) => {
      if (name !== CONTROLLER) rounds.set(name, await tryFrom(name, theirs, input, ask));
    }),
  ]);
  const after = await count();
  const answered = new Set<string>();
  for (const [name, { replies }] of rounds) {
    for (const probe of bySender.get(name) ?? []) {
      const reply = replies.get(probe.id);
      if (isAnswer(reply?.first) || isAnswer(reply?.second)) answered.add(`${probe.source} ${probe.destination}`);
    }
  }
  const results = probes.map((probe) => {
    const seen = probe.from === CONTROLLER ? own.get(probe.id) : seenFrom(probe, rounds, { before, after }, input);
    const control = seen?.control ?? (answered.has(`${probe.source} ${probe.destination}`) || undefined);
    return judgeProbe(probe, {
      ...(seen ?? { first: { answer: 'untried', text: '' }, waitedSeconds: 0, hurried: false }),
      ...(control !== undefined && { control }),
    });
  });
  return { results, lost };
}

type Answered<T> = { readonly answer: T } | { readonly why: string };
type Ask = <T>(name: string, request: (session: HostSession) => Promise<T>) => Promise<Answered<T>>;

/** What an agent refuses is told; a connection that breaks is of no more use to anybody. */
function asker(sessions: ReadonlyMap<string, HostSession>, lost: Map<string, string>): Ask {
  return async (name, request) => {
    const session = sessions.get(name);
    const gone = lost.get(name);
    if (session === undefined || gone !== undefined) return { why: gone ?? `${name} was not asked` };
    try {
      return { answer: await request(session) };
    } catch (error) {
      if (!(error instanceof HostLinkError)) throw error;
      const { kind, reason } = error.failure;
      if (kind !== 'agent' && kind !== 'privilege') lost.set(name, reason);
      return { why: reason };
    }
  };
}

/** One after the other, as a session answers one request at a time: what must work, then second tries and what must not. */
async function tryFrom(
  name: string,
  probes: readonly PlannedProbe[],
  { deadlineSeconds }: ProbeSessionsInput,
  ask: Ask,
): Promise<Rounds> {
  const replies = new Map<string, { readonly first: Reply; readonly second?: Reply }>();
  const ids = new Map(probes.map((probe, at) => [probe, `p${at + 1}`] as const));
  const round = async (
    tries: readonly { readonly probe: PlannedProbe; readonly asked: Conversation }[],
    seconds: number,
  ): Promise<{ readonly counted: Counted | undefined; readonly of: (probe: PlannedProbe) => Reply }> => {
    const request = tries.map(({ probe, asked }): Probe => ({
      id: ids.get(probe) ?? '',
      protocol: asked.protocol,
      source: probe.sender,
      destination: probe.receiver,
      ...(asked.protocol === 'tcp' && { port: asked.port }),
    }));
    const found = await ask(name, (session) => session.probe(request, seconds));
    const counted = 'answer' in found ? { before: found.answer.before, after: found.answer.after } : undefined;
    return {
      counted,
      of: (probe) => {
        if ('why' in found) return { answer: 'untried', text: found.why };
        return found.answer.replies.find(({ id }) => id === ids.get(probe)) ?? { answer: 'untried', text: '' };
      },
    };
  };
  const wanted = probes.filter(({ expect }) => expect !== 'refused');
  let first: Counted | undefined;
  if (wanted.length > 0) {
    const tried = await round(
      wanted.map((probe) => ({ probe, asked: probe.first })),
      deadlineSeconds,
    );
    first = tried.counted;
    for (const probe of wanted) replies.set(probe.id, { first: tried.of(probe) });
  }
  const again = wanted.filter((probe) => probe.second !== undefined && !isAnswer(replies.get(probe.id)?.first));
  const unwanted = probes.filter(({ expect }) => expect === 'refused');
  const later = [
    ...again.flatMap((probe) => (probe.second === undefined ? [] : [{ probe, asked: probe.second }])),
    ...unwanted.map((probe) => ({ probe, asked: probe.first })),
  ];
  if (later.length === 0) return { replies, ...(first && { first, whole: first }) };
  const tried = await round(later, Math.min(SILENCE_SECONDS, deadlineSeconds));
  for (const probe of again) {
    const known = replies.get(probe.id);
    if (known !== undefined) replies.set(probe.id, { ...known, second: tried.of(probe) });
  }
  for (const probe of unwanted) replies.set(probe.id, { first: tried.of(probe) });
  const last = tried.counted ?? first;
  const whole = last && { before: first?.before ?? last.before, after: last.after };
  return { replies, ...(first && { first }), ...(whole && { whole }) };
}

function seenFrom(
  probe: PlannedProbe,
  rounds: ReadonlyMap<string, Rounds>,
  counted: { readonly before: Counts; readonly after: Counts },
  { deadlineSeconds, hurried }: ProbeSessionsInput,
): Seen | undefined {
  const mine = rounds.get(probe.from);
  const reply = mine?.replies.get(probe.id);
  if (mine === undefined || reply === undefined) return undefined;
  // An answer to the first try is held against what was counted around it alone.
  const sender = isAnswer(reply.first) ? mine.first : mine.whole;
  const receiver = countedAt(probe.to, counted);
  const around = countedAt(probe.from, counted);
  const waitedSeconds = probe.expect === 'refused' ? Math.min(SILENCE_SECONDS, deadlineSeconds) : deadlineSeconds;
  return {
    ...reply,
    ...(sender && { sender }),
    ...(receiver && { receiver }),
    ...(around && { around }),
    waitedSeconds,
    hurried,
  };
}

function countedAt(
  host: string,
  { before, after }: { readonly before: Counts; readonly after: Counts },
): Counted | undefined {
  const [first, last] = [before.get(host), after.get(host)];
  return first && last && { before: first, after: last };
}

type Counts = ReadonlyMap<string, readonly SaCount[]>;

/** This machine's own connections, and for each host one to its SSH port, which shows that the way is open. */
async function tryOwn(
  probes: readonly PlannedProbe[],
  { sights, own, deadlineSeconds, hurried, stop }: ProbeSessionsInput,
): Promise<ReadonlyMap<string, Seen>> {
  const waitedSeconds = Math.min(SILENCE_SECONDS, deadlineSeconds);
  const controls = new Map<string, Promise<OwnAnswer>>();
  const controlOf = (host: string): Promise<OwnAnswer> | undefined => {
    const sight = sights.find((one) => one.host === host);
    if (sight === undefined) return undefined;
    const known = controls.get(host) ?? own.connect(sight.destination, sight.sshPort, waitedSeconds, stop);
    controls.set(host, known);
    return known;
  };
  const seen = await Promise.all(
    probes.map(async (probe): Promise<readonly [string, Seen]> => {
      if (probe.first.protocol !== 'tcp')
        return [probe.id, { first: { answer: 'untried', text: '' }, waitedSeconds, hurried }];
      const [first, control] = await Promise.all([
        own.connect(probe.receiver, probe.first.port, waitedSeconds, stop),
        controlOf(probe.to),
      ]);
      return [probe.id, { first, control: control !== undefined && isAnswer(control), waitedSeconds, hurried }];
    }),
  );
  return new Map(seen);
}

function isAnswer(reply: Reply | undefined): boolean {
  return reply?.answer === 'open' || reply?.answer === 'closed';
}

function addressesOf(probes: readonly PlannedProbe[]): readonly Address[] {
  const all = new Map<string, Address>();
  for (const { source, destination, sender, receiver } of probes) all.set(source, sender).set(destination, receiver);
  return [...all.values()];
}

function groupBy<T>(all: readonly T[], keyOf: (one: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [one]);
    else group.push(one);
  }
  return groups;
}
