/** Runs of programs in tests: what they say while they go on, how they end, and that none outlives its test. */

import { spawn, type ChildProcess } from 'node:child_process';
import { expect } from 'vitest';

export interface Ran {
  readonly exit: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One run of the command line that has not ended yet. */
export class Running {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ran>;
  #listeners = new Set<() => void>();

  constructor(readonly child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#tell();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#tell();
    });
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exit, signal) => {
        resolve({ exit, signal, stdout: this.stdout, stderr: this.stderr });
        this.#tell();
      });
    });
  }

  /** Resolves when stdout or stderr has said this. @throws Error when the run ends without it */
  async said(pattern: RegExp): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (pattern.test(this.stdout) || pattern.test(this.stderr)) resolve();
        else if (this.child.exitCode !== null || this.child.signalCode !== null)
          reject(new Error(`the run ended without ${String(pattern)}:\n${this.stdout}\n${this.stderr}`));
        else return;
        this.#listeners.delete(look);
      };
      this.#listeners.add(look);
      look();
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

export interface Place {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The runs that one owner has begun. */
export class Runs {
  readonly #running = new Set<Running>();

  /** Without standard input. */
  start([program = '', ...words]: readonly string[], { cwd, env }: Place): Running {
    const running = new Running(spawn(program, words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] }));
    this.#running.add(running);
    void running.ended.finally(() => this.#running.delete(running));
    return running;
  }

  /** Kills what still runs, and waits for its end. */
  async end(): Promise<void> {
    for (const running of [...this.#running]) {
      running.kill('SIGKILL');
      await running.ended;
    }
  }
}

/** The environment of an operator who has set up nothing but the folder. */
export function bareEnvironment(folder: string): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: folder, TERM: 'dumb' };
}

export function expectExit(ran: Ran, exit: number): void {
  if (ran.exit !== exit) expect.fail(`exit ${ran.exit ?? ran.signal}, not ${exit}\n${ran.stdout}\n${ran.stderr}`);
}
