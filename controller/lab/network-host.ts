/** A simulated host as the other hosts of its lab meet it. Types only. */

import type { Sad } from '../keys/kernel/sad.js';
import type { Address } from '../model/address.js';
import type { SecurityAssociation } from '../model/sa.js';
import type { KernelState } from './packet-filter.js';
import type { IkeDaemon } from './tools/in-iked.js';

export interface NetworkHost {
  readonly addresses: readonly Address[];
  readonly isOn: boolean;
  readonly kernel: KernelState;
  readonly daemon: IkeDaemon | undefined;
  /** The daemon believes in SAs that the kernel has lost, and asks for no others. */
  readonly isOutOfStep: boolean;
  now(): Date;
  /** Makes the SAs of the kernel others, once whoever works on them is done; nothing on a host that is off. */
  changeSas(change: (sad: Sad) => Sad): Promise<void>;
  /** SAs that are past a limit go. */
  age(): Promise<void>;
  /** Whether an SA is past its soft limit, as far as was looked at. */
  isWorn(sa: SecurityAssociation): boolean;
  /** Whether it has carried a packet. */
  isUsed(sa: SecurityAssociation): boolean;
  /** A packet of the simulation went by this SA. */
  count(sa: SecurityAssociation, bytes: number): void;
}
