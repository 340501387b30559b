/** Where the harness meets the agent of a host: the two ends of a pair of FIFOs beside the host's root. */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Met {
  readonly pid: number;
  /** STEP.ENTRY.SIDE */
  readonly point: string;
}

export class Meeting {
  readonly #at: number;
  readonly #go: number;
  #closed = false;

  constructor(readonly folder: string) {
    fs.mkdirSync(folder, { recursive: true });
    const fifos = ['at', 'go'].map((name) => join(folder, name));
    const { status } = spawnSync('mkfifo', fifos);
    if (status !== 0) throw new Error(`mkfifo failed in ${folder}`);
    const { O_RDWR, O_NONBLOCK } = fs.constants;
    this.#at = fs.openSync(join(folder, 'at'), O_RDWR | O_NONBLOCK);
    this.#go = fs.openSync(join(folder, 'go'), O_RDWR | O_NONBLOCK);
  }

  /** From now on whoever comes to one of these points waits there. */
  wait(...points: readonly string[]): void {
    drain(this.#at);
    drain(this.#go);
    fs.writeFileSync(join(this.folder, 'wanted.new'), `${points.join(' ')}\n`);
    fs.renameSync(join(this.folder, 'wanted.new'), join(this.folder, 'wanted'));
  }

  /** Nobody is waited for any more; whoever waits already goes on with `go`. */
  forget(): void {
    fs.rmSync(join(this.folder, 'wanted'), { force: true });
  }

  go(): void {
    fs.writeSync(this.#go, '\n');
  }

  /** Who came first; `undefined` when `over` comes true before anybody does. */
  async met(over: () => boolean): Promise<Met | undefined> {
    for (;;) {
      const line = drain(this.#at);
      if (line !== '') {
        this.forget();
        const [pid = '0', point = ''] = line.trim().split(' ');
        return { pid: Number(pid), point };
      }
      if (over()) {
        this.forget();
        return undefined;
      }
      await delay(5);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    fs.closeSync(this.#at);
    fs.closeSync(this.#go);
  }
}

/** All that can be read now. */
export function drain(fd: number): string {
  const buffer = Buffer.alloc(4096);
  let text = '';
  try {
    for (let read = fs.readSync(fd, buffer); read > 0; read = fs.readSync(fd, buffer))
      text += buffer.toString('latin1', 0, read);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
  }
  return text;
}
