/** How a lab comes to run as a process of its own in the background, and how a start is given up. Owns what both sides say to each other. */

import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { EXIT, OperatorError } from '../errors.js';
import { holdFolder, type HeldFolder } from './held-folder.js';
import { clearDeadLab, emptyFolder, killLeftovers, LOG_FILE, markUnfinished, unmarkUnfinished } from './lab-folder.js';
import { isRecord, readLabState } from './lab-state.js';

const LOG_LINES_SHOWN = 10;

/**
 * Starts this program again in the background and returns when the lab is ready. It says so over its IPC channel,
 * which is then closed; its own words go to lab.log.
 */
export async function startInBackground(folder: string, argv: readonly string[]): Promise<void> {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const log = fs.openSync(join(folder, LOG_FILE), 'a', 0o600);
  const child = spawn(process.execPath, [...process.execArgv, ...argv], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  fs.closeSync(log);
  const message = await new Promise<unknown>((resolve) => {
    child
      .once('message', resolve)
      .once('exit', () => resolve(undefined))
      .once('error', resolve);
  });
  if (child.connected) child.disconnect();
  child.unref();
  if (isRecord(message) && message['ready'] === true) return;
  const { code, what, todo } = isRecord(message) ? message : {};
  const said = logTail(folder);
  await tidyFailedStart(folder);
  throw new OperatorError(typeof code === 'string' ? code : 'LAB_START_FAILED', {
    what:
      typeof what === 'string'
        ? what
        : `the lab did not start; ${said === '' ? 'its process was ended' : `it said:\n${said}`}`,
    ...(typeof todo === 'string' ? { todo } : {}),
    exit: EXIT.failed,
  });
}

/** What the lab said last; nothing where another start has taken the log away. */
function logTail(folder: string): string {
  const log = join(folder, LOG_FILE);
  const text = fs.existsSync(log) ? fs.readFileSync(log, 'utf8') : '';
  return text.trim().split('\n').slice(-LOG_LINES_SHOWN).join('\n');
}

/** Leaves the folder as it was, unless somebody else has it by now. */
async function tidyFailedStart(folder: string): Promise<void> {
  let held: HeldFolder;
  try {
    held = holdFolder(folder);
  } catch (error) {
    if (error instanceof OperatorError && error.code === 'LAB_FOLDER_HELD') return;
    throw error;
  }
  try {
    await clearDeadLab(folder);
    if (readLabState(folder) === undefined) emptyFolder(folder);
  } finally {
    held.release();
  }
}

const ENDS_A_START = ['SIGTERM', 'SIGINT', 'disconnect'] as const;

export interface UnfinishedStart {
  /** Once the lab stands. */
  done(): void;
  /** What fails because the start was given up waits here, and the process ends meanwhile. */
  givenUp(): Promise<void>;
  /** The lab is down again, or never stood: the next one may come. */
  over(): void;
}

/**
 * Holds the folder for the process that will be the lab, and ends what a dead one left there. The start is given up when the process
 * is told to end, or when the one who waits for the lab has gone: then nothing is left running, and the folder is as it was.
 * @throws OperatorError LAB_FOLDER_HELD, LAB_FOLDER_IN_USE
 */
export async function beginStart(folder: string): Promise<UnfinishedStart> {
  const held = holdFolder(folder);
  try {
    await clearDeadLab(folder);
  } catch (error) {
    held.release();
    throw error;
  }
  const isNew = readLabState(folder) === undefined;
  if (isNew) markUnfinished(folder);
  let ending = Promise.resolve();
  const giveUp = (): void => {
    ending = killLeftovers(folder).finally(() => {
      // Whoever still waits reads what was said there, and removes it then.
      if (isNew && !process.connected) emptyFolder(folder);
      held.release();
      process.exit(EXIT.interrupted);
    });
  };
  for (const event of ENDS_A_START) process.once(event, giveUp);
  // It went before anybody could see it go.
  if (process.send !== undefined && !process.connected) giveUp();
  return {
    done: () => {
      for (const event of ENDS_A_START) process.off(event, giveUp);
      unmarkUnfinished(folder);
    },
    givenUp: () => ending,
    over: () => held.release(),
  };
}

/** From inside the background process: ready, or why not. */
export function reportStart(result: { readonly ready: true } | { readonly error: unknown }): void {
  if (process.send === undefined || !process.connected) return;
  if ('ready' in result) return void process.send({ ready: true });
  const { error } = result;
  const what = error instanceof Error ? error.message : String(error);
  const known = error instanceof OperatorError ? { code: error.code, what: error.what, todo: error.todo } : { what };
  process.send(known);
}
