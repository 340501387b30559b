/**
 * Carries calls of the simulated commands from the stubs on a host's PATH (stubs/tool.sh) to the lab, and the answers back.
 * Owns the FIFOs, slots and locks of one host; knows nothing of what a command does.
 */

import { constants } from 'node:fs';
import * as fs from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isErrno } from './errno.js';
import { isRunning } from './host-processes.js';
import { encodeReply } from './reply-lines.js';
import type { ToolReply } from './tools/tool.js';

/** Between the fields of a call; no path and no argument of these commands holds it. */
export const UNIT_SEPARATOR = '\x1f';
const SLOTS = 8;
/** How often the locks are looked at while a caller waits for one: a killed stub tells nobody. */
const RECLAIM_MILLISECONDS = 250;
/** A lock without a process id in it is being made, or its maker was killed between the two. */
const EMPTY_LOCK_MILLISECONDS = 2000;

/** A call that a test holds on to may never end. */
const LAST_CALLS_MILLISECONDS = 1000;

export interface BridgeCall {
  readonly tool: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  /** Whether the process that made the call is still there. */
  readonly isAlive: () => boolean;
}

/** Whether a process of that id exists. */
export type IsAlive = (pid: number) => boolean;

export type AnswerCall = (call: BridgeCall) => Promise<ToolReply>;

/** Paths that `mkfifo` must have made in the folder before the bridge opens. */
export function fifoPaths(folder: string): string[] {
  return ['request', 'wake', ...slotNames().map((slot) => `${slot}.reply`)].map((name) => join(folder, name));
}

function slotNames(): string[] {
  return Array.from({ length: SLOTS }, (_, index) => String(index + 1));
}

export class ToolBridge {
  readonly #requests: Socket;
  readonly #wake: number;
  readonly #replies = new Map<string, number>();
  readonly #running = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #partial = '';
  /** Process ids of stubs that found every slot taken. */
  readonly #waiting = new Set<string>();
  #open = true;

  /** Opens the FIFOs for reading and writing at once, so that neither side ever finds the other missing. */
  constructor(
    readonly folder: string,
    private readonly answer: AnswerCall,
    private readonly isAlive: IsAlive = isRunning,
  ) {
    for (const slot of slotNames()) this.#release(slot);
    this.#requests = new Socket({ fd: openFifo(join(folder, 'request')), readable: true, writable: false });
    this.#wake = openFifo(join(folder, 'wake'));
    this.#requests.setEncoding('utf8');
    this.#requests.on('data', (text: string) => this.#read(text));
    this.#requests.on('error', () => this.#shut());
    this.#timer = setInterval(() => this.#reclaim(), RECLAIM_MILLISECONDS).unref();
  }

