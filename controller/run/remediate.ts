/**
 * Brings hosts that drifted back to what was last confirmed on them: through the plan, proofs, dead-man and outcomes of any
 * other run. One group after the other; the first that does not end well is the last.
 */

import { AGAIN_MS, chooseRemediations, type LeftAlone, type RemediationRules } from '../drift/remediation.js';
import { BEGUN, planDigest, REMEDIATION_RUN, siftPlan } from '../drift/remediation-plan.js';
import type { DriftMemory, Quarantine, RemediationRecord } from '../model/drift.js';
import type { Host, Inventory, Settings } from '../model/host.js';
import type { HostOutcome, RunEvent } from '../model/run.js';
import { neighbours, withFormerLinks, type FleetPlan } from '../plan/fleet-plan.js';
import { fillFile } from '../plan/fill.js';
import type { HostPlan } from '../plan/host-plan.js';
import type { Clock, OwnNetwork, RandomBytes } from '../ports.js';
import { applyFleet } from './apply-fleet.js';
import type { FoundDrift, Remedied } from './drift-round.js';
import { proveChange } from './prove-change.js';
import { proveFleet, type Policies } from './prove-fleet.js';
import { planRollBackFleet } from './roll-back.js';
import type { SessionLot } from './session-lot.js';

export interface RemediateInput {
  readonly inventory: Inventory;
  readonly settings: Settings;
  readonly rules: RemediationRules;
  readonly lot: SessionLot;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly emit: (event: RunEvent) => void;
  /** Absent: links are not tried before what was put right is confirmed. */
  readonly own?: OwnNetwork;
}

/** What would be, or is to be, done. */
export interface RemediationPlan {
  readonly plan: FleetPlan;
  readonly records: readonly RemediationRecord[];
  readonly quarantines: readonly Quarantine[];
  readonly left: readonly LeftAlone[];
  readonly halted: string | undefined;
}

/** What befalls a host is told in the result, and does not throw. */
export async function remediate(input: RemediateInput, found: FoundDrift): Promise<Remedied> {
  const planned = await planRemediation(input, found);
  const records = [...planned.records];
  const quarantines = [...planned.quarantines];
  const left = [...planned.left];
  const { plan } = planned;
  let broken: string | undefined;
  for (const group of plan.groups) {
    if (broken !== undefined || found.stop.aborted) {
      const why = broken ?? 'stopped before its turn';
      left.push(...group.map((host) => ({ host, why })));
      continue;
    }
    const hosts = plan.hosts.filter(({ host }) => group.includes(host));
    const begun = hosts.map((host) => recordOf(host, BEGUN, input.clock.now()));
    await found.remember(begun);
    const outcomes = await carryOut(input, { ...plan, hosts, groups: [group], pulledIn: [], excluded: [] });
    for (const record of begun) {
      const outcome = outcomes.get(record.host);
      if (outcome === undefined) throw new Error(`${record.host} has no outcome`);
      const word = wordOf(outcome);
      records.push({ ...record, outcome: word });
      const ended = 'reason' in outcome ? `${word}: ${outcome.reason}` : word;
      if (word === 'reverted' || word === 'failed' || word === 'unknown')
        quarantines.push({
          host: record.host,
          since: input.clock.now().toISOString(),
          reason: `putting it right ${ended}`,
        });
      // A host that refuses was not touched: it keeps nobody waiting, and is not asked for ever.
      if (word === 'refused') {
        if (isRefusedAgain(found.memory, record))
          quarantines.push({ host: record.host, since: record.at, reason: `putting it right ended twice as ${ended}` });
        else left.push({ host: record.host, why: ended });
        continue;
      }
      if (word !== 'confirmed' && word !== 'unchanged') broken ??= `not begun, as ${record.host} ended as ${ended}`;
    }
  }
  return { records, quarantines, left, ...(planned.halted === undefined ? {} : { halted: planned.halted }) };
}

