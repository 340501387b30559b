/** What names in a host's own files stand for: those every host knows, and the inventory's `names:` of that host. */

import { type Address, parseAddress } from '../model/address.js';
import type { Host } from '../model/host.js';
import type { AddressLookup } from '../keys/parse-key-values.js';
import { type NameTables, withHosts } from '../policy/name-tables.js';
import { STOCK_NAMES } from '../policy/stock-names.js';

export function namesOf(host: Pick<Host, 'names'>): NameTables {
  return host.names === undefined ? STOCK_NAMES : withHosts(STOCK_NAMES, host.names);
}

/** The same for key files, which take addresses and names alike. */
export function keyFileNames(names: NameTables): AddressLookup {
  return (word, v6only): readonly Address[] | undefined => {
    const literal = parseAddress(word);
    const found = (literal === undefined ? (names.hosts.get(word.toLowerCase()) ?? []) : [literal]).filter(
      ({ family }) => !v6only || family === 6,
    );
    return found.length === 0 ? undefined : found;
  };
}
