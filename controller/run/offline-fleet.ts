/** A fleet as the inventory wants it, for commands that only look: rendered and read back, no host touched, nothing stored. */

import { InputProblems, type Problem } from '../errors.js';
import type { MatrixEnd } from '../proof/flow-matrix.js';
import type { Inventory } from '../model/host.js';
import type { KeyStore } from '../ports.js';
import { predictLoad } from '../policy/predict-load.js';
import { dummyText } from '../render/read-back.js';
import type { TemplateSource } from '../render/template-set.js';
import { gatherFleet, type DesiredFleet } from './desire-fleet.js';

export interface OfflineFleet {
  readonly inventory: Inventory;
  readonly fleet: DesiredFleet;
  readonly store: KeyStore;
  /** Hosts in inventory order, then the ends that are not ours. */
  readonly ends: readonly MatrixEnd[];
}

/** @throws InputProblems when a host's files cannot be made: there is nothing to look at then */
export function offlineFleet(
  inventory: Inventory,
  templates: readonly TemplateSource[],
  store: KeyStore,
): OfflineFleet {
  const { fleet, problems } = gatherFleet(inventory, inventory.hosts, templates, store);
  if (problems.some((problem: Problem) => problem.severity === 'error')) throw new InputProblems(problems);
  return { inventory, fleet, store, ends: fleetEnds(inventory, fleet) };
}

export function fleetEnds(inventory: Inventory, fleet: DesiredFleet): readonly MatrixEnd[] {
  const hosts = inventory.hosts.map((host): MatrixEnd => ({
    name: host.name,
    kind: 'host',
    group: host.groups.at(-1),
    addresses: host.addresses,
    rules: fleet.policies.get(host.name) ?? [],
  }));
  return [...hosts, ...externalEnds(inventory, fleet)];
}

/** What an end that is not ours will do once its operator has installed what we hand over. */
function externalEnds(inventory: Inventory, fleet: DesiredFleet): readonly MatrixEnd[] {
  const ends = new Map<string, MatrixEnd>();
  for (const end of inventory.links.flatMap((link) => link.ends)) {
    if (end.kind !== 'external') continue;
    const rendered = fleet.rendered.get(end.name);
    const policy = rendered?.files.find(({ path }) => path === '/etc/inet/ipsecinit.conf');
    const text = policy === undefined || rendered === undefined ? '' : dummyText(policy, rendered.keyBits);
    const known = ends.get(end.name);
    ends.set(end.name, {
      name: end.name,
      kind: 'external',
      group: undefined,
      addresses: [...(known?.addresses ?? []), ...end.addresses].filter(
        (address, i, all) => all.findIndex((one) => one.family === address.family && one.value === address.value) === i,
      ),
      rules: known?.rules ?? predictLoad(text).rules,
    });
  }
  return [...ends.values()];
}
