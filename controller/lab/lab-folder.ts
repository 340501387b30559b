/** What stands in a lab's folder: nothing, a lab that runs, or what is left of one. Owns how that is told apart, and its end. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { OperatorError } from '../errors.js';
import { reach } from './control-client.js';
import { holdFolder, isMark, refuseHeld } from './held-folder.js';
import { isRunning, killMarked } from './host-processes.js';
import { readLabState, STATE_FILE, type LabState } from './lab-state.js';

export const LOG_FILE = 'lab.log';
/** There while a lab is brought up that was not there before: then all in the folder is its own. */
const UNFINISHED_FILE = '.lab-unfinished';
const EXIT_LOOK_MILLISECONDS = 5;
const EXIT_TRIES = 400;

export type FoundLab =
  | { readonly isUp: boolean; readonly state: LabState }
  /** Whoever brought it up was killed before it stood. */
  | { readonly isUp: false; readonly state?: undefined };

/** Nothing when there is no lab. @throws OperatorError LAB_FOLDER_IN_USE, LAB_FOLDER_HELD, LAB_STATE_DAMAGED */
export async function lookForLab(folder: string): Promise<FoundLab | undefined> {
  const state = readLabState(folder);
  const socket = state === undefined ? undefined : await reach(state);
  socket?.destroy();
  if (state !== undefined && socket !== undefined) return { state, isUp: true };
  refuseHeld(folder);
  return lookForDeadLab(folder);
}

function lookForDeadLab(folder: string): FoundLab | undefined {
  const state = readLabState(folder);
  if (state !== undefined) return { state, isUp: false };
  const there = fs.statSync(folder, { throwIfNoEntry: false });
  if (there?.isDirectory() === false) {
    throw new OperatorError('LAB_FOLDER_IN_USE', {
      what: 'this is a file, not a folder',
      where: folder,
      todo: 'name another folder with --folder',
    });
  }
  const names = there === undefined ? [] : fs.readdirSync(folder);
  if (names.includes(UNFINISHED_FILE)) return { isUp: false };
  // Whoever starts a lab makes its log before it holds the folder.
  if (names.every((name) => isMark(name) || name === LOG_FILE)) return undefined;
  throw new OperatorError('LAB_FOLDER_IN_USE', {
    what: `${folder} is not empty and holds no lab`,
    where: folder,
    todo: 'name another folder with --folder',
  });
}

/** Of whoever holds the folder: ends what a dead lab left running, and takes away one that never stood. The files of another stay. */
export async function clearDeadLab(folder: string): Promise<void> {
  const found = lookForDeadLab(folder);
  if (found === undefined) return;
  await killLeftovers(folder);
  if (found.state === undefined) emptyFolder(folder);
  else if (found.state.control !== '') {
    fs.rmSync(join(found.state.control, '..'), { recursive: true, force: true });
  }
}

/** Ends a lab that does not run, and removes it unless its files are to be kept. @throws OperatorError LAB_FOLDER_HELD */
export async function endDeadLab(folder: string, keep: boolean): Promise<void> {
  const held = holdFolder(folder);
  try {
    await clearDeadLab(folder);
    if (!keep) emptyFolder(folder);
  } finally {
    held.release();
  }
}

/** Of whoever holds the folder: from now on all that is put there is of a lab that does not stand yet. */
export function markUnfinished(folder: string): void {
  fs.writeFileSync(join(folder, UNFINISHED_FILE), '', { mode: 0o600 });
}

export function unmarkUnfinished(folder: string): void {
  fs.rmSync(join(folder, UNFINISHED_FILE), { force: true });
}

/** Removes all but the marks of who holds the folder; the folder too when nobody does. */
export function emptyFolder(folder: string): void {
  const names = fs.readdirSync(folder);
  // What says that the rest is a lab's goes last: whoever is killed meanwhile leaves what `down` can end.
  const last = (name: string): number => Number(name === UNFINISHED_FILE || name === STATE_FILE);
  for (const name of names.filter((one) => !isMark(one)).toSorted((a, b) => last(a) - last(b))) {
    fs.rmSync(join(folder, name), { recursive: true, force: true });
  }
  if (!names.some(isMark)) fs.rmSync(folder, { recursive: true, force: true });
}

/** Kills what the hosts in a folder have left running. */
export async function killLeftovers(folder: string): Promise<void> {
  const inside = `${fs.realpathSync(folder)}/`;
  await killMarked((marker) => marker.startsWith(inside));
}

/** Waits until the process of a lab that was told `down` has ended; a moment is all it needs. */
export async function awaitExit({ pid }: LabState): Promise<void> {
  for (let tries = 0; tries < EXIT_TRIES && isRunning(pid); tries++) await delay(EXIT_LOOK_MILLISECONDS);
}
