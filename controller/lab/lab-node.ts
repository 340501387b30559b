/** A host of a lab of either depth, as those see it who steer it or look at it. Types only. */

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Address } from '../model/address.js';
import type { PlatformName } from '../platform/adapter.js';
import type { Wire } from './enforce/wire.js';
import type { Disturbed } from './disturbance.js';
import type { Intercept } from './host-inside.js';
import type { HostMachine } from './tools/registry.js';

export interface LabNode extends Partial<Disturbed> {
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly platform: PlatformName;
  readonly port: number;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKeyLine: string;
  /** Where the host's `/` lies on this machine. */
  readonly root: string;
  readonly isOn: boolean;
  readonly machine: HostMachine;
  /** Calls of simulated commands since the lab came up. */
  readonly calls: number;
  readonly isOutsider?: boolean;
  intercept: Intercept | undefined;
  /** Starts a command on the host as its SSH service would. @throws Error when the host is off */
  start(argv: readonly string[], env?: Readonly<Record<string, string>>): ChildProcessWithoutNullStreams;
  /** Kills everything on the host at this moment; its files stay as they are. */
  powerCut(): Promise<void>;
  /** Brings a host up that is off, as its boot order has it. */
  boot(): Promise<void>;
  /** Puts the host back to how it was delivered. */
  reset(): Promise<void>;
}

/** The hosts of a lab that runs. */
export interface LabNodes {
  readonly folder: string;
  readonly hosts: ReadonlyMap<string, LabNode>;
  /** What connects the hosts of an enforcing lab. */
  readonly cables?: Wire;
  /** @throws Error when there is none of that name */
  host(name: string): LabNode;
  /** Ends every process of the hosts. Their folders go too unless they are to be kept. */
  close(options?: { readonly keep?: boolean }): Promise<void>;
}
