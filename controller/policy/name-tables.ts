/** The names a host knows: what /etc/hosts, services, protocols and networks say, as one value. */

import { formatAddress, parseAddress, type Address } from '../model/address.js';

export interface NameTables {
  /** Name to addresses. Order within a family is kept; IPv6 ones come first when rules are made. */
  readonly hosts: ReadonlyMap<string, readonly Address[]>;
  /** Service name or alias to port. Names are case-sensitive here and below. */
  readonly services: ReadonlyMap<string, number>;
  readonly servicesByPort: ReadonlyMap<number, string>;
  readonly protocols: ReadonlyMap<string, number>;
  readonly protocolsByNumber: ReadonlyMap<number, string>;
  /** Network name to network number, left-aligned: `loopback` is 127.0.0.0. */
  readonly networks: ReadonlyMap<string, Address>;
}

/** One line of a services or protocols table: number, name, aliases. */
export type NumberedNames = readonly [number: number, name: string, ...aliases: string[]];

/** The first line that gives a name or a number wins, as in the files. */
export function tableOf(lines: readonly NumberedNames[]): {
  readonly byName: ReadonlyMap<string, number>;
  readonly byNumber: ReadonlyMap<number, string>;
} {
  const byName = new Map<string, number>();
  const byNumber = new Map<number, string>();
  for (const [number, ...names] of lines) {
    for (const name of names) if (!byName.has(name)) byName.set(name, number);
    if (!byNumber.has(number) && names[0] !== undefined) byNumber.set(number, names[0]);
  }
  return { byName, byNumber };
}

/** The same names and these hosts besides. A host given again gets further addresses. */
export function withHosts(
  names: NameTables,
  hosts: Iterable<readonly [name: string, addresses: readonly (Address | string)[]]>,
): NameTables {
  const merged = new Map(names.hosts);
  for (const [name, addresses] of hosts) {
    const key = name.toLowerCase();
    const added = addresses.flatMap((one) => (typeof one === 'string' ? (parseAddress(one) ?? []) : one));
    merged.set(key, [...(merged.get(key) ?? []), ...added]);
  }
  return { ...names, hosts: merged };
}

/** Names from the text of an /etc/hosts file. */
export function hostLines(text: string): [string, string[]][] {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim().split(/\s+/));
  return lines.flatMap(([address, ...names]) => names.map((name): [string, string[]] => [name, [address ?? '']]));
}

/** The name listings print for an address, without `-n`. */
export function hostNamed(names: NameTables, address: Address): string | undefined {
  const wanted = formatAddress(address);
  for (const [name, addresses] of names.hosts) {
    if (addresses.some((one) => one.family === address.family && formatAddress(one) === wanted)) return name;
  }
  return undefined;
}
