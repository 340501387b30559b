/** Starts the processes of a lab host and finds all of them again, detached ones too. Owns nothing but their environment marker. */

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import * as fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isErrno } from './errno.js';

const MARKER = 'IPSEC_LAB_HOST';
/** A killed process is gone within milliseconds; only one that hangs in the kernel takes longer. */
const GIVE_UP_AFTER_MILLISECONDS = 5000;

export interface HostCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

export class HostProcesses {
  readonly #groups = new Set<number>();
  #everStarted = false;

  /** `marker` is inherited by all that descends from these processes: unique for the host on this machine. */
  constructor(readonly marker: string) {}

  /** Starts a command as the leader of its own session, with pipes, as a login over SSH does. */
  start(command: HostCommand): ChildProcessWithoutNullStreams {
    this.#everStarted = true;
    const [program = '', ...args] = command.argv;
    const child = spawn(program, args, {
      cwd: command.cwd,
      env: { ...command.env, [MARKER]: this.marker },
      stdio: 'pipe',
      detached: true,
    });
    const pid = child.pid;
    if (pid !== undefined) {
      this.#groups.add(pid);
      child.once('close', () => {
        if (!signalGroup(pid, 0)) this.#groups.delete(pid);
      });
    }
    return child;
  }

  /** Kills what still belongs to the sessions started here; what left them is found by its marker alone. */
  killSessions(): void {
    for (const group of this.#groups) if (!signalGroup(group, 'SIGKILL')) this.#groups.delete(group);
  }

  /** Kills everything of this host and returns when nothing is left. */
  async killAll(): Promise<void> {
    this.killSessions();
    if (this.#everStarted) await killMarked((marker) => marker === this.marker);
  }
}

/** Kills every process whose marker fits, until none is left. Where there is no /proc it finds none. */
export async function killMarked(fits: (marker: string) => boolean): Promise<void> {
  const deadline = Date.now() + GIVE_UP_AFTER_MILLISECONDS;
  for (;;) {
    const pids = markedProcesses(fits);
    if (pids.length === 0) return;
    if (Date.now() > deadline) throw new Error(`processes ${pids.join(', ')} of the lab cannot be killed`);
    for (const pid of pids) signal(pid, 'SIGKILL');
    await delay(2);
  }
}

/** Ids of the running processes whose marker fits. A process that has ended but was not yet waited for does not count. */
export function markedProcesses(fits: (marker: string) => boolean): number[] {
  if (!fs.existsSync('/proc/self/environ')) return [];
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const marker = markerOf(pid);
      return marker !== undefined && pid !== process.pid && fits(marker);
    });
}

function markerOf(pid: number): string | undefined {
  try {
    const environment = fs.readFileSync(`/proc/${pid}/environ`, 'utf8');
    const at = `\0${environment}`.indexOf(`\0${MARKER}=`);
    if (at < 0) return undefined;
    const start = at + MARKER.length + 1;
    const end = environment.indexOf('\0', start);
    return environment.slice(start, end < 0 ? undefined : end);
  } catch (error) {
    // Gone meanwhile, or another user's.
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].some((code) => isErrno(error, code))) return undefined;
    throw error;
  }
}

/** Whether a process of that id exists, whoever's it is, and has not ended; one that nobody has waited for yet has. */
export function isRunning(pid: number): boolean {
  try {
    return signal(pid, 0) && (startOfProcess(pid) !== undefined || !fs.existsSync('/proc/self/stat'));
  } catch (error) {
    if (isErrno(error, 'EPERM')) return true;
    throw error;
  }
}

/** Field 22 of proc_pid_stat(5), in ticks since boot; nothing where there is no /proc, or of a process that has ended. */
export function startOfProcess(pid: number): number | undefined {
  try {
    const [state, ...fields] = fs
      .readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return state === 'Z' || state === 'X' ? undefined : Number(fields[18]);
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ESRCH')) return undefined;
    throw error;
  }
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false;
    throw error;
  }
}

function signalGroup(pid: number, name: NodeJS.Signals | 0): boolean {
  return signal(-pid, name);
}
