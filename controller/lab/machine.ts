/** What the lab needs of a simulated host's inside: the commands and the kernel state behind them. Types only. */

import type { Address } from '../model/address.js';
import type { PlatformName } from '../platform/adapter.js';
import type { Clock } from '../ports.js';
import type { Spd } from '../policy/spd.js';
import type { IkeNetwork } from './ike-network.js';
import type { PacketFilter } from './packet-filter.js';
import type { PlainWire } from './plain-wire.js';
import type { FileAccess, HostNames, ToolReply } from './tools/tool.js';

export interface MachineCall {
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly cwd: string;
  /** Whether the process of the command is still there; without it, it is. */
  readonly isAlive?: () => boolean;
}

export interface Machine {
  /** The loaded policy, where the inside has one. */
  readonly spd?: Spd;
  run(tool: string, args: readonly string[], call: MachineCall): Promise<ToolReply>;
  /** Forgets everything that lives in memory: loaded policy, SAs, daemons, service states. */
  powerCut(): void | Promise<void>;
  /** Starts the enabled services in boot order. */
  boot(): Promise<unknown>;
}

/** Runs a script of the host, such as the start method of a service, with the host's environment. */
export type RunScript = (
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
) => Promise<{ readonly exit: number; readonly stdout: string; readonly stderr: string }>;

export interface MachineSetup {
  /** Prefix of the host's file tree, without a slash at the end. */
  readonly root: string;
  readonly addresses: readonly Address[];
  readonly hostNames: HostNames;
  readonly files: FileAccess;
  readonly clock: Clock;
  readonly runScript: RunScript;
  readonly platform: PlatformName;
  /** What decides about the packets of the host, and counts them. */
  readonly filter?: PacketFilter | undefined;
  /** The key daemons of the lab. */
  readonly ike?: IkeNetwork | undefined;
  /** What carries the packets of simulated commands. */
  readonly wire?: PlainWire | undefined;
}

export type MakeMachine<M extends Machine = Machine> = (setup: MachineSetup) => M;
