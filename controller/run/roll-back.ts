/** A fleet plan back to generations that the hosts keep, and what their peers must do with them. */

import PQueue from 'p-queue';

import type { Host, Inventory } from '../model/host.js';
import type { HostOutcome, RunEvent } from '../model/run.js';
import { holdsKeys } from '../model/managed-file.js';
import type { LoadedRule } from '../model/policy.js';
import { canonicalListing } from '../policy/canonical-listing.js';
import { predictLoad } from '../policy/predict-load.js';
import { groupsOf, neighbours, withFormerLinks, type FleetPlan } from '../plan/fleet-plan.js';
import type { HostPlan } from '../plan/host-plan.js';
import { inTheWay } from '../plan/in-the-way.js';
import { isUnchanged } from '../plan/host-plan.js';
import { addressNames } from '../proof/address-names.js';
import type { AddressName } from '../policy/region-text.js';
import { namesOf } from '../render/host-names.js';
import { detectPlatform } from '../platform/detect.js';
import { managedPaths } from '../platform/adapter.js';
import { planRollBack } from '../plan/plan-roll-back.js';
import type { Clock, HostSession, RandomBytes } from '../ports.js';
import { untouchedOutcome } from './link-outcome.js';
import { whyBusy } from './observe-fleet.js';
import { runId } from './plan-fleet.js';
import type { SessionLot } from './session-lot.js';

/** `previous`: what was current before the last confirmed run. `current`: what was confirmed last, for a host that left it by itself. */
export type RollBackTarget =
  | { readonly kind: 'previous' }
  | { readonly kind: 'current' }
  | { readonly kind: 'generation'; readonly number: number };

export interface RollBackFleetInput {
  readonly inventory: Inventory;
  readonly selected: readonly Host[];
  readonly target: RollBackTarget;
  readonly forks: number;
  readonly lot: SessionLot;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly stop: AbortSignal;
  readonly emit: (event: RunEvent) => void;
}

export interface RollBackFleetPlan {
  readonly plan: FleetPlan;
  /** Rules each host would have loaded, for the same proofs as any other plan. */
  readonly policies: ReadonlyMap<string, readonly LoadedRule[]>;
  /** The last lines of each host's own history, latest last. */
  readonly histories: ReadonlyMap<string, readonly string[]>;
}

interface Seen {
  readonly plan: HostPlan;
  readonly history: readonly string[];
  readonly run: string | undefined;
  readonly rules: readonly LoadedRule[];
}

type Result = { readonly seen: Seen } | { readonly outcome: HostOutcome };

export async function planRollBackFleet(input: RollBackFleetInput): Promise<RollBackFleetPlan> {
  const queue = new PQueue({ concurrency: input.forks });
  const results = new Map<string, Result>();
  const nameOf = addressNames(input.inventory);
  const look = async (host: Host): Promise<void> => {
    results.set(host.name, await lookBack(host, input, nameOf));
  };
  await Promise.all(input.selected.map((host) => queue.add(() => look(host))));
  const pulledIn: { host: string; because: string }[] = [];
  const near = neighbours(input.inventory.links);
  const byName = new Map(input.inventory.hosts.map((host) => [host.name, host]));
  const names = new Set(byName.keys());
  const waiting = [...input.selected];
  for (let host = waiting.shift(); host !== undefined; host = waiting.shift()) {
    const mine = results.get(host.name);
    if (mine === undefined || !('seen' in mine) || isUnchanged(mine.seen.plan)) continue;
    for (const { end } of withFormerLinks(near, [mine.seen.plan], names).get(host.name) ?? []) {
      const peer = end.kind === 'host' ? byName.get(end.host) : undefined;
      if (peer === undefined || results.has(peer.name) || input.target.kind !== 'previous') continue;
      await look(peer);
      const theirs = results.get(peer.name);
      // What one run changed on both ends goes back on both ends.
      if (theirs !== undefined && 'seen' in theirs && theirs.seen.run === mine.seen.run) {
        pulledIn.push({ host: peer.name, because: host.name });
        waiting.push(peer);
      } else {
        results.delete(peer.name);
        await input.lot.drop(peer);
      }
    }
  }
  return assemble(input, results, pulledIn);
}

