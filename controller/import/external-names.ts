/** Names for ends that are not imported: what the hosts call them, else their address. */

import { type Address, formatAddress } from '../model/address.js';
import type { HostReading } from './host-reading.js';
import { isName } from './inventory-names.js';

/** The same address always has the same name, two addresses never share one. */
export function externalNames(hosts: readonly HostReading[]): (address: Address) => string {
  const taken = new Set(hosts.map(({ host }) => host.name));
  const given = new Map<string, string>();
  return (address) => {
    const text = formatAddress(address);
    const known = given.get(text);
    if (known !== undefined) return known;
    const called = hosts
      .flatMap(({ namesByAddress }) => namesByAddress.get(text) ?? [])
      .find((name) => isName(name) && !taken.has(name));
    const name = called ?? fresh(`peer-${text.replace(/[.:]+/g, '-').replace(/-$/, '-0')}`, taken);
    taken.add(name);
    given.set(text, name);
    return name;
  };
}

function fresh(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}-${i}`;
  return name;
}
