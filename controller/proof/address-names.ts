/** What addresses are called by whoever reads a proof: hosts and external ends by name. */

import { formatAddress } from '../model/address.js';
import type { Inventory } from '../model/host.js';
import type { AddressName } from '../policy/region-text.js';

export function addressNames({ hosts, links }: Pick<Inventory, 'hosts' | 'links'>): AddressName {
  const names = new Map<string, string>();
  for (const { ends } of links)
    for (const end of ends)
      if (end.kind === 'external') for (const address of end.addresses) names.set(formatAddress(address), end.name);
  for (const { name, addresses } of hosts) for (const address of addresses) names.set(formatAddress(address), name);
  return (address) => names.get(formatAddress(address));
}
