/** One at a time: a lock file that says whose it is, and is taken over when its owner is gone. */

import { link, open, readFile, rename, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OperatorError } from '../errors.js';
import { systemErrorCode } from './error-code.js';
import { processStart } from './process-start.js';

export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly since: string;
  /** What tells the process from a later one of its number, where the system can tell. */
  readonly start?: string;
}

export interface LockWish {
  readonly path: string;
  readonly now: Date;
  /** Seconds to wait for another process; 0 unless said. */
  readonly waitSeconds?: number;
  /** The words for a lock that another process holds; its owner is not known when the file is not one of ours. */
  readonly refuse: (owner: LockOwner | undefined) => OperatorError;
}

/** How often a process that waits looks again. */
const PAUSE_MS = 40;
/** File systems without hard links say so by one of these. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);
/** Several locks may be asked for at once by one process. */
let serial = 0;

/** Runs `work` holding the lock. @throws OperatorError as `wish.refuse` says */
export async function withLock<T>(wish: LockWish, work: () => Promise<T>): Promise<T> {
  const release = await takeLock(wish);
  try {
    return await work();
  } finally {
    await release();
  }
}

/** Takes the lock until the function is called that it resolves with. @throws OperatorError as `wish.refuse` says */
export async function takeLock(wish: LockWish): Promise<() => Promise<void>> {
  const { path, refuse, waitSeconds = 0 } = wish;
  const own = await ownText(wish.now);
  for (let waited = 0; ; waited += PAUSE_MS) {
    if (await create(path, own)) return () => release(path, own);
    const text = await readIfPresent(path);
    const owner = text === undefined ? undefined : readOwner(text);
    if (text === undefined || (owner !== undefined && (await isGone(owner)) && (await removeStale(path, text)))) {
      if (await create(path, own)) return () => release(path, own);
    }
    if (waited >= waitSeconds * 1000) throw refuse(owner);
    await sleep(PAUSE_MS);
  }
}

async function ownText(now: Date): Promise<string> {
  const start = await processStart(process.pid);
  const owner: LockOwner = {
    pid: process.pid,
    host: hostname(),
    since: now.toISOString(),
    ...(start === undefined ? {} : { start }),
  };
  return `${JSON.stringify(owner)}\n`;
}

/** Written before it is there: nobody sees a lock without its owner, not even after a crash. */
async function create(path: string, own: string): Promise<boolean> {
  serial += 1;
  const ready = `${path}.${process.pid}-${serial}.own`;
  await writeNew(ready, own);
  try {
    await link(ready, path);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'EEXIST') return false;
    if (code === undefined || !NO_LINKS.has(code)) throw error;
    return await createDirectly(path, own);
  } finally {
    await unlink(ready);
  }
}

async function createDirectly(path: string, own: string): Promise<boolean> {
  try {
    await writeNew(path, own);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** A disk that is full takes the file and not its text: then there is none. */
async function writeNew(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    await unlink(path);
    throw error;
  } finally {
    await handle.close();
  }
}

/** Gone already is released as well: a person may have removed it. */
async function release(path: string, own: string): Promise<void> {
  if ((await readIfPresent(path)) === own) await unlink(path);
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function readOwner(text: string): LockOwner | undefined {
  const shape = /^\{"pid":(\d{1,10}),"host":"([^"]*)","since":"([^"]*)"(?:,"start":"([^"]*)")?\}\n$/;
  const [, pid, host, since, start] = shape.exec(text) ?? [];
  if (pid === undefined || host === undefined || since === undefined) return undefined;
  return { pid: Number(pid), host, since, ...(start === undefined ? {} : { start }) };
}

/**
 * Only a process of this machine can be asked after; one elsewhere may well be at work. A process of the same number that was
 * started at another time is another process: after a reboot the numbers begin anew.
 */
async function isGone({ pid, host, start }: LockOwner): Promise<boolean> {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and another user's.
    if (systemErrorCode(error) === 'ESRCH') return true;
  }
  const running = start === undefined ? undefined : await processStart(pid);
  return running !== undefined && running !== start;
}

/**
 * Moved aside first and looked at again: if another process was quicker, what was moved is its new lock, and goes back.
 * Answers whether the stale lock is out of the way.
 */
async function removeStale(path: string, text: string): Promise<boolean> {
  const aside = `${path}.${process.pid}.stale`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return true;
    throw error;
  }
  try {
    if ((await readFile(aside, 'utf8')) === text) return true;
    await link(aside, path);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  } finally {
    await unlink(aside);
  }
  return false;
}

/** `process 4711 on admin1`. */
export function ownerWords(owner: LockOwner | undefined): string {
  return owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`;
}

/** ` for 90 seconds`, or nothing where it is not known. */
export function ageWords(owner: LockOwner | undefined, now: Date): string {
  const since = Date.parse(owner?.since ?? '');
  return Number.isNaN(since) ? '' : ` for ${Math.max(0, Math.round((now.getTime() - since) / 1000))} seconds`;
}
