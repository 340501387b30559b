/** The one place where the real edges are built and handed in; they are closed at the end. */

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { OperatorError, type Problem } from '../errors.js';
import { errorCode, readTemplates, readTextNow, unreadable } from '../files/workspace.js';
import { parseInventory } from '../inventory/parse.js';
import { selectHosts } from '../inventory/select.js';
import { createLogger, silentLog, type Logger } from '../log/logger.js';
import type { Host, Inventory, Settings } from '../model/host.js';
import type { Clock, HostLink, Log, RandomBytes, Vault } from '../ports.js';
import { readAgent } from '../remote/agent-bundle.js';
import { createHostLink, type HostLinkOptions } from '../remote/agent-link.js';
import { problemsText } from '../report/problem-text.js';
import { desireFleet, type DesiredFleet } from '../run/desire-fleet.js';
import { offlineFleet, type OfflineFleet } from '../run/offline-fleet.js';
import { SessionLot } from '../run/session-lot.js';
import { keysAtHand, supplyKeys, type KeysAtHand } from '../run/supply-keys.js';
import { openVault } from '../vault/age-vault.js';
import type { FleetArguments } from './arguments.js';
import { terminalAsk } from './ask.js';
import { createOutput, type Output } from './output.js';
import { agentFolder, templatesFolder } from './package-files.js';

/** What gives connections up. */
export type LinkEnds = Pick<HostLinkOptions, 'stop' | 'looking'>;

/** An inventory that was read, and how to reach the world it speaks of. */
export interface Context {
  readonly output: Output;
  readonly inventory: Inventory;
  readonly settings: Settings;
  /** The hosts that `--limit` leaves. */
  readonly selected: readonly Host[];
  readonly warnings: readonly Problem[];
  readonly vault: Vault;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  openLink(ends?: LinkEnds): Promise<HostLink>;
}

export const clock: Clock = {
  now: () => new Date(),
  after: (seconds, signal) => sleep(seconds * 1000, undefined, signal === undefined ? {} : { signal }),
};

/** The arguments of a fleet command as yargs hands them over. */
export type FleetArgv = Pick<FleetArguments, 'inventory' | 'limit' | 'forks' | 'output' | 'color'> & {
  readonly logFile?: string | undefined;
  /** Opens the key store instead of the inventory's `identityFile`. */
  readonly identity?: string | undefined;
  /** Nobody is there to be asked for anything, whatever the terminal says. */
  readonly unattended?: boolean;
};

/** Reads the inventory named by the arguments and runs `work` with it; the log is closed whatever happens. */
export async function withContext(args: FleetArgv, work: (context: Context) => Promise<number>): Promise<void> {
  const output = createOutput({ format: args.output, colour: args.color });
  const read = await readInventory(args);
  const logFile = args.logFile ?? read.settings.logFile;
  const logger = logFile === undefined ? silentLog() : await openLog(logFile, output);
  try {
    process.exitCode = await work(contextOf(read, args, output, logger.log));
  } finally {
    await logger.close();
  }
}

/** The inventory as it is now, for a process that has been at work for long: same words, same output, same log. */
export async function readAgain(args: FleetArgv, { output, log }: Pick<Context, 'output' | 'log'>): Promise<Context> {
  return contextOf(await readInventory(args), args, output, log);
}

type ReadInventory = Pick<Context, 'inventory' | 'settings' | 'selected' | 'warnings'>;

async function readInventory(args: FleetArgv): Promise<ReadInventory> {
  const path = await inventoryFile(args.inventory);
  const { inventory, warnings } = parseInventory({ path, readFile: readTextNow });
  const settings = {
    ...inventory.settings,
    ...(args.forks === undefined ? {} : { forks: args.forks }),
    ...(args.identity === undefined ? {} : { identityFile: args.identity }),
  };
  return { inventory, settings, selected: selectHosts(inventory, args.limit), warnings };
}

function contextOf(read: ReadInventory, args: FleetArgv, output: Output, log: Log): Context {
  const ask = args.unattended === true ? undefined : terminalAsk();
  return {
    ...read,
    output,
    vault: openVault(read.settings, ask),
    clock,
    random: randomBytes,
    log,
    openLink: async (ends = {}) =>
      createHostLink({
        agent: await readAgent(agentFolder),
        env: process.env,
        randomBytes,
        log,
        ...ends,
        note: (text) => output.note(`note: ${text}\n`),
        ...(ask === undefined ? {} : { ask }),
      }),
  };
}

function openLog(file: string, output: Output): Promise<Logger> {
  return createLogger(file, {
    onLost: (error) => output.note(`the log file cannot be written any more: ${error.message}\n`),
  });
}

/** A folder stands for the inventory in it. @throws OperatorError FILE_UNREADABLE */
export async function inventoryFile(named: string): Promise<string> {
  const found = await stat(named).catch(() => undefined);
  const path = found?.isDirectory() === true ? join(named, 'inventory.yaml') : named;
  await checkInventory(path);
  return path;
}

/** The file named on the command line is asked for by itself: a parser that follows includes would speak of a line in it. */
async function checkInventory(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
  } catch (cause) {
    const error = unreadable(path, cause);
    if (errorCode(cause) !== 'ENOENT') throw error;
    throw new OperatorError('FILE_UNREADABLE', {
      what: 'there is no such inventory',
      where: path,
      todo: 'name the inventory file, or start one with `ipsec-deploy init`',
      cause,
    });
  }
}

/** Runs `work` with sessions that are all closed at the end. */
export async function withLot<T>(context: Context, work: (lot: SessionLot) => Promise<T>, ends?: LinkEnds): Promise<T> {
  const lot = new SessionLot(await context.openLink(ends));
  try {
    return await work(lot);
  } finally {
    await lot.closeAll();
  }
}

/** The built-in templates, then the operator's, which replace those of the same name. */
export async function loadTemplates(settings: Settings) {
  const own = settings.templates === undefined ? [] : await readTemplates(settings.templates);
  return [...(await readTemplates(templatesFolder)), ...own];
}

/** Keys supplied, every host rendered, warnings told. */
export async function prepareFleet(context: Context) {
  const { store, drawn } = await supplyKeys(context.inventory, context.vault, context.random, context.clock);
  if (drawn.length > 0) {
    context.output.note(
      `${drawn.length} ${drawn.length === 1 ? 'key was' : 'keys were'} drawn and stored in ${context.settings.keyStore}\n`,
    );
  }
  const fleet: DesiredFleet = desireFleet(
    context.inventory,
    context.inventory.hosts,
    await loadTemplates(context.settings),
    store,
  );
  tellWarnings(context, [...context.warnings, ...fleet.warnings]);
  return { store, fleet };
}

/** The stored keys, or throw-away ones, for a command that only looks. */
export function keysForLooking({ inventory, settings, random, clock: now }: Context): Promise<KeysAtHand> {
  return keysAtHand(inventory, openVault(settings, undefined), random, now);
}

/** The fleet as the inventory wants it, for a command that only looks: no key is drawn into the store, nothing is asked for. */
export async function lookAtFleet(context: Context): Promise<OfflineFleet> {
  const { store, note } = await keysForLooking(context);
  const fleet = offlineFleet(context.inventory, await loadTemplates(context.settings), store);
  if (note !== undefined) context.output.note(`note: ${note}\n`);
  return fleet;
}

export function tellWarnings(context: Context, warnings: readonly Problem[]): void {
  if (warnings.length > 0)
    context.output.note(problemsText(warnings, process.stderr.isTTY ? context.output.paint : (_colour, text) => text));
}
