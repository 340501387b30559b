/** `lab.json`: what a lab's folder knows of the lab that runs, or last ran, in it. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { formatAddress, parseAddress, type Address } from '../model/address.js';
import { shellWord } from '../drift/finding-words.js';
import { OperatorError } from '../errors.js';
import type { LabHostPlan } from './lab.js';

export interface LabState {
  /** The process that is, or was, the lab. */
  readonly pid: number;
  /** The socket it takes commands on. */
  readonly control: string;
  readonly hosts: readonly LabHostPlan[];
  /** Of an enforcing lab: the controller's addresses on the wire. */
  readonly controller?: readonly Address[] | undefined;
}

export const STATE_FILE = 'lab.json';

export function writeLabState(folder: string, state: LabState): void {
  const hosts = state.hosts.map(({ name, addresses, platform, port, isOutsider }) => ({
    name,
    addresses: addresses.map(formatAddress),
    // Where nothing is said it is solaris-smf.
    ...(platform === undefined || platform === 'solaris-smf' ? {} : { platform }),
    port,
    ...(isOutsider === true ? { outsider: true } : {}),
  }));
  const { pid, control } = state;
  const depth = state.controller === undefined ? {} : { controller: state.controller.map(formatAddress) };
  const text = `${JSON.stringify({ version: 1, pid, control, ...depth, hosts }, undefined, 2)}\n`;
  const path = join(folder, STATE_FILE);
  fs.writeFileSync(`${path}.new`, text, { mode: 0o600 });
  fs.renameSync(`${path}.new`, path);
}

/** How a command line names a lab's folder. */
export function folderOption(folder: string): string {
  return folder.startsWith('-') ? `--folder=${shellWord(folder)}` : `--folder ${shellWord(folder)}`;
}

/** Nothing when the folder holds no lab. @throws OperatorError LAB_STATE_DAMAGED */
export function readLabState(folder: string): LabState | undefined {
  const path = join(folder, STATE_FILE);
  if (!fs.existsSync(path)) return undefined;
  const state = parseState(fs.readFileSync(path, 'utf8'));
  if (state !== undefined) return state;
  throw new OperatorError('LAB_STATE_DAMAGED', {
    what: `${path} is not what a lab wrote`,
    where: path,
    todo: `look whether you need anything in ${folder}, then remove the folder`,
  });
}

function parseState(text: string): LabState | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (!isRecord(value) || value['version'] !== 1) return undefined;
  const { pid, control, hosts } = value;
  if (typeof pid !== 'number' || typeof control !== 'string' || !Array.isArray(hosts)) return undefined;
  const plans = hosts.map(parseHost);
  if (!plans.every((plan) => plan !== undefined)) return undefined;
  if (value['controller'] === undefined) return { pid, control, hosts: plans };
  const controller = parseAddresses(value['controller']);
  return controller === undefined ? undefined : { pid, control, hosts: plans, controller };
}

function parseHost(value: unknown): LabHostPlan | undefined {
  if (!isRecord(value)) return undefined;
  const { name, addresses, platform, port } = value;
  if (typeof name !== 'string' || typeof port !== 'number') return undefined;
  if (platform !== undefined && platform !== 'solaris-smf' && platform !== 'solaris-legacy') return undefined;
  const parsed = parseAddresses(addresses);
  if (parsed === undefined) return undefined;
  const outsider = value['outsider'] === true ? { isOutsider: true } : {};
  return { name, addresses: parsed, port, ...(platform === undefined ? {} : { platform }), ...outsider };
}

function parseAddresses(texts: unknown): Address[] | undefined {
  if (!Array.isArray(texts)) return undefined;
  const parsed = texts.map((text) => (typeof text === 'string' ? parseAddress(text) : undefined));
  return parsed.every((address) => address !== undefined) ? parsed : undefined;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