  /** Stops listening, then gives the calls already taken a moment to end. Their answers go nowhere. */
  async close(): Promise<void> {
    this.#shut();
    const limit = new AbortController();
    const late = delay(LAST_CALLS_MILLISECONDS, undefined, { signal: limit.signal }).catch(() => undefined);
    await Promise.race([Promise.all(this.#running), late]);
    limit.abort();
  }

  #shut(): void {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#timer);
    this.#requests.destroy();
    fs.closeSync(this.#wake);
    for (const fd of this.#replies.values()) fs.closeSync(fd);
    this.#replies.clear();
  }

  #read(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
  }

  #take(line: string): void {
    const [kind, id = '', ...fields] = line.split(UNIT_SEPARATOR);
    const [slot = '', owner = ''] = id.split('.');
    switch (kind) {
      case 'w':
        this.#waiting.add(id);
        this.#reclaim();
        return;
      case 'd':
        // Its owner may have ended since, been found gone, and the slot be another's by now.
        if (this.#lockOwner(slot) === Number(owner)) this.#release(slot);
        if (this.#waiting.size > 0) this.#wakeOne();
        return;
      case 'c':
      case 'f': {
        this.#waiting.delete(owner);
        const task = this.#serve(slot, id, kind === 'c' ? fields : this.#takeFile(slot, 'call').split(UNIT_SEPARATOR));
        this.#running.add(task);
        void task.finally(() => this.#running.delete(task));
        return;
      }
    }
  }

  async #serve(slot: string, id: string, fields: readonly string[]): Promise<void> {
    const [input = '', tool = '', cwd = '/', fmri = '', ...args] = fields;
    const stdin = input === '' ? '' : this.#takeFile(slot, 'in');
    const owner = Number(id.split('.')[1]);
    const isAlive = (): boolean => this.isAlive(owner);
    const env: Record<string, string> = fmri === '' ? {} : { SMF_FMRI: fmri };
    let reply: ToolReply;
    try {
      reply = await this.answer({ tool, args, cwd, env, stdin, isAlive });
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      reply = { exit: 126, stdout: '', stderr: `${tool}: the lab could not carry this out: ${text}\n` };
    }
    // Not for a stub that was killed meanwhile: the slot may be another's.
    if (this.#open && this.#lockOwner(slot) === owner) this.#send(slot, id, reply);
  }

  #send(slot: string, id: string, reply: ToolReply): void {
    const encoded = encodeReply(id, reply);
    if (encoded.out !== undefined) this.#putFile(slot, 'out', encoded.out);
    if (encoded.err !== undefined) this.#putFile(slot, 'err', encoded.err);
    let fd = this.#replies.get(slot);
    if (fd === undefined) {
      fd = openFifo(this.#path(slot, 'reply'));
      this.#replies.set(slot, fd);
    }
    try {
      fs.writeSync(fd, encoded.lines);
    } catch (error) {
      if (!isErrno(error, 'EAGAIN')) throw error;
      // Full of answers that killed stubs never fetched.
      drain(fd);
      fs.writeSync(fd, encoded.lines);
    }
  }

  #putFile(slot: string, kind: string, text: string): void {
    fs.writeFileSync(this.#path(slot, kind), text, { mode: 0o600 });
  }

  #takeFile(slot: string, kind: string): string {
    const path = this.#path(slot, kind);
    try {
      const text = fs.readFileSync(path, 'utf8');
      fs.unlinkSync(path);
      return text;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return '';
      throw error;
    }
  }

  /** Removes what a slot's last owner left; its lock goes last. */
  #release(slot: string): void {
    for (const kind of ['out', 'err', 'in', 'call', 'lock']) fs.rmSync(this.#path(slot, kind), { force: true });
  }

  /** Lets one of those who wait look again. Some shells read more than one of these bytes at a time, so that one may be lost. */
  #wakeOne(): void {
    fs.writeSync(this.#wake, '\n');
  }

  /** As long as somebody waits: frees the slots of stubs that were killed, and wakes one waiting stub for each free slot. */
  #reclaim(): void {
    for (const pid of this.#waiting) if (!this.isAlive(Number(pid))) this.#waiting.delete(pid);
    let free = 0;
    for (const slot of this.#waiting.size === 0 ? [] : slotNames()) {
      const state = this.#lockState(slot);
      if (state === 'held') continue;
      if (state === 'stale') this.#release(slot);
      if (free++ < this.#waiting.size) this.#wakeOne();
    }
  }

  #lockState(slot: string): 'free' | 'held' | 'stale' {
    const pid = this.#lockOwner(slot);
    if (pid === undefined) return 'free';
    if (pid > 0) return this.isAlive(pid) ? 'held' : 'stale';
    const made = fs.statSync(this.#path(slot, 'lock'), { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
    return Date.now() - made > EMPTY_LOCK_MILLISECONDS ? 'stale' : 'held';
  }

  /** Process id in a lock: 0 when it is not written yet, nothing when there is no lock. */
  #lockOwner(slot: string): number | undefined {
    try {
      return Number(fs.readFileSync(this.#path(slot, 'lock'), 'latin1'));
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  #path(slot: string, kind: string): string {
    return join(this.folder, `${slot}.${kind}`);
  }
}

function openFifo(path: string): number {
  return fs.openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
}

function drain(fd: number): void {
  const buffer = Buffer.alloc(65_536);
  try {
    while (fs.readSync(fd, buffer) > 0);
  } catch (error) {
    if (!isErrno(error, 'EAGAIN')) throw error;
  }
}
