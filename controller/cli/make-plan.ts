/** From a context to a proven fleet plan: what plan, apply and verify have in common. */

import { InputProblems } from '../errors.js';
import type { KeyStore } from '../ports.js';
import type { FleetPlan } from '../plan/fleet-plan.js';
import { planFleet } from '../run/plan-fleet.js';
import { proveFleet, type Objection, type Policies } from '../run/prove-fleet.js';
import type { SessionLot } from '../run/session-lot.js';
import type { RiskArguments } from './arguments.js';
import { prepareFleet, tellWarnings, type Context } from './context.js';

export interface MadePlan {
  readonly plan: FleetPlan;
  readonly store: KeyStore;
}

export async function makePlan(
  context: Context,
  lot: SessionLot,
  risks: RiskArguments['accept-risk'],
  stop: AbortSignal,
): Promise<MadePlan> {
  const { store, fleet } = await prepareFleet(context);
  prove(
    context,
    fleet.policies,
    context.selected.map((host) => host.name),
    risks,
  );
  const plan = await planFleet({
    inventory: context.inventory,
    selected: context.selected,
    desired: fleet.desired,
    digest: fleet.digest,
    salt: store.salt,
    forks: context.settings.forks,
    lot,
    clock: context.clock,
    random: context.random,
    stop,
    emit: (event) => context.log.event('debug', event.event, { ...event }),
    acceptUnreachablePeers: risks.includes('peer-unreachable'),
  });
  // A host that was pulled in has to stand the same proof as one that was chosen.
  if (plan.pulledIn.length > 0)
    prove(
      context,
      fleet.policies,
      plan.pulledIn.map(({ host }) => host),
      risks,
    );
  return { plan, store };
}

/** Refuses a plan that fails a proof, unless each objection was accepted by name; accepted ones are told as warnings. */
export function prove(
  context: Context,
  policies: Policies,
  hosts: readonly string[],
  risks: RiskArguments['accept-risk'],
): void {
  const wanted = new Set(hosts);
  const objections = proveFleet(
    context.inventory,
    context.inventory.hosts.filter((host) => wanted.has(host.name)),
    policies,
  );
  const accepted = (objection: Objection): boolean => risks.includes(objection.risk);
  const refused = objections.filter((objection) => !accepted(objection));
  if (refused.length > 0) throw new InputProblems(refused.map(({ problem }) => problem));
  tellWarnings(
    context,
    objections.map(({ problem }) => ({ ...problem, severity: 'warning', todo: 'accepted by --accept-risk' })),
  );
}
