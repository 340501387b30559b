/** The plain lab: many hosts in one process, no root and no extra package. Owns the hosts from start to close. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Address } from '../model/address.js';
import type { PlatformName } from '../platform/adapter.js';
import type { Clock } from '../ports.js';
import { deliverHost, hostPaths, makeFifos } from './host-folder.js';
import { killMarked } from './host-processes.js';
import { keepHostKey } from './host-key.js';
import { LabHost } from './lab-host.js';
import type { Machine, MakeMachine } from './machine.js';
import type { SshKeyPair } from './openssh-key.js';
import { PlainWire } from './plain-wire.js';
import type { SshCredentials } from './ssh-auth.js';
import { makeHostMachine, type HostMachine } from './tools/registry.js';

export interface LabHostPlan {
  readonly name: string;
  readonly addresses: readonly Address[];
  /** `solaris-smf` unless said. */
  readonly platform?: PlatformName;
  /** SSH port on 127.0.0.1; any free one when not given. */
  readonly port?: number;
  /** Stands on the wire of an enforcing lab without being in its inventory. */
  readonly isOutsider?: boolean;
}

export interface LabOptions<M extends Machine = Machine> {
  /** Where the hosts' folders and the client's key go. What an earlier lab left here is used again. */
  readonly folder: string;
  readonly hosts: readonly LabHostPlan[];
  /** The inside of the hosts; the simulated illumos host when not given. */
  readonly makeMachine?: MakeMachine<M>;
  /** Ways to log in besides the lab's own client key. */
  readonly credentials?: Partial<SshCredentials>;
  readonly clock?: Clock;
  readonly shell?: readonly string[];
  /**
   * The address that SSH clients stand for. Then a new connection only gets through where the host's loaded policy lets it,
   * to the host's first address of that family; without it each does.
   */
  readonly client?: Address | undefined;
}

export interface Lab<M extends Machine = HostMachine> {
  readonly folder: string;
  readonly hosts: ReadonlyMap<string, LabHost<M>>;
  /** What carries the packets of the hosts' commands. */
  readonly plainWire: PlainWire;
  /** Key that may log in everywhere; its private half lies in `clientKeyFile`, mode 0600. */
  readonly clientKey: SshKeyPair;
  readonly clientKeyFile: string;
  /** The host of that name. @throws Error when there is none */
  host(name: string): LabHost<M>;
  /** Ends every process of the hosts. Their folders go too unless they are to be kept. */
  close(options?: { readonly keep?: boolean }): Promise<void>;
}

export const wallClock: Clock = {
  now: () => new Date(),
  after: (seconds, signal) => delay(seconds * 1000, undefined, signal === undefined ? {} : { signal }),
};

export function startLab<M extends Machine>(options: WithMachine<M>): Promise<Lab<M>>;
/** Hosts of the simulated illumos kind. */
export function startLab(options: Omit<LabOptions, 'makeMachine'>): Promise<Lab>;
export function startLab(options: LabOptions): Promise<Lab<Machine>> {
  return start({ ...options, makeMachine: options.makeMachine ?? makeHostMachine });
}

type WithMachine<M extends Machine> = LabOptions<M> & { readonly makeMachine: MakeMachine<M> };

async function start<M extends Machine>(options: WithMachine<M>): Promise<Lab<M>> {
  fs.mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const folder = fs.realpathSync(options.folder);
  const clientKeyFile = join(folder, CLIENT_KEY);
  const clientKey = keepHostKey(clientKeyFile, 'ipsec-deploy lab');
  const credentials: SshCredentials = {
    ...options.credentials,
    authorizedKeys: [clientKey.publicLine, ...(options.credentials?.authorizedKeys ?? [])],
  };
  const hostNames = new Map(options.hosts.map((host) => [host.name.toLowerCase(), host.addresses]));
  const plans = options.hosts.map((host) => ({
    ...host,
    platform: host.platform ?? ('solaris-smf' as const),
    paths: hostPaths(folder, host.name),
  }));
  for (const { name, addresses, platform, paths } of plans) {
    deliverHost(paths, { name, addresses, platform, hosts: hostNames });
  }
  await makeFifos(plans.map((plan) => plan.paths));

  const { makeMachine, clock = wallClock, shell = ['/bin/sh'], client } = options;
  const wire = new PlainWire({ client });
  const starting = plans.map((plan) =>
    LabHost.start({ port: 0, ...plan, hostNames, credentials, makeMachine, clock, shell, client, wire }),
  );
  const results = await Promise.allSettled(starting);
  const hosts = new Map(
    results.flatMap((result) => (result.status === 'fulfilled' ? [[result.value.name, result.value]] : [])),
  );
  const close = async ({ keep = false } = {}): Promise<void> => {
    const closed = Promise.all([...hosts.values()].map((host) => host.close()));
    await killMarked((marker) => marker.startsWith(join(folder, 'hosts/')));
    await closed;
    if (keep) return;
    for (const name of ['hosts', CLIENT_KEY]) fs.rmSync(join(folder, name), { recursive: true, force: true });
  };
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await close({ keep: true });
    throw failed.reason;
  }
  const host = (name: string): LabHost<M> => {
    const found = hosts.get(name);
    if (found === undefined) throw new Error(`the lab has no host ${name}`);
    return found;
  };
  return { folder, hosts, plainWire: wire, clientKey, clientKeyFile, host, close };
}

/** The key of the lab's client, in the lab's folder. */
export const CLIENT_KEY = 'client_ed25519';
