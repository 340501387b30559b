/** The namespaces of one host of the enforcing lab, from their making to their end: network, mounts, name, processes. */

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { outcomeOf } from '../host-inside.js';
import { HostProcesses } from '../host-processes.js';
import { packageFile } from '../package-root.js';
import { firstLine } from './first-line.js';
import { toolEnvironment } from './wire.js';

const ONLINE_LOOK_MILLISECONDS = 5;
/** A busy machine may need a while for 200 SSH servers. */
const ONLINE_TRIES = 6000;

const LONGEST_COMPLAINT = 500;

export class HostSpace {
  #isOver = false;
  #isKilled = false;
  #complaint = '';
  /** Resolves when process 1 has ended, whoever ended it. */
  readonly over: Promise<void>;

  private constructor(
    private readonly folder: string,
    private readonly processes: HostProcesses,
    private readonly child: ChildProcessWithoutNullStreams,
    /** Process 1 of the host, by its id on this machine. */
    readonly pid: number,
  ) {
    this.over = new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      else child.once('exit', () => resolve());
    });
    child.stderr.on('data', (text: string) => (this.#complaint = (this.#complaint + text).slice(-LONGEST_COMPLAINT)));
    void this.over.then(() => (this.#isOver = true));
  }

  /** Makes the namespaces of the host whose files, and whose commands, lie in these folders. Its network is not up yet. */
  static async open(name: string, folder: string, stubs: string): Promise<HostSpace> {
    const processes = new HostProcesses(folder);
    const init = packageFile('controller/lab/stubs/enforce/init.sh');
    const namespaces = ['--net', '--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child'];
    const argv = ['unshare', ...namespaces, '--', '/bin/sh', init, name, folder, stubs];
    const child = processes.start({ argv, env: toolEnvironment(), cwd: '/' });
    const line = await firstLine(child, `host ${name}`);
    return new HostSpace(folder, processes, child, Number(line.replace('pid ', '')));
  }

  /** Whether its end has come, or has begun. */
  get isOver(): boolean {
    return this.#isOver || this.#isKilled;
  }

  /** Starts a command inside, as the leader of its own session. */
  start(argv: readonly string[], env: Readonly<Record<string, string>>): ChildProcessWithoutNullStreams {
    const into = ['--mount', '--uts', '--ipc', '--net', '--pid', '--wdns=/root'];
    const words = ['nsenter', '--target', String(this.pid), ...into, '--', ...argv];
    return this.processes.start({ argv: words, env, cwd: '/' });
  }

  /** Starts a command of this machine in the host's network. */
  startInNetwork(argv: readonly string[]): ChildProcessWithoutNullStreams {
    const words = ['nsenter', '--target', String(this.pid), '--net', '--', ...argv];
    return this.processes.start({ argv: words, env: toolEnvironment(), cwd: '/' });
  }

  /** Runs a command of this machine in the host's network. @throws Error with its words when it fails */
  async runInNetwork(argv: readonly string[], stdin = ''): Promise<string> {
    const child = this.startInNetwork(argv);
    child.stdin.on('error', () => undefined);
    child.stdin.write(stdin);
    const { exit, stdout, stderr } = await outcomeOf(child);
    if (exit !== 0) throw new Error(stderr.trim() || `${argv.join(' ')} ended with status ${exit}`);
    return stdout;
  }

  /** Whether a process of that id, as those inside count, exists. */
  isAlive(pid: number): boolean {
    return fs.existsSync(`/proc/${this.pid}/root/proc/${pid}`);
  }

  /** Brings up the network and SSH; resolves when SSH answers. */
  async goOnline(): Promise<void> {
    this.child.stdin.end('online\n');
    const running = `/proc/${this.pid}/root/run/sshd.pid`;
    for (let tries = 0; tries < ONLINE_TRIES; tries++) {
      if (this.#isKilled) return;
      if (this.#isOver) break;
      // Made once it listens; it stays empty on a full disk.
      if (fs.existsSync(running)) return;
      await delay(ONLINE_LOOK_MILLISECONDS);
    }
    throw new Error(`its network and SSH did not start: ${this.#complaint.trim()} ${this.#sshLog()}`);
  }

  #sshLog(): string {
    const log = join(this.folder, 'sshd.log');
    return fs.existsSync(log) ? fs.readFileSync(log, 'utf8').trim().split('\n').slice(-3).join(' ') : 'it said nothing';
  }

  /** Kills process 1, and the kernel everything else; resolves when nothing is left. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    if (!this.#isOver) process.kill(this.pid, 'SIGKILL');
    await this.over;
  }
}
