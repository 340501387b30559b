/** The life of a lab as a background process: started once, told down, found dead. Owns lab.json and the control socket. */

import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT, OperatorError } from '../errors.js';
import { parseAddress, type Address } from '../model/address.js';
import { reach } from './control-client.js';
import { serveControl } from './control-server.js';
import { startEnforcingLab, type EnforcingLab } from './enforce/enforcing-lab.js';
import { isRunning, killMarked } from './host-processes.js';
import { startLab, type Lab, type LabHostPlan } from './lab.js';
import type { LabNodes } from './lab-node.js';
import { isRecord, readLabState, STATE_FILE, writeLabState, type LabState } from './lab-state.js';

/** Unix socket paths end at 104 bytes on some systems. */
const LONGEST_SOCKET_PATH = 100;
const LOG_FILE = 'lab.log';
const LOG_LINES_SHOWN = 10;
const EXIT_LOOK_MILLISECONDS = 5;
const EXIT_TRIES = 400;

export interface ServeOptions {
  readonly folder: string;
  readonly hosts: readonly LabHostPlan[];
  /** Called when the hosts answer and before anybody is told, to write what an operator needs to reach them. */
  readonly prepare: (lab: LabNodes) => Promise<void>;
}

export interface ServedLab<L extends LabNodes = Lab> {
  readonly lab: L;
  /** Resolves when the lab has been told `down` and is. */
  readonly ended: Promise<void>;
  /** Ends the lab as `down --keep` would. */
  stop(): Promise<void>;
}

/** Runs a plain lab until it is told `down`. Resolves when the lab is ready. */
export async function serveLab(options: ServeOptions): Promise<ServedLab> {
  // All that reaches these hosts comes from this machine, and the inventories of the lab say so under `management`.
  return serve(await startLab({ ...options, client: parseAddress('127.0.0.1') }), options);
}

/** The same for an enforcing lab. `controller`: its addresses on the wire. */
export async function serveEnforcingLab(
  options: ServeOptions & { readonly controller: readonly Address[] },
): Promise<ServedLab<EnforcingLab>> {
  return serve(await startEnforcingLab(options), options);
}

async function serve<L extends LabNodes>(lab: L, { prepare }: ServeOptions): Promise<ServedLab<L>> {
  const sockets = fs.mkdtempSync(join(socketBase(lab.folder), '.control-'));
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const control = join(sockets, 's');
  const bringDown = async (keep: boolean): Promise<void> => {
    await lab.close({ keep });
    fs.rmSync(sockets, { recursive: true, force: true });
    if (keep) writeLabState(lab.folder, { pid: 0, control: '', hosts, controller });
    else fs.rmSync(lab.folder, { recursive: true, force: true });
  };
  let going: Promise<void> | undefined;
  const down = (keep: boolean): Promise<void> => (going ??= bringDown(keep));
  const server = await serveControl(lab, control, async (keep, told) => {
    await down(keep);
    told({ done: true });
    await server.close();
    end();
  });
  const stop = async (): Promise<void> => {
    await down(true);
    await server.close();
    end();
  };
  const hosts = [...lab.hosts.values()].map(({ name, addresses, platform, port, isOutsider = false }) => ({
    name,
    addresses,
    platform,
    port,
    isOutsider,
  }));
  const controller = lab.cables?.controller;
  await prepare(lab);
  writeLabState(lab.folder, { pid: process.pid, control, hosts, controller });
  return { lab, ended, stop };
}

function socketBase(folder: string): string {
  return folder.length + '/.control-123456/s'.length <= LONGEST_SOCKET_PATH ? folder : tmpdir();
}

/** What stands in a folder: nothing, a lab that runs, or one that does not. @throws OperatorError LAB_FOLDER_IN_USE */
export async function lookForLab(
  folder: string,
): Promise<{ readonly state: LabState; readonly isUp: boolean } | undefined> {
  const state = readLabState(folder);
  if (state === undefined) {
    if (fs.existsSync(folder) && fs.readdirSync(folder).length > 0) {
      throw new OperatorError('LAB_FOLDER_IN_USE', {
        what: `${folder} is not empty and holds no lab`,
        where: folder,
        todo: 'name another folder with --folder',
      });
    }
    return undefined;
  }
  const socket = await reach(state);
  socket?.destroy();
  return { state, isUp: socket !== undefined };
}

/** Ends what a lab that died left running, and its socket. Its hosts' files stay. */
export async function clearDeadLab(folder: string, state: LabState): Promise<void> {
  await killLeftovers(folder);
  if (state.control !== '') fs.rmSync(join(state.control, '..'), { recursive: true, force: true });
}

/** Kills what the hosts in a folder have left running. */
async function killLeftovers(folder: string): Promise<void> {
  const inside = `${fs.realpathSync(folder)}/`;
  await killMarked((marker) => marker.startsWith(inside));
}

/** Waits until the process of a lab that was told `down` has ended; a moment is all it needs. */
export async function awaitExit({ pid }: LabState): Promise<void> {
  for (let tries = 0; tries < EXIT_TRIES && isRunning(pid); tries++) await delay(EXIT_LOOK_MILLISECONDS);
}

/** Removes a lab that is not running. */
export async function removeLab(folder: string, state: LabState): Promise<void> {
  await clearDeadLab(folder, state);
  fs.rmSync(folder, { recursive: true, force: true });
}

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
  await killLeftovers(folder);
  const { code, what, todo } = isRecord(message) ? message : {};
  const said = fs.readFileSync(join(folder, LOG_FILE), 'utf8').trim().split('\n').slice(-LOG_LINES_SHOWN).join('\n');
  // A folder without lab.json was empty or absent before.
  if (!fs.existsSync(join(folder, STATE_FILE))) fs.rmSync(folder, { recursive: true, force: true });
  throw new OperatorError(typeof code === 'string' ? code : 'LAB_START_FAILED', {
    what: typeof what === 'string' ? what : `the lab did not start; it said:\n${said}`,
    ...(typeof todo === 'string' ? { todo } : {}),
    exit: EXIT.failed,
  });
}

const ENDS_A_START = ['SIGTERM', 'SIGINT', 'disconnect'] as const;

export interface UnfinishedStart {
  /** Once the lab stands. */
  done(): void;
  /** What fails because the start was given up waits here, and the process ends meanwhile. */
  givenUp(): Promise<void>;
}

/**
 * Gives a start up when the process is told to end, or when the one who waits for the lab has gone. Then nothing is left running,
 * and the folder is as it was.
 */
export function watchStart(folder: string): UnfinishedStart {
  const wasThere = fs.existsSync(join(folder, STATE_FILE));
  let ending = Promise.resolve();
  const giveUp = (): void => {
    ending = killLeftovers(folder).finally(() => {
      // Whoever still waits reads what was said there, and removes it then.
      if (!wasThere && !process.connected) fs.rmSync(folder, { recursive: true, force: true });
      process.exit(EXIT.interrupted);
    });
  };
  for (const event of ENDS_A_START) process.once(event, giveUp);
  return {
    done: () => {
      for (const event of ENDS_A_START) process.off(event, giveUp);
    },
    givenUp: () => ending,
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
