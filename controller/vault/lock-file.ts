/** One writer at a time: a lock file that says whose it is, and is taken over when its owner is gone. */

import { link, open, readFile, rename, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { OperatorError } from '../errors.js';
import { errorCode } from './identity.js';

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly since: string;
}

/** Runs `work` holding `path`. @throws OperatorError VAULT_LOCKED at once when another process holds it */
export async function withLock<T>(path: string, now: Date, work: () => Promise<T>): Promise<T> {
  await acquire(path, now);
  try {
    return await work();
  } finally {
    await unlink(path);
  }
}

async function acquire(path: string, now: Date): Promise<void> {
  if (await create(path, now)) return;
  const text = await readIfPresent(path);
  const owner = text === undefined ? undefined : readOwner(text);
  if (text !== undefined && owner !== undefined && isGone(owner)) await removeStale(path, text);
  else if (text !== undefined) throw locked(path, owner, now);
  if (!(await create(path, now))) throw locked(path, undefined, now);
}

async function create(path: string, now: Date): Promise<boolean> {
  try {
    const handle = await open(path, 'wx', 0o600);
    const owner: Owner = { pid: process.pid, host: hostname(), since: now.toISOString() };
    await handle.writeFile(`${JSON.stringify(owner)}\n`);
    await handle.close();
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function readOwner(text: string): Owner | undefined {
  const match = /^\{"pid":(\d{1,10}),"host":"([^"]*)","since":"([^"]*)"\}\n$/.exec(text);
  const [, pid, host, since] = match ?? [];
  return pid === undefined || host === undefined || since === undefined ? undefined : { pid: Number(pid), host, since };
}

/** Only a process of this machine can be asked after; one elsewhere may well be at work. */
function isGone(owner: Owner): boolean {
  if (owner.host !== hostname()) return false;
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return errorCode(error) === 'ESRCH';
  }
}

/** Moved aside first and looked at again: if another process was quicker, what was moved is its new lock, and goes back. */
async function removeStale(path: string, text: string): Promise<void> {
  const aside = `${path}.${process.pid}.stale`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== text) await link(aside, path);
  await unlink(aside);
}

function locked(path: string, owner: Owner | undefined, now: Date): OperatorError {
  const since = owner === undefined ? Number.NaN : Date.parse(owner.since);
  const age = Number.isNaN(since) ? '' : ` for ${Math.max(0, Math.round((now.getTime() - since) / 1000))} seconds`;
  const who = owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`;
  return new OperatorError('VAULT_LOCKED', {
    what: `${who} is writing the key store${age}`,
    where: path,
    todo: 'wait for it and run again; if no such process exists any more, remove this file',
  });
}
