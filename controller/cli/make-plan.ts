/** From a context to a proven fleet plan: what plan, apply, rollback and verify have in common. */

import type { Problem } from '../errors.js';
import type { KeyStore } from '../ports.js';
import type { FleetPlan } from '../plan/fleet-plan.js';
import type { DesiredFleet } from '../run/desire-fleet.js';
import type { ObserveHost } from '../run/observe-fleet.js';
import { planFleet } from '../run/plan-fleet.js';
import { proveChange } from '../run/prove-change.js';
import { aboutPush, proveFleet, type Objection, type Policies, type RenderedFiles } from '../run/prove-fleet.js';
import type { SessionLot } from '../run/session-lot.js';
import type { RiskArguments } from './arguments.js';
import { prepareFleet, tellWarnings, type Context } from './context.js';

export interface MadePlan {
  readonly plan: FleetPlan;
  readonly store: KeyStore;
  /** Why it must not be carried out, by what the hosts are now; tells what was accepted. Empty = it may. */
  refusals(): readonly Problem[];
}

type AcceptedRisks = RiskArguments['accept-risk'];

/**
 * Looks at the hosts even where a proof fails: whether that matters depends on what would be pushed. `looking`: for a look that asks more
 * than a plan needs.
 */
export async function makePlan(
  context: Context,
  lot: SessionLot,
  risks: AcceptedRisks,
  stop: AbortSignal,
  looking?: (fleet: DesiredFleet) => ObserveHost,
): Promise<MadePlan> {
  const { store, fleet } = await prepareFleet(context);
  const plan = await planFleet({
    inventory: context.inventory,
    selected: context.selected,
    desired: fleet.desired,
    policies: fleet.policies,
    digest: fleet.digest,
    salt: store.salt,
    forks: context.settings.forks,
    lot,
    clock: context.clock,
    random: context.random,
    stop,
    emit: (event) => context.log.event('debug', event.event, { ...event }),
    acceptUnreachablePeers: risks.includes('peer-unreachable'),
    observe: looking?.(fleet),
  });
  return { plan, store, refusals: () => proveAll(context, plan, fleet.policies, risks, fleet.rendered) };
}

function objectionsTo(
  { inventory, clock }: Context,
  policies: Policies,
  hosts: readonly string[],
  rendered?: RenderedFiles,
): readonly Objection[] {
  const wanted = new Set(hosts);
  const named = inventory.hosts.filter((host) => wanted.has(host.name));
  return proveFleet(inventory, named, policies, rendered, clock.now().toISOString().slice(0, 10));
}

/** The policies that were chosen, and what a plan has to stand besides: the hosts as they are now, and those that were pulled in. */
function proveAll(
  context: Context,
  plan: FleetPlan,
  policies: Policies,
  risks: AcceptedRisks,
  rendered: RenderedFiles,
): readonly Problem[] {
  const names = [...context.selected.map(({ name }) => name), ...plan.pulledIn.map(({ host }) => host)];
  const objections = [
    ...objectionsTo(context, policies, names, rendered),
    ...proveChange(context.inventory, plan, policies, rendered),
  ];
  return weigh(context, aboutPush(objections, new Set(plan.groups.flat())), risks);
}

/** The whole proof of a plan that was not made here: one back to a kept generation, or one from a file. */
export function provePlan(
  context: Context,
  plan: FleetPlan,
  policies: Policies,
  risks: AcceptedRisks,
): readonly Problem[] {
  const objections = objectionsTo(context, policies, plan.groups.flat());
  return weigh(context, [...objections, ...proveChange(context.inventory, plan, policies)], risks);
}

/** Tells what was accepted, and what is no more than a warning; returns the rest. */
function weigh(context: Context, objections: readonly Objection[], risks: AcceptedRisks): readonly Problem[] {
  const isFault = ({ problem }: Objection): boolean => problem.severity === 'error';
  const isAccepted = ({ risk }: Objection): boolean => risks.includes(risk);
  tellWarnings(
    context,
    objections.flatMap((objection): readonly Problem[] => {
      const { risk, problem } = objection;
      if (!isFault(objection)) return [problem];
      if (!isAccepted(objection)) return [];
      return [{ ...problem, severity: 'warning', todo: `accepted by --accept-risk ${risk}` }];
    }),
  );
  return objections.filter((one) => isFault(one) && !isAccepted(one)).map(({ problem }) => problem);
}
