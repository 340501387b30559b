/** The network of an enforcing lab as names, addresses and commands for `ip -batch`. Owns what they are; runs nothing. */

import { createHash } from 'node:crypto';
import { formatAddress, prefixContains, type Address, type Prefix } from '../../model/address.js';

/** What a host calls its one interface. */
const HOST_INTERFACE = 'net0';
/** The bridge that all hosts hang on; the controller's addresses are on it. */
const BRIDGE = 'wire0';

/** One host's cable. */
export interface Cable {
  /** Interface at the wire's end. */
  readonly port: string;
  /** The host's name: its MAC address comes from it, so that a host that boots again is found where it was. */
  readonly host: string;
}

/** A locally administered unicast address that is always the same for a name. */
export function macOf(name: string): string {
  const digest = createHash('sha256').update(name).digest();
  return ['02', ...[...digest.subarray(0, 5)].map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}

/** The bridge with the controller on it; its address is that of no host's name, which has no space. */
export function wireCommands(controller: readonly Address[]): string {
  return lines([
    'link set lo up',
    `link add ${BRIDGE} address ${macOf('the controller')} type bridge forward_delay 0 mcast_snooping 0`,
    `link set ${BRIDGE} up`,
    ...addressCommands(BRIDGE, controller),
  ]);
}

/** Cables from the wire to hosts, whose namespaces are those of a process each. Segments are cut before they pass, as on a real link. */
export function attachCommands(cables: readonly (Cable & { readonly pid: number })[]): string {
  return lines(
    cables.flatMap(({ port, host, pid }) => [
      `link add ${port} address ${macOf(`${host} wire`)} gso_max_segs 1 type veth ` +
        `peer name ${HOST_INTERFACE} address ${macOf(host)} gso_max_segs 1 netns ${pid}`,
      `link set ${port} master ${BRIDGE} up`,
    ]),
  );
}

/** The host's end of its cable. */
export function onlineCommands(addresses: readonly Address[]): string {
  return lines(['link set lo up', `link set ${HOST_INTERFACE} up`, ...addressCommands(HOST_INTERFACE, addresses)]);
}

/** Every address is on the link, whatever its network: the lab has one wire for all. */
function addressCommands(device: string, addresses: readonly Address[]): string[] {
  const families = [...new Set(addresses.map(({ family }) => family))];
  return [
    ...addresses.map((address) => `address add ${hostPrefixText(address)} dev ${device}`),
    ...families.map((family) => `route add ${family === 4 ? '0.0.0.0/0' : '::/0'} dev ${device}`),
  ];
}

function hostPrefixText(address: Address): string {
  return address.family === 4 ? `${formatAddress(address)}/32` : `${formatAddress(address)}/128 nodad`;
}

function lines(commands: readonly string[]): string {
  return commands.map((command) => `${command}\n`).join('');
}

/** Where nobody stands: loopback, and what `0.0.0.0/0` and `::/0` begin with. */
const NOBODY = /^(?:0\.|127\.|::1?$)/;

/** Where the controller stands if its inventory does not say: as the example inventory has it. */
const FALLBACK: readonly Address[] = [
  { family: 4, value: 0x0a000005n },
  { family: 6, value: 0xfd00_0000_0000_0000_0000_0000_0000_0005n },
];

/**
 * The controller's addresses on the wire: one of each family that the hosts have, out of the management addresses, and none that
 * a host has.
 */
export function controllerAddresses(management: readonly Prefix[], hosts: readonly Address[]): Address[] {
  const taken = new Set(hosts.map(formatAddress));
  const families = [...new Set(hosts.map(({ family }) => family))].sort();
  return families.flatMap((family) => {
    const usable = management.filter(
      ({ address }) => address.family === family && !NOBODY.test(formatAddress(address)),
    );
    const fallback = FALLBACK.filter((address) => address.family === family).map((address) => ({
      address,
      length: family === 4 ? 8 : 64,
    }));
    for (const prefix of [...usable, ...fallback]) {
      const free = firstFree(prefix, taken);
      if (free !== undefined) return [free];
    }
    return [];
  });
}

/** A whole network's own address is no host's. */
function firstFree(prefix: Prefix, taken: ReadonlySet<string>): Address | undefined {
  const { address, length } = prefix;
  const bits = address.family === 4 ? 32 : 128;
  const isNetwork = length < bits - 1 && (address.value & ((1n << BigInt(bits - length)) - 1n)) === 0n;
  for (let value = address.value + (isNetwork ? 1n : 0n); ; value++) {
    const candidate: Address = { family: address.family, value };
    if (!prefixContains(prefix, { address: candidate, length: bits })) return undefined;
    if (!taken.has(formatAddress(candidate))) return candidate;
  }
}
