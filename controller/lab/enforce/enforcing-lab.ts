/** The enforcing lab: hosts as namespaces of this machine on a wire of their own. Owns them from start to close. */

import * as fs from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Address } from '../../model/address.js';
import type { Clock } from '../../ports.js';
import { makeFifos } from '../host-folder.js';
import { keepHostKey } from '../host-key.js';
import { killMarked } from '../host-processes.js';
import { CLIENT_KEY, wallClock, type LabHostPlan } from '../lab.js';
import type { LabNodes } from '../lab-node.js';
import type { SshKeyPair } from '../openssh-key.js';
import { HostMachine } from '../tools/registry.js';
import { IkeNetwork } from '../ike-network.js';
import type { NetworkHost } from '../network-host.js';
import { eachOf } from './each-of.js';
import { EnforcedHost } from './enforced-host.js';
import { enforcedPaths, writeStubs } from './host-tree.js';
import { Wire } from './wire.js';

/** Hosts that are worked on at once: more wait for the processors. */
const AT_ONCE = 6;

/** Hosts of one lab at most. */
export const MOST_ENFORCED = 200;

export interface EnforcingLabOptions {
  /** Where the hosts' folders and the client's key go. What an earlier lab left here is used again. */
  readonly folder: string;
  readonly hosts: readonly LabHostPlan[];
  /** The controller's addresses on the wire. */
  readonly controller: readonly Address[];
  readonly clock?: Clock;
  /** `ssh-ed25519 AAAA…` lines of those who may log in besides the lab's own client key. */
  readonly authorizedKeys?: readonly string[];
}

export interface EnforcingLab extends LabNodes {
  readonly hosts: ReadonlyMap<string, EnforcedHost>;
  readonly clientKey: SshKeyPair;
  readonly clientKeyFile: string;
  readonly wire: Wire;
  readonly cables: Wire;
  host(name: string): EnforcedHost;
}

/** Processes of the lab in a folder carry markers that begin so. */
function labMarker(folder: string): string {
  return `${folder}/`;
}

/** Needs root on Linux and the programs that `missingForEnforcing` looks for. When it fails nothing is left running. */
export async function startEnforcingLab(options: EnforcingLabOptions): Promise<EnforcingLab> {
  fs.mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const folder = fs.realpathSync(options.folder);
  const clientKeyFile = join(folder, CLIENT_KEY);
  const clientKey = keepHostKey(clientKeyFile, 'ipsec-deploy lab');
  const { clock = wallClock, authorizedKeys = [] } = options;
  const hostNames = new Map(options.hosts.map((host) => [host.name.toLowerCase(), host.addresses]));
  const plans = options.hosts.map((host) => ({ ...host, platform: host.platform ?? ('solaris-smf' as const) }));
  for (const platform of new Set(plans.map((plan) => plan.platform))) writeStubs(folder, platform);

  const wire = await Wire.open(join(folder, 'wire'), options.controller);
  const hosts = new Map<string, EnforcedHost>();
  const hostOf = (machine: NetworkHost): EnforcedHost | undefined =>
    [...hosts.values()].find((host) => host.machine === machine);
  // Key daemons are part of the simulation: what the wire would do to their packets is asked of it.
  const reaches = (from: NetworkHost, to: NetworkHost): boolean =>
    hostOf(from)?.link.state.cut.includes('out') === false && hostOf(to)?.link.state.cut.includes('in') === false;
  const ike = new IkeNetwork({ isEager: true, reaches });
  const close = async ({ keep = false } = {}): Promise<void> => {
    await wire.close();
    await Promise.all([...hosts.values()].map((host) => host.close()));
    await killMarked((marker) => marker.startsWith(labMarker(folder)));
    if (keep) return;
    // Each removal waits for the disk: many at once wait together.
    await eachOf(plans, AT_ONCE, ({ name }) =>
      rm(enforcedPaths(folder, name).folder, { recursive: true, force: true }),
    );
    for (const name of ['hosts', 'stubs', CLIENT_KEY]) fs.rmSync(join(folder, name), { recursive: true, force: true });
  };
  try {
    const shared = {
      labFolder: folder,
      hostNames,
      clock,
      wire,
      ike,
      authorizedKeys: [clientKey.publicLine, ...authorizedKeys],
    };
    for (const [index, { name, addresses, platform, isOutsider = false }] of plans.entries()) {
      const own = { name, addresses, platform, isOutsider, paths: enforcedPaths(folder, name), port: `h${index + 1}` };
      hosts.set(name, new EnforcedHost({ ...shared, ...own, makeMachine: (setup) => new HostMachine(setup) }));
    }
    await makeFifos(plans.map(({ name }) => enforcedPaths(folder, name)));
    await bootAll([...hosts.values()], wire);
  } catch (error) {
    await close({ keep: true });
    throw error;
  }
  const host = (name: string): EnforcedHost => {
    const found = hosts.get(name);
    if (found === undefined) throw new Error(`the lab has no host ${name}`);
    return found;
  };
  return { folder, hosts, clientKey, clientKeyFile, wire, cables: wire, host, close };
}

/** All cables in one go: each run of `ip` costs as much as ten cables. */
async function bootAll(hosts: readonly EnforcedHost[], wire: Wire): Promise<void> {
  const cables: Parameters<Wire['attach']>[0][number][] = [];
  await eachOf(hosts, AT_ONCE, async (host) => void cables.push({ ...host.link.cable, pid: await host.openSpace() }));
  await wire.attach(cables);
  await eachOf(hosts, AT_ONCE, (host) => host.bootInside());
}
