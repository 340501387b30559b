/** Hosts as they are against the inventory, one by one: nobody is pulled in, nothing is opened for a change. */

import type { Inventory, Host } from '../model/host.js';
import type { HostOutcome } from '../model/run.js';
import type { HostPlan } from '../plan/host-plan.js';
import { planHost } from '../plan/plan-host.js';
import { addressNames } from '../proof/address-names.js';
import { namesOf } from '../render/host-names.js';
import type { DesiredFleet } from './desire-fleet.js';
import { observeFleet, type ObserveInput } from './observe-fleet.js';

export type HostDifference =
  | { readonly kind: 'compared'; readonly plan: HostPlan }
  | { readonly kind: 'failed'; readonly host: string; readonly outcome: HostOutcome };

export interface DiffFleetInput extends Omit<ObserveInput, 'desired' | 'digest' | 'purpose'> {
  readonly inventory: Inventory;
  readonly fleet: DesiredFleet;
}

/** In inventory order. */
export async function diffFleet({ inventory, fleet, ...input }: DiffFleetInput): Promise<readonly HostDifference[]> {
  const { desired, digest } = fleet;
  const looks = await observeFleet({ ...input, purpose: 'judgement', desired, digest });
  const nameOf = addressNames(inventory);
  return input.hosts.flatMap((host: Host): readonly HostDifference[] => {
    const look = looks.get(host.name);
    const wanted = desired.get(host.name);
    if (look?.kind === 'failed') return [{ kind: 'failed', host: host.name, outcome: look.outcome }];
    if (look === undefined || wanted === undefined) return [];
    const rules = fleet.policies.get(host.name) ?? [];
    const naming = { tables: namesOf(host), nameOf, addresses: host.addresses };
    return [{ kind: 'compared', plan: planHost({ desired: wanted, rules, naming, digest, ...look.host }) }];
  });
}
