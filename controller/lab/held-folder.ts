/**
 * Which process begins, runs or ends the lab in a folder: one at a time. Owns the marks in the folder that say so. A mark of a process
 * that has ended holds nobody up, and who comes after it marks the folder behind that mark: so two who find it at once cannot both win.
 */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { OperatorError } from '../errors.js';
import { isErrno } from './errno.js';
import { isRunning, startOfProcess } from './host-processes.js';

/** Links that lead nowhere: made with their text in one step, or not at all. */
const MARK = '.lab-held';

export interface HeldFolder {
  /** Lets the next one in; a folder without anything in it goes as well. */
  release(): void;
}

/** Whether a name in a lab's folder is a mark. */
export function isMark(name: string): boolean {
  return name.startsWith(MARK);
}

/**
 * Holds the folder, which is made where it is missing. `holder`: this process unless a test says otherwise.
 * @throws OperatorError LAB_FOLDER_HELD by a process that lives
 */
export function holdFolder(folder: string, holder = nameOf(process.pid)): HeldFolder {
  for (;;) {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const marks = chain(folder);
    const last = marks.at(-1);
    if (last !== undefined && lives(last)) refuse(folder, last);
    if (mark(folder, last, holder) && chain(folder).at(-1) === holder)
      return { release: () => release(folder, holder) };
  }
}

/** @throws OperatorError LAB_FOLDER_HELD by a process that lives */
export function refuseHeld(folder: string): void {
  const last = chain(folder).at(-1);
  if (last !== undefined && lives(last)) refuse(folder, last);
}

function refuse(folder: string, holder: string): never {
  const pid = /^\d+/.exec(holder)?.[0] ?? holder;
  throw new OperatorError('LAB_FOLDER_HELD', {
    what: `process ${pid} has the folder ${folder}: it brings a lab up there, or down`,
    todo: `try again when it is done, or name another folder with --folder; if it hangs, kill ${pid}`,
  });
}

/** Those who held the folder one after the other, each found dead by the next. */
function chain(folder: string): readonly string[] {
  const holders: string[] = [];
  for (;;) {
    const next = holderAt(folder, holders.at(-1));
    if (next === undefined || holders.includes(next)) return holders;
    holders.push(next);
  }
}

function markPath(folder: string, after: string | undefined): string {
  return join(folder, after === undefined ? MARK : `${MARK}.${after}`);
}

function holderAt(folder: string, after: string | undefined): string | undefined {
  try {
    return fs.readlinkSync(markPath(folder, after));
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Whether the mark could be made: nobody else has made one there, and the folder is still there. */
function mark(folder: string, after: string | undefined, holder: string): boolean {
  try {
    fs.symlinkSync(holder, markPath(folder, after));
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST') || isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** The first mark goes first: what hangs behind it then leads nobody astray, as each looks again from the beginning. */
function release(folder: string, holder: string): void {
  const holders = chain(folder);
  if (holders.at(-1) !== holder) return;
  for (const after of [undefined, ...holders.slice(0, -1)]) fs.rmSync(markPath(folder, after), { force: true });
  try {
    fs.rmdirSync(folder);
  } catch (error) {
    // Something is in it, or it cannot go for reasons of its place.
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

/** A process, told from a later one of the same id where the system says when each began. */
function nameOf(pid: number): string {
  return `${pid}-${startOfProcess(pid) ?? 0}`;
}

function lives(name: string): boolean {
  const [pid = 0, start] = name.split('-').map(Number);
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  return isRunning(pid) && (start === 0 || startOfProcess(pid) === start);
}