/** Chooses, looks at what was chosen, plans and proves. Changes nothing on any host. */
export async function planRemediation(
  input: RemediateInput,
  { pass, memory, stop }: Omit<FoundDrift, 'remember'>,
): Promise<RemediationPlan> {
  const { inventory, clock, lot } = input;
  const choice = chooseRemediations(memory, pass.looks, input.rules, clock.now());
  const chosen = new Set(choice.act.map(({ host }) => host));
  const { plan, policies, histories } = await planRollBackFleet({
    ...input,
    selected: inventory.hosts.filter(({ name }) => chosen.has(name)),
    target: { kind: 'current' },
    forks: input.settings.forks,
    stop,
  });
  const byName = new Map(inventory.hosts.map((host) => [host.name, host]));
  const sifted = siftPlan({
    plan,
    histories,
    memory,
    looks: pass.looks,
    near: withFormerLinks(input.rules.links, plan.hosts, new Set(byName.keys())),
    addresses: (name) => byName.get(name)?.addresses ?? [],
    now: clock.now(),
  });
  const proved = proveGroups(inventory, { ...plan, groups: sifted.groups }, policies, clock.now());
  const going = new Set(proved.plan.groups.flat());
  for (const host of plan.hosts) {
    const known = byName.get(host.host);
    if (known !== undefined && !going.has(host.host)) await lot.drop(known);
  }
  return {
    plan: {
      ...proved.plan,
      run: plan.run + REMEDIATION_RUN,
      hosts: plan.hosts.filter(({ host }) => going.has(host)),
      excluded: [],
    },
    records: [...sifted.unchanged, ...proved.records],
    quarantines: [...choice.quarantine, ...sifted.quarantines, ...proved.quarantines],
    left: [...choice.skip, ...sifted.left, ...proved.left],
    halted: choice.halted,
  };
}

/** The links that hosts are taken together by. */
export function linksOf({ links }: Inventory): RemediationRules['links'] {
  return neighbours(links);
}

/** A group with an objection is left out; what remains is proved again, as the hosts that stay out keep what they have now. */
function proveGroups(inventory: Inventory, whole: FleetPlan, policies: Policies, now: Date) {
  const left: LeftAlone[] = [];
  const quarantines: Quarantine[] = [];
  const records: RemediationRecord[] = [];
  let plan = whole;
  for (;;) {
    const reasons = objections(inventory, plan, policies);
    if (reasons.size === 0) return { plan, left, quarantines, records };
    for (const group of plan.groups) {
      const refused = group.filter((host) => reasons.has(host));
      for (const host of group) {
        const own = reasons.get(host);
        const mine = plan.hosts.find((one) => one.host === host);
        if (own !== undefined && mine !== undefined) {
          quarantines.push({ host, since: now.toISOString(), reason: `putting it right is refused: ${own}` });
          records.push(recordOf(mine, 'refused', now));
        } else if (refused.length > 0) {
          left.push({ host, why: `it moves together with ${refused.join(' and ')}, which is refused` });
        }
      }
    }
    plan = { ...plan, groups: plan.groups.filter((group) => !group.some((host) => reasons.has(host))) };
  }
}

/** By host: the first that its plan fails of. Nobody is there to accept a risk. */
function objections(inventory: Inventory, plan: FleetPlan, policies: Policies): ReadonlyMap<string, string> {
  const names = new Set(plan.groups.flat());
  const hosts = inventory.hosts.filter(({ name }) => names.has(name));
  const going = { ...plan, hosts: plan.hosts.filter(({ host }) => names.has(host)) };
  const reasons = new Map<string, string>();
  for (const { host, problem } of [
    ...proveFleet(inventory, hosts, policies),
    ...proveChange(inventory, going, policies),
  ]) {
    if (problem.severity === 'error' && names.has(host) && !reasons.has(host)) reasons.set(host, problem.what);
  }
  return reasons;
}

/** To its end: what is begun is not left to the timers of hosts because the service is stopped. */
function carryOut(
  { inventory, settings, lot, clock, random, emit, own }: RemediateInput,
  plan: FleetPlan,
): Promise<ReadonlyMap<string, HostOutcome>> {
  const noKeys = { salt: '', keys: new Map<string, never>() };
  return applyFleet({
    plan,
    hosts: new Map(inventory.hosts.map((host): [string, Host] => [host.name, host])),
    settings,
    ports: { lot, clock, fill: (file, generation) => fillFile(noKeys, file, generation), emit },
    random,
    stop: new AbortController().signal,
    ...(own && { probing: { inventory, own } }),
  });
}

/** Whether its last attempt, not long ago, was refused too, of the same plan. */
function isRefusedAgain({ remediations }: DriftMemory, { host, at, planDigest: digest }: RemediationRecord): boolean {
  const last = remediations.findLast((one) => one.host === host);
  if (last?.outcome !== 'refused' || last.planDigest !== digest) return false;
  return Date.parse(at) - Date.parse(last.at) < AGAIN_MS;
}

function recordOf(plan: HostPlan, outcome: string, now: Date): RemediationRecord {
  return { host: plan.host, at: now.toISOString(), outcome, planDigest: planDigest(plan) };
}

/** A host that refused to begin was not changed, and may be asked again. */
function wordOf(outcome: HostOutcome): string {
  if (outcome.status === 'failed') return outcome.touched ? 'failed' : 'refused';
  return outcome.status === 'skipped' ? 'refused' : outcome.status;
}
