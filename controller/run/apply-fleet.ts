/** Carries out a fleet plan: groups of linked hosts are activated, looked at over new connections, and confirmed or taken back together. */

import PQueue from 'p-queue';

import type { Host, Settings } from '../model/host.js';
import { countProbes, DEFAULT_PROBES } from '../model/link-probe.js';
import type { HostOutcome } from '../model/run.js';
import type { FleetPlan } from '../plan/fleet-plan.js';
import type { HostPlan } from '../plan/host-plan.js';
import { isUnchanged } from '../plan/host-plan.js';
import type { HostSession, RandomBytes } from '../ports.js';
import {
  activate,
  confirm,
  reconnect,
  takeBack,
  takeBackLost,
  type Activation,
  type ApplyPorts,
  type Armed,
} from './apply-host.js';
import { reasonOf } from './link-outcome.js';
import { probeFailure } from './probe-failure.js';
import { probeGroup, type Probing } from './probe-group.js';

export interface ApplyInput {
  readonly plan: FleetPlan;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly settings: Settings;
  readonly ports: ApplyPorts;
  readonly random: RandomBytes;
  /** Raised by the first Ctrl-C: nothing new is begun, what is open is left to revert. */
  readonly stop: AbortSignal;
  /** Absent: links are not tried. */
  readonly probing?: Probing;
}

/** Later phases come first, so that hosts which wait for confirmation do not wait for hosts that have not begun. */
const FIRST = { activate: 0, reconnect: 1, confirm: 2 } as const;

export async function applyFleet(given: ApplyInput): Promise<ReadonlyMap<string, HostOutcome>> {
  const input = { ...given, ports: { ...given.ports, stop: given.stop } };
  const { plan, ports } = input;
  const outcomes = new Map<string, HostOutcome>();
  const end = (host: string, outcome: HostOutcome): void => {
    outcomes.set(host, outcome);
    ports.emit({ event: 'outcome', host, ...outcome });
  };
  for (const { host, outcome } of plan.excluded) end(host, outcome);
  for (const host of plan.hosts) {
    if (isUnchanged(host) && !outcomes.has(host.host))
      end(host.host, { status: 'unchanged', generation: host.expect.generation });
  }
  const queue = new PQueue({ concurrency: input.settings.forks });
  const plans = new Map(plan.hosts.map((host) => [host.host, host]));
  await Promise.all(plan.groups.map((group) => applyGroup(group, plans, input, queue, end)));
  return outcomes;
}

/**
 * Seconds until a member of a group reverts: the configured window, once more for every further batch of `forks` hosts, because the first
 * of them waits for the last.
 */
export function windowFor(groupSize: number, settings: Settings): number {
  return settings.confirmWindowSeconds * Math.max(1, Math.ceil(groupSize / settings.forks));
}

type End = (host: string, outcome: HostOutcome) => void;

async function applyGroup(
  group: readonly string[],
  plans: ReadonlyMap<string, HostPlan>,
  input: ApplyInput,
  queue: PQueue,
  end: End,
): Promise<void> {
  const armed: Armed[] = [];
  const lost: Promise<void>[] = [];
  let broken: string | undefined;
  const begin = async (name: string): Promise<void> => {
    const host = input.hosts.get(name);
    const plan = plans.get(name);
    if (host === undefined || plan === undefined)
      throw new Error(`the plan's group names ${name}, which has no plan or no host`);
    if (input.stop.aborted || broken !== undefined) {
      const reason =
        broken === undefined
          ? 'interrupted before its turn'
          : `not begun: ${broken}, and the ends of a link move together`;
      return end(name, { status: 'skipped', reason });
    }
    const activation: Activation = await activate(host, plan, terms(group.length, input), input.ports);
    if (activation.state === 'armed') {
      armed.push(activation);
      input.ports.emit({ event: 'host-phase', host: name, phase: 'waiting-for-peers' });
    } else if (activation.state === 'lost') {
      broken ??= `contact with ${name} was lost`;
      // It may stay away until its window is over: the others do not wait for that.
      lost.push(takeBackLost(activation, input.ports).then((outcome) => end(name, outcome)));
    } else {
      broken ??= `${name} ${activation.outcome.status}`;
      end(name, activation.outcome);
    }
  };
  await Promise.all(group.map((name) => queue.add(() => begin(name), { priority: FIRST.activate })));
  await Promise.all([endGroup(group, armed, broken, input, queue, end), ...lost]);
}

