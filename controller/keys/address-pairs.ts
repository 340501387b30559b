/** The address pairs that a link joins: every address of one end with every one of the same family of the other. */

import { type Address, formatAddress } from '../model/address.js';
import type { Host, Inventory, Link, LinkEnd } from '../model/host.js';

export interface AddressPair {
  readonly family: 4 | 6;
  readonly a: string;
  readonly b: string;
}

export type HostsByName = ReadonlyMap<string, Host>;

export function hostsByName(inventory: Inventory): HostsByName {
  return new Map(inventory.hosts.map((host) => [host.name, host]));
}

export function endName(end: LinkEnd): string {
  return end.kind === 'host' ? end.host : end.name;
}

/** Addresses of one end. An end that names no host of the inventory has none; the inventory reports it. */
export function endAddresses(end: LinkEnd, hosts: HostsByName): readonly Address[] {
  return end.kind === 'external' ? end.addresses : (hosts.get(end.host)?.addresses ?? []);
}

/** In the order the addresses were written, the first end's first. */
export function addressPairs(link: Link, hosts: HostsByName): readonly AddressPair[] {
  const [first, second] = link.ends.map((end) => endAddresses(end, hosts));
  return (first ?? []).flatMap((a) =>
    (second ?? [])
      .filter((b) => b.family === a.family)
      .map((b) => ({ family: a.family, a: formatAddress(a), b: formatAddress(b) })),
  );
}

/** The name a link's PSK is stored under. */
export function pskId(link: Link): string {
  return `psk:${link.id}`;
}

/** The name of the manual SA from `src` to `dst`. */
export function saId(link: Link, src: string, dst: string): string {
  return `sa:${link.id}:${src}>${dst}`;
}
