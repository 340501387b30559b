/** From the selected hosts to a fleet plan: look at them and their peers, compare, decide who moves together. */

import { linkPeers } from '../inventory/select.js';
import type { Host, Inventory } from '../model/host.js';
import type { LoadedRule } from '../model/policy.js';
import type { HostOutcome, RunEvent } from '../model/run.js';
import { groupsOf, neighbours, scopeOf, withFormerLinks, type FleetPlan, type Neighbours } from '../plan/fleet-plan.js';
import type { HostPlan } from '../plan/host-plan.js';
import { isUnchanged } from '../plan/host-plan.js';
import type { DesiredHost, DigestFile } from '../plan/file-changes.js';
import { planHost } from '../plan/plan-host.js';
import type { Clock, RandomBytes } from '../ports.js';
import { addressNames } from '../proof/address-names.js';
import { namesOf } from '../render/host-names.js';
import { observeFleet, type Look, type ObserveHost } from './observe-fleet.js';
import type { SessionLot } from './session-lot.js';

export interface PlanFleetInput {
  readonly inventory: Inventory;
  readonly selected: readonly Host[];
  /** Every host that may be pulled in has its desired state here. */
  readonly desired: ReadonlyMap<string, DesiredHost>;
  /** The rules it loads. */
  readonly policies: ReadonlyMap<string, readonly LoadedRule[]>;
  readonly digest: DigestFile;
  readonly salt: string;
  readonly forks: number;
  readonly lot: SessionLot;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly stop: AbortSignal;
  readonly emit: (event: RunEvent) => void;
  /** Go on with one end of a link although the other could not be looked at. */
  readonly acceptUnreachablePeers: boolean;
  /** How hosts are looked at only to judge them; by default with `observe`. */
  readonly observe?: ObserveHost | undefined;
}

export async function planFleet(input: PlanFleetInput): Promise<FleetPlan> {
  const links = neighbours(input.inventory.links);
  const nameOf = addressNames(input.inventory);
  const names = new Set(input.inventory.hosts.map((host) => host.name));
  const looks = new Map<string, Look>();
  const plans = new Map<string, HostPlan>();
  let near = links;
  // A peer that is pulled in may pull in its own; a link that is gone is known only once one of its ends has been looked at.
  // Whoever looks in a way of its own judges, and changes nothing.
  const purpose = input.observe === undefined ? 'change' : 'judgement';
  for (let next = withPeers(input.selected, input.inventory); next.length > 0;) {
    for (const [name, look] of await observeFleet({ ...input, purpose, hosts: next })) looks.set(name, look);
    for (const host of next) {
      const look = looks.get(host.name);
      const desired = input.desired.get(host.name);
      if (look?.kind === 'seen' && desired !== undefined) {
        const rules = input.policies.get(host.name) ?? [];
        const naming = { tables: namesOf(host), nameOf, addresses: host.addresses };
        plans.set(
          host.name,
          planHost({ desired, rules, naming, syntax: host.syntax, digest: input.digest, ...look.host }),
        );
      }
    }
    near = withFormerLinks(links, plans.values(), names);
    const wanted = peersOfChanges(input, plans, near);
    next = input.inventory.hosts.filter((host) => wanted.has(host.name) && !looks.has(host.name));
  }
  const hosts = input.inventory.hosts.filter((host) => looks.has(host.name));
  return fleetPlan(input, hosts, looks, plans, near);
}

/** Everybody who shares a link with a host that is in so far and has something to do. */
function peersOfChanges(
  input: PlanFleetInput,
  plans: ReadonlyMap<string, HostPlan>,
  near: Neighbours,
): ReadonlySet<string> {
  const { included } = scopeOf(selectedNames(input), plans, near, addressesOf(input.inventory));
  const peers = new Set<string>();
  for (const name of included) {
    const plan = plans.get(name);
    if (plan === undefined || isUnchanged(plan)) continue;
    for (const { end } of near.get(name) ?? []) if (end.kind === 'host') peers.add(end.host);
  }
  return peers;
}

function selectedNames(input: PlanFleetInput): readonly string[] {
  return input.selected.map((host) => host.name);
}

function addressesOf(inventory: Inventory): (name: string) => Host['addresses'] {
  const byName = new Map(inventory.hosts.map((host) => [host.name, host]));
  return (name) => byName.get(name)?.addresses ?? [];
}

/** An id that sorts by time and cannot be met twice. */
export function runId(now: Date, random: RandomBytes): string {
  const stamp = now.toISOString().replace(/[-:]|\.\d+/g, '');
  return `${stamp}-${Buffer.from(random(2)).toString('hex')}`;
}

function withPeers(selected: readonly Host[], inventory: Inventory): readonly Host[] {
  if (selected.length === inventory.hosts.length) return inventory.hosts;
  const wanted = new Set([...selected.map((host) => host.name), ...linkPeers(inventory, selected)]);
  return inventory.hosts.filter((host) => wanted.has(host.name));
}

async function fleetPlan(
  input: PlanFleetInput,
  hosts: readonly Host[],
  looks: ReadonlyMap<string, Look>,
  plans: ReadonlyMap<string, HostPlan>,
  near: Neighbours,
): Promise<FleetPlan> {
  const addresses = addressesOf(input.inventory);
  const selected = selectedNames(input);
  const scope = scopeOf(selected, plans, near, addresses);
  const excluded: { host: string; outcome: HostOutcome }[] = [];
  for (const name of selected) {
    const look = looks.get(name);
    if (look?.kind === 'failed') excluded.push({ host: name, outcome: look.outcome });
  }
  const included = hosts.map((host) => host.name).filter((name) => scope.included.has(name));
  const groups = groupsOf(included, plans, near, addresses);
  const kept = input.acceptUnreachablePeers
    ? groups
    : groups.filter((group) => keepGroup(group, scope.blocked, looks, excluded));
  const stays = new Set(kept.flat());
  const planned = included.flatMap((name) => {
    const plan = plans.get(name);
    return plan !== undefined && (isUnchanged(plan) || stays.has(name)) ? [plan] : [];
  });
  for (const host of hosts) {
    if (!stays.has(host.name)) await input.lot.drop(host);
  }
  const now = input.clock.now();
  return {
    run: runId(now, input.random),
    fleet: input.inventory.fleet,
    made: now.toISOString(),
    hosts: planned,
    groups: kept,
    pulledIn: scope.pulledIn.filter(({ host }) => stays.has(host)),
    excluded,
  };
}

/** A group with a member whose peer cannot be seen is left out whole: both ends of a link move together (design I5). */
function keepGroup(
  group: readonly string[],
  blocked: ReadonlyMap<string, string>,
  looks: ReadonlyMap<string, Look>,
  excluded: { host: string; outcome: HostOutcome }[],
): boolean {
  const member = group.find((name) => blocked.has(name));
  if (member === undefined) return true;
  const peer = blocked.get(member) ?? '';
  const look = looks.get(peer);
  const why = look?.kind === 'failed' && 'reason' in look.outcome ? ` (${look.outcome.reason})` : '';
  for (const host of group) {
    excluded.push({
      host,
      outcome: {
        status: 'failed',
        touched: false,
        reason: `the change on ${member} concerns its link to ${peer}, which cannot be changed with it${why}`,
        todo: `bring ${peer} back, or go on without it: --accept-risk peer-unreachable`,
      },
    });
  }
  return false;
}
