/**
 * The host on which recorded answers of the real tools were made: its addresses and the names it knows. Lines of
 * recorded cases are judged in these surroundings unless others are given.
 */

import { parseAddress, type Address } from '../model/address.js';
import { withHosts, type NameTables } from './name-tables.js';
import { STOCK_NAMES } from './stock-names.js';

export interface Surroundings {
  readonly names: NameTables;
  /** The host's own addresses. */
  readonly addresses: readonly Address[];
}

const HOSTS: readonly (readonly [string, readonly string[]])[] = [
  ['webserver', ['10.0.0.80']],
  ['peer', ['10.0.0.9']],
  ['multi', ['10.1.1.1', '10.1.1.2', 'fd00:9::1']],
  ['dual', ['10.2.2.2', 'fd00:9::2']],
];

export const REFERENCE_HOST: Surroundings = {
  names: withHosts(STOCK_NAMES, HOSTS),
  addresses: ['10.0.0.1', 'fd00::1'].flatMap((text) => parseAddress(text) ?? []),
};

/** A host nobody said anything about. */
export const UNKNOWN_HOST: Surroundings = { names: STOCK_NAMES, addresses: [] };

/** Names to addresses as getaddrinfo(3) gives them: IPv6 first. */
export function resolverOrder(names: NameTables): ReadonlyMap<string, readonly Address[]> {
  const of = (family: 4 | 6, addresses: readonly Address[]) => addresses.filter((one) => one.family === family);
  return new Map([...names.hosts].map(([name, all]) => [name, [...of(6, all), ...of(4, all)]]));
}
