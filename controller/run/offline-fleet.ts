/** A fleet as the inventory wants it, for commands that only look: rendered and read back, no host touched, nothing stored. */

import { InputProblems } from '../errors.js';
import type { Inventory } from '../model/host.js';
import type { KeyStore } from '../ports.js';
import type { PicturedEnd } from '../proof/flow-matrix.js';
import type { HostPicture } from '../proof/host-picture.js';
import { fleetPictures } from '../proof/pair-pictures.js';
import type { TemplateSource } from '../render/template-set.js';
import { gatherFleet, type DesiredFleet } from './desire-fleet.js';

export interface OfflineFleet {
  readonly inventory: Inventory;
  readonly fleet: DesiredFleet;
  readonly store: KeyStore;
  /** Hosts and ends that are not ours, by name. */
  readonly pictures: ReadonlyMap<string, HostPicture>;
  /** The same with their groups: hosts in inventory order, then the ends that are not ours. */
  readonly ends: readonly PicturedEnd[];
}

/** @throws InputProblems when a host's files cannot be made: there is nothing to look at then */
export function offlineFleet(
  inventory: Inventory,
  templates: readonly TemplateSource[],
  store: KeyStore,
): OfflineFleet {
  const { fleet, problems } = gatherFleet(inventory, inventory.hosts, templates, store);
  if (problems.some(({ severity }) => severity === 'error')) throw new InputProblems(problems);
  const pictures = fleetPictures(inventory, fleet.rendered, fleet.policies);
  return { inventory, fleet, store, pictures, ends: endsOf(inventory, pictures) };
}

function endsOf(inventory: Inventory, pictures: ReadonlyMap<string, HostPicture>): readonly PicturedEnd[] {
  const groups = new Map(inventory.hosts.map((host) => [host.name, host.groups.at(-1)]));
  const ends = [...pictures.values()].map((picture): PicturedEnd => {
    const { name, addresses } = picture;
    return { name, kind: groups.has(name) ? 'host' : 'external', group: groups.get(name), addresses, picture };
  });
  return ends.toSorted((a, b) => Number(a.kind === 'external') - Number(b.kind === 'external'));
}