function assemble(
  input: RollBackFleetInput,
  results: ReadonlyMap<string, Result>,
  pulledIn: FleetPlan['pulledIn'],
): RollBackFleetPlan {
  const plans = new Map<string, HostPlan>();
  const policies = new Map<string, readonly LoadedRule[]>();
  const histories = new Map<string, readonly string[]>();
  const excluded: { host: string; outcome: HostOutcome }[] = [];
  for (const host of input.inventory.hosts) {
    const result = results.get(host.name);
    if (result === undefined) continue;
    if ('outcome' in result) excluded.push({ host: host.name, outcome: result.outcome });
    else {
      plans.set(host.name, result.seen.plan);
      policies.set(host.name, result.seen.rules);
      histories.set(host.name, result.seen.history);
    }
  }
  const byName = new Map(input.inventory.hosts.map((host) => [host.name, host]));
  const near = withFormerLinks(neighbours(input.inventory.links), plans.values(), new Set(byName.keys()));
  const now = input.clock.now();
  const plan: FleetPlan = {
    run: runId(now, input.random),
    fleet: input.inventory.fleet,
    made: now.toISOString(),
    hosts: [...plans.values()],
    groups: groupsOf([...plans.keys()], plans, near, (name) => byName.get(name)?.addresses ?? []),
    pulledIn,
    excluded,
  };
  return { plan, policies, histories };
}

async function lookBack(host: Host, input: RollBackFleetInput, nameOf: AddressName): Promise<Result> {
  if (input.stop.aborted) return { outcome: { status: 'skipped', reason: 'interrupted before its turn' } };
  input.emit({ event: 'host-phase', host: host.name, phase: 'connecting' });
  let session: HostSession | undefined;
  try {
    session = await input.lot.openNew(host);
    const result = await planBack(host, session, input.target, nameOf);
    input.emit({ event: 'host-phase', host: host.name, phase: 'observed' });
    await input.lot.keep(host, session);
    return result;
  } catch (error) {
    await session?.close();
    return { outcome: untouchedOutcome(error) };
  }
}

async function planBack(
  host: Host,
  session: HostSession,
  target: RollBackTarget,
  nameOf: AddressName,
): Promise<Result> {
  const seen = await session.observe();
  const detected = detectPlatform(seen.facts, host.platform);
  if ('refusal' in detected) return { outcome: untouched(detected.refusal, detected.todo) };
  const busy = whyBusy(seen);
  if (busy !== undefined) return { outcome: busy };
  const { adapter } = detected;
  const blocked = inTheWay(seen, adapter);
  if (blocked !== undefined) return { outcome: untouched(blocked.refusal, blocked.todo) };
  const status = await session.status();
  const kept = status.kept.map((one) => one.generation);
  const number = numberOf(target, seen.generation ?? 0, kept);
  if (!kept.includes(number)) return { outcome: notKept(target, kept) };
  const stored = await session.generation(number);
  const currentTexts = new Map<string, string>();
  for (const path of managedPaths(adapter)) {
    const present = seen.files.some((file) => file.path === path && file.state === 'present');
    if (present && !holdsKeys(path)) currentTexts.set(path, await session.read(path));
  }
  const policy = stored.files.find((file) => file.path === adapter.files.policy)?.text;
  const tables = namesOf(host);
  const rules = policy === undefined ? [] : predictLoad(policy, tables).rules;
  const targetSpd = canonicalListing(rules);
  const plan = planRollBack({
    host: host.name,
    seen,
    target: stored,
    targetSpd,
    targetRules: rules,
    currentTexts,
    adapter,
    naming: { tables, nameOf, addresses: host.addresses },
    syntax: host.syntax,
    ...(host.modes === undefined ? {} : { modes: host.modes }),
  });
  return { seen: { plan, history: status.history, run: seen.run, rules } };
}

function numberOf(target: RollBackTarget, current: number, kept: readonly number[]): number {
  switch (target.kind) {
    case 'generation':
      return target.number;
    case 'current':
      return current;
    case 'previous':
      return Math.max(...kept.filter((one) => one < current));
  }
}

function notKept(target: RollBackTarget, kept: readonly number[]): HostOutcome {
  if (kept.length === 0) return untouched('no generation is kept there', 'nothing was ever applied to it');
  const list = kept.join(', ');
  if (target.kind === 'previous') return untouched('no earlier generation is kept there', `it keeps ${list}`);
  if (target.kind === 'current') return untouched('its current generation is not kept there', `it keeps ${list}`);
  return untouched(`generation ${target.number} is not kept there`, `it keeps ${list}: choose one with --to`);
}

function untouched(reason: string, todo: string): HostOutcome {
  return { status: 'failed', touched: false, reason, todo };
}
