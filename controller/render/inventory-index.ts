/** The inventory arranged for rendering: each host's links at hand, and what is read from vars read once. */

import type { Host, Inventory, Link } from '../model/host.js';
import { type HostsByName, hostsByName } from '../keys/address-pairs.js';
import { type HostVars, readHostVars } from './host-vars.js';

export interface InventoryIndex {
  readonly inventory: Inventory;
  readonly hosts: HostsByName;
  /** In inventory order. */
  linksOf(host: string): readonly Link[];
  varsOf(host: Host): HostVars;
}

/** Build it once for a run: rendering a host then costs only that host's links. */
export function indexInventory(inventory: Inventory): InventoryIndex {
  const links = new Map<string, Link[]>();
  for (const link of inventory.links) {
    for (const end of link.ends) {
      if (end.kind !== 'host') continue;
      const known = links.get(end.host);
      if (known === undefined) links.set(end.host, [link]);
      else known.push(link);
    }
  }
  const vars = new Map<string, HostVars>();
  return {
    inventory,
    hosts: hostsByName(inventory),
    linksOf: (host) => links.get(host) ?? [],
    varsOf: (host) => {
      const known = vars.get(host.name) ?? readHostVars(host);
      vars.set(host.name, known);
      return known;
    },
  };
}
