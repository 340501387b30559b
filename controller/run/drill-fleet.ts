/** Drills: a change that nobody confirms, and a new connection that sees whether the host took it back by itself. */

import PQueue from 'p-queue';

import type { DrillResult } from '../model/drill.js';
import { DRILL_PREFIX, INTERRUPTED, NOT_CONFIRMED } from '../model/drill.js';
import type { Host } from '../model/host.js';
import type { Observation, TransactionOutcome } from '../model/observation.js';
import { differences, drillRequest, type DrillTerms } from '../plan/drill-request.js';
import { detectPlatform } from '../platform/detect.js';
import { HostLinkError, type Clock, type HostLink, type HostSession, type RandomBytes } from '../ports.js';
import { reasonOf, untouchedOutcome } from './link-outcome.js';
import { whyBusy } from './observe-fleet.js';
import { runId } from './plan-fleet.js';

/** A revert that waits for services may take that long after the window. */
const GRACE_SECONDS = 90;

/** A host that was still seen changed that long after the window did not come back within it, however busy it is. */
const LATE_SECONDS = 30;

export type DrillEvent =
  | { readonly event: 'drill-armed'; readonly host: string; readonly transaction: string; readonly revertsAt: string }
  | ({ readonly event: 'drill'; readonly host: string } & DrillResult);

export interface DrillInput {
  readonly hosts: readonly Host[];
  readonly windowSeconds: number;
  readonly keepGenerations: number;
  readonly forks: number;
  readonly link: HostLink;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly stop: AbortSignal;
  /** Before each host is sent its change. */
  readonly onChange?: () => void;
  readonly emit: (event: DrillEvent) => void;
}

/** Every host's result, in the order given. */
export async function drillFleet(input: DrillInput): Promise<readonly DrillResult[]> {
  const run = `${DRILL_PREFIX}${runId(input.clock.now(), input.random)}`;
  const queue = new PQueue({ concurrency: input.forks });
  return Promise.all(
    input.hosts.map((host) =>
      queue.add(async () => {
        const result = input.stop.aborted
          ? ({ status: 'skipped', reason: 'interrupted before its turn' } as const)
          : await drill(host, run, input);
        input.emit({ event: 'drill', host: host.name, ...result });
        return result;
      }),
    ),
  );
}

/** A change that is in force, or may be, and what the host was like before. */
interface Withheld {
  readonly transaction: string;
  readonly before: Observation;
  readonly begun: Date;
  readonly revertsAt: Date;
}

async function drill(host: Host, run: string, input: DrillInput): Promise<DrillResult> {
  const begun = await begin(host, run, input);
  if ('status' in begun) return begun;
  const at = begun.revertsAt.toISOString();
  input.emit({ event: 'drill-armed', host: host.name, transaction: begun.transaction, revertsAt: at });
  const left: DrillResult = {
    status: 'unknown',
    transaction: begun.transaction,
    revertsAt: at,
    reason: 'interrupted while the change was in force',
  };
  if (!(await waited((begun.revertsAt.getTime() - input.clock.now().getTime()) / 1000, input))) return left;
  return (await awaitReturn(host, begun, input)) ?? left;
}

/** Puts the change in force. Its session is closed then: what the host does next it does alone. */
async function begin(host: Host, run: string, input: DrillInput): Promise<Withheld | DrillResult> {
  let session: HostSession | undefined;
  let sent: Withheld | undefined;
  try {
    session = await input.link.open(host);
    const before = await session.observe();
    const detected = detectPlatform(before.facts, host.platform);
    if ('refusal' in detected) return { status: 'failed', reason: detected.refusal, todo: detected.todo };
    const busy = whyBusy(before);
    if (busy?.status === 'failed') return { status: 'failed', reason: busy.reason, todo: busy.todo };
    const path = detected.adapter.files.policy;
    const there = before.files.some((file) => file.path === path && file.state === 'present');
    const subject = { seen: before, adapter: detected.adapter, policy: there ? await session.read(path) : '' };
    const plan = drillRequest(subject, termsOf(host, run, input));
    if ('refusal' in plan) return { status: 'failed', reason: plan.refusal, todo: plan.todo };
    input.onChange?.();
    sent = withheld(plan.request.id, before, input.clock.now(), input.windowSeconds);
    const outcome = await session.transact(plan.request, () => undefined);
    if (outcome.state === 'verified') {
      return withheld(plan.request.id, before, input.clock.now(), outcome.revertsInSeconds);
    }
    return notBegun(outcome);
  } catch (error) {
    // Lost on the way: the host takes it back alone, which is what is asked of it.
    if (sent !== undefined && error instanceof HostLinkError) return sent;
    const outcome = untouchedOutcome(error);
    if (outcome.status === 'skipped') return outcome;
    if (outcome.status === 'unreachable' || outcome.status === 'failed')
      return { status: outcome.status, reason: outcome.reason, todo: outcome.todo };
    throw error;
  } finally {
    await session?.close();
  }
}

function termsOf(host: Host, run: string, input: DrillInput): DrillTerms {
  return {
    run,
    host: host.name,
    made: input.clock.now().toISOString(),
    nonce: Buffer.from(input.random(16)).toString('hex'),
    windowSeconds: input.windowSeconds,
    keepGenerations: input.keepGenerations,
  };
}

function withheld(transaction: string, before: Observation, now: Date, seconds: number): Withheld {
  return { transaction, before, begun: now, revertsAt: new Date(now.getTime() + seconds * 1000) };
}