/** All members are confirmed, or all are taken back. */
async function endGroup(
  group: readonly string[],
  armed: readonly Armed[],
  broken: string | undefined,
  input: ApplyInput,
  queue: PQueue,
  end: End,
): Promise<void> {
  if (input.stop.aborted) return leaveOpen(armed, end);
  const reached = broken === undefined ? await reconnectAll(armed, input, queue) : broken;
  const sessions = typeof reached === 'string' ? reached : await tryLinks(group, reached, input);
  if (stopped(input.stop)) {
    if (typeof sessions !== 'string') await closeAll(sessions);
    return leaveOpen(armed, end);
  }
  if (typeof sessions === 'string') return takeBackAll(armed, sessions, input, queue, end);
  const confirmOne = async ([one, session]: Reached[number]): Promise<HostOutcome> => {
    const outcome = await confirm(one, session, input.ports);
    end(one.host.name, outcome);
    return outcome;
  };
  // The one whose window ends first goes first and by itself: if it has gone back meanwhile, the others go back with it.
  const [first, ...rest] = [...sessions].sort(([a], [b]) => a.revertsAt.getTime() - b.revertsAt.getTime());
  if (first === undefined) return;
  const outcome = await queue.add(() => confirmOne(first), { priority: FIRST.confirm });
  if (outcome.status !== 'confirmed') {
    await closeAll(rest);
    const others = rest.map(([one]) => one);
    return takeBackAll(others, `${first[0].host.name} ${outcome.status}`, input, queue, end);
  }
  await Promise.all(rest.map((one) => queue.add(() => confirmOne(one), { priority: FIRST.confirm })));
}

async function takeBackAll(
  armed: readonly Armed[],
  reason: string,
  input: ApplyInput,
  queue: PQueue,
  end: End,
): Promise<void> {
  const why = `taken back with its group: ${reason}`;
  await Promise.all(
    armed.map((one) =>
      queue.add(async () => end(one.host.name, await takeBack(one, why, input.ports)), { priority: FIRST.confirm }),
    ),
  );
}

type Reached = readonly (readonly [Armed, HostSession])[];

/** The connections given, or why a link of the group does not do what it promises: then they are closed. */
async function tryLinks(group: readonly string[], reached: Reached, input: ApplyInput): Promise<Reached | string> {
  const { plan, settings, ports, probing, stop } = input;
  if (probing === undefined || settings.probes === 'off' || stop.aborted) return reached;
  for (const [{ host }] of reached) ports.emit({ event: 'host-phase', host: host.name, phase: 'probing' });
  const { results, gaps, lost } = await probeGroup({
    plan,
    group,
    sessions: new Map(reached.map(([{ host }, session]) => [host.name, session] as const)),
    settings: settings.probes ?? DEFAULT_PROBES,
    probing,
    revertsAt: new Date(Math.min(...reached.map(([{ revertsAt }]) => revertsAt.getTime()))),
    windowSeconds: windowFor(group.length, settings),
    lot: ports.lot,
    clock: ports.clock,
    stop,
  });
  if (stop.aborted) return reached;
  for (const result of results) ports.emit({ event: 'probe', ...result });
  for (const gap of gaps) ports.emit({ event: 'probe-gap', ...gap });
  if (results.length + gaps.length > 0) ports.emit({ event: 'probed', hosts: group, ...countProbes(results) });
  const failure = probeFailure(results, lost);
  if (failure !== undefined) await closeAll(reached);
  return failure ?? reached;
}

async function closeAll(reached: Reached): Promise<void> {
  await Promise.all(reached.map(([, session]) => session.close()));
}

/** Asked anew after each wait. */
function stopped(stop: AbortSignal): boolean {
  return stop.aborted;
}

/** New connections to all members, or why one of them could not be reached. */
async function reconnectAll(armed: readonly Armed[], input: ApplyInput, queue: PQueue): Promise<Reached | string> {
  const sessions: (readonly [Armed, HostSession])[] = [];
  const failures: string[] = [];
  await Promise.all(
    armed.map((one) =>
      queue.add(
        async () => {
          if (failures.length > 0) return;
          try {
            sessions.push([one, await reconnect(one, input.ports)]);
          } catch (error) {
            failures.push(`${one.host.name} does not let a new connection in (${reasonOf(error)})`);
          }
        },
        { priority: FIRST.reconnect },
      ),
    ),
  );
  const [failure] = failures;
  if (failure === undefined) return sessions;
  await closeAll(sessions);
  return failure;
}

function leaveOpen(armed: readonly Armed[], end: End): void {
  for (const one of armed) {
    end(one.host.name, {
      status: 'unknown',
      transaction: one.transaction,
      revertsAt: one.revertsAt.toISOString(),
      reason: 'interrupted before it was confirmed',
    });
  }
}

function terms(groupSize: number, input: ApplyInput): Parameters<typeof activate>[2] {
  return {
    run: input.plan.run,
    made: input.plan.made,
    nonce: Buffer.from(input.random(16)).toString('hex'),
    windowSeconds: windowFor(groupSize, input.settings),
    keepGenerations: input.settings.keepGenerations,
  };
}
