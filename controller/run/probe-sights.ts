/** Which hosts this machine reaches directly, so that its own connections show what a stranger may do there; why not the others. */

import {
  formatAddress,
  hostPrefix,
  parseAddress,
  prefixContains,
  sameAddress,
  type Address,
} from '../model/address.js';
import type { Host, Inventory } from '../model/host.js';
import type { ProbeGap } from '../model/link-probe.js';
import type { HostSession, OwnNetwork } from '../ports.js';
import { ownersOf, type Sight } from '../proof/plan-outside-probes.js';

export interface Sights {
  readonly sights: readonly Sight[];
  readonly gaps: readonly ProbeGap[];
}

export async function sightsOf(
  hosts: readonly Host[],
  inventory: Pick<Inventory, 'hosts' | 'management'>,
  own: OwnNetwork,
  sessions: ReadonlyMap<string, Pick<HostSession, 'through'>>,
): Promise<Sights> {
  const found = await Promise.all(
    hosts.map((host) => sightOf(host, inventory, own, sessions.get(host.name)?.through ?? [])),
  );
  return {
    sights: found.flatMap((one) => ('why' in one ? [] : [one])),
    gaps: found.flatMap((one) => ('why' in one ? [one] : [])),
  };
}

async function sightOf(
  { name, addresses, ssh }: Host,
  { hosts, management }: Pick<Inventory, 'hosts' | 'management'>,
  own: OwnNetwork,
  through: readonly string[],
): Promise<Sight | ProbeGap> {
  const gap = (why: string): ProbeGap => ({ host: name, why: `not tried from this machine: ${why}` });
  // The inventory need not know of one: ProxyJump may stand in ssh_config(5).
  if (through.length > 0 || (ssh.proxyJump ?? []).length > 0) return gap('it is reached through a jump host');
  const destination = (await own.addressesOf(ssh.host)).find((one) => addresses.some((its) => sameAddress(one, its)));
  if (destination === undefined) return gap(`SSH goes to ${ssh.host}, which is none of its addresses`);
  const source = await own.sourceTowards(destination);
  if (source === undefined) return gap(`there is no way to ${formatAddress(destination)}`);
  const [owner] = ownersOf(source, hosts);
  if (owner !== undefined) return gap(`this machine is ${owner}, which is no stranger`);
  if (management.length > 0 && !management.some((prefix) => prefixContains(prefix, hostPrefix(source)))) {
    // A translator in between gives it another address, and the rules may speak of that one.
    return gap(`its own address ${formatAddress(source)} is not under management:, so the host may see another`);
  }
  return { host: name, source, destination, sshPort: ssh.port };
}

/** The port of a host's SSH server as peers see it; a connection to a loopback address is a port forward. */
export function peerSshPort({ ssh }: Host): number | undefined {
  const literal = parseAddress(ssh.host);
  return literal !== undefined && isLoopback(literal) ? undefined : ssh.port;
}

function isLoopback({ family, value }: Address): boolean {
  return family === 4 ? value >> 24n === 127n : value === 1n;
}
