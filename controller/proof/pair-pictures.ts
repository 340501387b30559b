/** The pictures of a whole fleet from what it renders to, the ends that are not ours among them: what is handed over to them. */

import { sameAddress, type Address } from '../model/address.js';
import type { Inventory } from '../model/host.js';
import type { LoadedRule } from '../model/policy.js';
import { namesOf } from '../render/host-names.js';
import type { RenderedHost } from '../render/read-files.js';
import { pictureOfRendered, type HostPicture } from './host-picture.js';

/** `loaded`: rules that each host would load, for a caller that has asked already. Ends that were not rendered have no picture. */
export function fleetPictures(
  inventory: Inventory,
  rendered: ReadonlyMap<string, RenderedHost>,
  loaded: ReadonlyMap<string, readonly LoadedRule[]> = new Map(),
): ReadonlyMap<string, HostPicture> {
  const hosts = new Map(inventory.hosts.map((host) => [host.name, host]));
  const externals = externalAddresses(inventory);
  const pictures = new Map<string, HostPicture>();
  for (const [name, files] of rendered) {
    const host = hosts.get(name);
    const rules = loaded.get(name);
    const picture = pictureOfRendered({
      name,
      addresses: host?.addresses ?? externals.get(name) ?? [],
      rendered: files,
      ...(host && { names: namesOf(host) }),
      ...(rules && { loaded: rules }),
    });
    pictures.set(name, picture);
  }
  return pictures;
}

/** By name: each address once. */
function externalAddresses({ links }: Inventory): ReadonlyMap<string, readonly Address[]> {
  const all = new Map<string, Address[]>();
  for (const end of links.flatMap(({ ends }) => ends)) {
    if (end.kind !== 'external') continue;
    const known = all.get(end.name) ?? [];
    for (const address of end.addresses) if (!known.some((other) => sameAddress(address, other))) known.push(address);
    all.set(end.name, known);
  }
  return all;
}
