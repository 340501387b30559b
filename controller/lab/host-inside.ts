/** What a lab host of either depth has inside: its machine, its disk as that sees it, and the bridge to its commands. */

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Address } from '../model/address.js';
import type { PlatformName } from '../platform/adapter.js';
import type { Clock } from '../ports.js';
import { HostFiles } from './host-files.js';
import { clearRunFolder, type HostPaths } from './host-folder.js';
import type { Machine, MachineSetup, MakeMachine } from './machine.js';
import { ToolBridge, type BridgeCall, type IsAlive } from './tool-bridge.js';
import type { HostNames, ToolReply } from './tools/tool.js';

/** Stands between the commands and the simulated host: a test may watch, delay, or answer itself. */
export type Intercept = (call: BridgeCall, run: () => Promise<ToolReply>) => Promise<ToolReply>;

export interface InsideSettings<M extends Machine> {
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly platform: PlatformName;
  readonly paths: HostPaths;
  readonly hostNames: HostNames;
  readonly makeMachine: MakeMachine<M>;
  readonly clock: Clock;
}

/** What differs between the depths. */
export interface Depth {
  readonly setup: Pick<MachineSetup, 'runScript'> & Partial<MachineSetup>;
  /** Whether the process of a stub still runs, by the id it knows itself by. */
  readonly isAlive?: IsAlive;
  /** Lets the machine see a call with the paths of this machine, and the caller an answer with the host's own. */
  readonly answer?: (call: BridgeCall, run: (call: BridgeCall) => Promise<ToolReply>) => Promise<ToolReply>;
}

export class HostInside<M extends Machine> {
  intercept: Intercept | undefined;
  /** Calls of simulated commands since the lab came up. */
  calls = 0;
  readonly machine: M;
  readonly files = new HostFiles();
  #bridge: ToolBridge | undefined;

  constructor(
    private readonly settings: InsideSettings<M>,
    private readonly depth: Depth,
  ) {
    const { paths, addresses, platform, hostNames, clock } = settings;
    const common = { root: paths.root, addresses, platform, hostNames, files: this.files, clock };
    this.machine = settings.makeMachine({ ...common, ...depth.setup });
  }

  get isOn(): boolean {
    return this.#bridge !== undefined;
  }

  /** Starts what boots by itself; false when the power went meanwhile. */
  async boot(): Promise<boolean> {
    const { paths } = this.settings;
    clearRunFolder(paths.root);
    this.files.power(true);
    const bridge = new ToolBridge(paths.bridge, (call) => this.#answer(call), this.depth.isAlive);
    this.#bridge = bridge;
    await this.machine.boot();
    return this.#bridge === bridge;
  }

  /** From the first moment on nothing is written, nothing begun and no command answered. `kill` ends what runs on the host. */
  async cut(kill: () => void): Promise<void> {
    this.files.power(false);
    const lastCalls = this.#bridge?.close();
    this.#bridge = undefined;
    await this.machine.powerCut();
    kill();
    await lastCalls;
  }

  async #answer(call: BridgeCall): Promise<ToolReply> {
    this.calls++;
    const machine = (seen: BridgeCall): Promise<ToolReply> => this.machine.run(seen.tool, seen.args, seen);
    const run = (): Promise<ToolReply> => this.depth.answer?.(call, machine) ?? machine(call);
    return this.intercept === undefined ? run() : this.intercept(call, run);
  }
}

/** A command without standard input, from its start to its end. */
export function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<ToolReply> {
  child.stdin.end();
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ exit: 127, stdout, stderr: `${error.message}\n` }));
    child.once('close', (code) => resolve({ exit: code ?? 137, stdout, stderr }));
  });
}