function notBegun(outcome: TransactionOutcome): DrillResult {
  switch (outcome.state) {
    case 'refused':
      return { status: 'failed', reason: outcome.text, todo: 'nothing was touched; mend that and drill again' };
    case 'reverted':
      return {
        status: 'failed',
        reason: `it took the change back at once, at step ${outcome.step}: ${outcome.text}`,
        todo: 'see what `ipsec-deploy drift` says of it, then drill again',
      };
    case 'failed':
      return {
        status: 'broken',
        transaction: outcome.id,
        reason: `${outcome.step}: ${outcome.text}`,
        todo: 'log in and look: `ipsec-deploy status` shows the transaction',
      };
    case 'verified':
    case 'confirmed':
    case 'unknown':
      return {
        status: 'failed',
        reason: `it answered ${outcome.state} to a transaction`,
        todo: 'see `ipsec-deploy status`',
      };
  }
}

/** Asks over new connections that may only look, since another kind would itself take back what was abandoned. */
async function awaitReturn(host: Host, withheldChange: Withheld, input: DrillInput): Promise<DrillResult | undefined> {
  const { transaction, revertsAt } = withheldChange;
  const latest = new Date(revertsAt.getTime() + GRACE_SECONDS * 1000);
  let reason = '';
  let lateSeconds = 0;
  for (;;) {
    if (!(await waited(1, input))) return undefined;
    try {
      const result = await look(host, withheldChange, input);
      if (result !== undefined) return inTime(result, lateSeconds);
      reason = '';
      lateSeconds = Math.round((input.clock.now().getTime() - revertsAt.getTime()) / 1000);
    } catch (error) {
      reason = reasonOf(error);
    }
    if (input.clock.now() >= latest) break;
  }
  if (reason !== '') return { status: 'unknown', transaction, revertsAt: revertsAt.toISOString(), reason };
  return takeBack(host, transaction, input);
}

/** `lateSeconds`: how long after the window it was last seen with the change in force; time without a connection counts for nothing. */
function inTime(result: DrillResult, lateSeconds: number): DrillResult {
  if (result.status !== 'held' || lateSeconds < LATE_SECONDS) return result;
  return {
    status: 'broken',
    transaction: result.transaction,
    reason: `it came back by itself, and as it was, but ${lateSeconds} s after the window the change was still in force`,
    todo: 'a real change would have kept you out for that long: look what holds its dead-man up (`ps`, cpu, disk)',
  };
}

/** Undefined: still open. */
async function look(host: Host, change: Withheld, input: DrillInput): Promise<DrillResult | undefined> {
  const session = await input.link.open(host, { readOnly: true });
  try {
    const { outcome, openTransaction } = await session.status(change.transaction);
    if (openTransaction?.id === change.transaction) return undefined;
    const seconds = Math.round((input.clock.now().getTime() - change.begun.getTime()) / 1000);
    return judge(change, outcome, await session.observe(), input.windowSeconds, seconds);
  } finally {
    await session.close();
  }
}

function judge(
  change: Withheld,
  outcome: TransactionOutcome | undefined,
  after: Observation,
  windowSeconds: number,
  backAfterSeconds: number,
): DrillResult {
  const { transaction } = change;
  const otherwise = differences(change.before, after);
  if (outcome?.state === 'reverted' && outcome.text === NOT_CONFIRMED && otherwise.length === 0)
    return { status: 'held', transaction, windowSeconds, backAfterSeconds };
  if (outcome === undefined || outcome.state === 'unknown') {
    return {
      status: 'failed',
      reason: 'the connection was lost before the host began the transaction',
      todo: 'drill again',
    };
  }
  if (outcome.state === 'reverted' && outcome.text === INTERRUPTED && otherwise.length === 0) {
    return {
      status: 'broken',
      transaction,
      reason:
        'it is as it was, but not by its dead-man: that was gone, and what was left open was taken back at the next boot or contact',
      todo: 'if the host was restarted meanwhile, drill again; if not, do not push to it: look what ended its dead-man',
    };
  }
  const ended = 'text' in outcome ? `${outcome.state}: ${outcome.text}` : outcome.state;
  return {
    status: 'broken',
    transaction,
    reason: [`the transaction ended as ${ended}`, ...otherwise].join('; '),
    todo: 'do not push to this host before that is understood; `ipsec-deploy status` and `ipsec-deploy drift` say more',
  };
}

async function takeBack(host: Host, transaction: string, input: DrillInput): Promise<DrillResult> {
  const late = `it did not come back by itself within ${GRACE_SECONDS} s after the window`;
  const todo = 'do not push to this host: look why its dead-man does not act (`ps`, cpu, the state folder)';
  try {
    const session = await input.link.open(host);
    try {
      const { state } = await session.abort(transaction, () => undefined);
      return { status: 'broken', transaction, reason: `${late}; told to, it says ${state}`, todo };
    } finally {
      await session.close();
    }
  } catch (error) {
    return { status: 'broken', transaction, reason: `${late}; and cannot be told to: ${reasonOf(error)}`, todo };
  }
}

/** False when there is no waiting any more, as somebody wants to leave. */
async function waited(seconds: number, { clock, stop }: DrillInput): Promise<boolean> {
  if (stop.aborted) return false;
  try {
    await clock.after(Math.max(0, seconds), stop);
    return true;
  } catch (error) {
    if (stop.aborted) return false;
    throw error;
  }
}
