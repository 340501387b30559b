/** The wire of an enforcing lab: a network namespace with a bridge, held by one process. Owns that process and the hosts' cables. */

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { OperatorError } from '../../errors.js';
import type { Address } from '../../model/address.js';
import { outcomeOf } from '../host-inside.js';
import { HostProcesses, isRunning } from '../host-processes.js';
import { packageFile } from '../package-root.js';
import { attachCommands, wireCommands, type Cable } from './network-plan.js';
import { firstLine } from './first-line.js';
import { faultRules, type LinkState } from './link-faults.js';

export class Wire {
  /** What is wrong with the links, by their ports at the wire. */
  readonly links = new Map<string, LinkState>();

  private constructor(
    /** The process that holds the namespace; with it the wire is gone. */
    readonly pid: number,
    readonly controller: readonly Address[],
    private readonly processes: HostProcesses,
  ) {}

  /** `marker`: how a later lab finds the process if this one dies. */
  static async open(marker: string, controller: readonly Address[]): Promise<Wire> {
    const processes = new HostProcesses(marker);
    const script = packageFile('controller/lab/stubs/enforce/wire.sh');
    const argv = ['unshare', '--net', '--', '/bin/sh', script];
    const child = processes.start({ argv, env: toolEnvironment(), cwd: '/' });
    child.stdin.end(wireCommands(controller));
    await firstLine(child, 'the wire of the lab');
    if (child.pid === undefined) throw new Error('the wire of the lab has no process');
    return new Wire(child.pid, controller, processes);
  }

  /** What turns a command into one that runs where the controller is. @throws OperatorError LAB_WIRE_GONE */
  enter(argv: readonly string[]): string[] {
    if (!isRunning(this.pid)) {
      throw new OperatorError('LAB_WIRE_GONE', {
        what: `the wire of the lab is gone: process ${this.pid}, which held it, has ended`,
        todo: 'start the lab again: ipsec-deploy lab down --keep, then lab up',
      });
    }
    return ['nsenter', '--target', String(this.pid), '--net', '--', ...argv];
  }

  /** Starts a command where the controller is, with this machine's own files. */
  start(argv: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcessWithoutNullStreams {
    return this.processes.start({ argv: this.enter(argv), env: { ...toolEnvironment(), ...env }, cwd: process.cwd() });
  }

  /** Runs a command where the controller is. @throws Error with its words when it fails */
  async run(argv: readonly string[], stdin = ''): Promise<string> {
    const child = this.processes.start({ argv: this.enter(argv), env: toolEnvironment(), cwd: '/' });
    // What ends before it has read says why by its status.
    child.stdin.on('error', () => undefined);
    child.stdin.write(stdin);
    const { exit, stdout, stderr } = await outcomeOf(child);
    if (exit !== 0) throw new Error(`${argv.join(' ')} failed on the lab's wire: ${stderr.trim()}`);
    return stdout;
  }

  /** Lays cables to hosts, each into the network namespace of a process. */
  async attach(cables: readonly (Cable & { readonly pid: number })[]): Promise<void> {
    if (cables.length > 0) await this.run(['ip', '-batch', '-'], attachCommands(cables));
  }

  /** Takes a host's cable away; it may be gone with the host's namespace. */
  async detach({ port }: Cable): Promise<void> {
    await this.run(['ip', '-force', '-batch', '-'], `link del ${port}\n`).catch(() => undefined);
  }

  /** Makes the link of a cable so from now on, whether the cable lies or not. */
  async setLink({ port }: Cable, state: LinkState): Promise<void> {
    this.links.set(port, state);
    await this.run(['nft', '-f', '-'], faultRules(this.links));
  }

  async close(): Promise<void> {
    await this.processes.killAll();
  }
}

/** The lab's own environment, as text. */
export function toolEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
