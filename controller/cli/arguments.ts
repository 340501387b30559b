/** The words that several commands share. */

import type { Argv } from 'yargs';

import type { OutputFormat } from './output.js';

export interface CommonArguments {
  readonly output: OutputFormat;
  readonly color: boolean | undefined;
}

export interface HostsArguments {
  readonly inventory: string;
  readonly limit: string | undefined;
  readonly forks: number | undefined;
  readonly 'log-file': string | undefined;
}

export type FleetArguments = CommonArguments & HostsArguments;

export interface RiskArguments {
  readonly 'accept-risk': readonly Risk[];
}

/** Risks that a person may take by name; each is refused otherwise. */
export const RISKS = [
  'lock-out',
  'failed-tests',
  'peer-unreachable',
  'unprotected',
  'in-the-clear',
  'gap',
  'pairs',
  'lint',
] as const;
export type Risk = (typeof RISKS)[number];

export function commonOptions<T>(argv: Argv<T>): Argv<T & CommonArguments> {
  return colourOption(argv).option('output', {
    choices: ['text', 'json'] as const,
    requiresArg: true,
    default: 'text' as const,
    describe: 'text for people, json for programs',
  });
}

export function colourOption<T>(argv: Argv<T>): Argv<T & Pick<CommonArguments, 'color'>> {
  return argv.option('color', {
    type: 'boolean',
    describe: 'colours, also where stdout is no terminal; --no-color for none',
  });
}

export function fleetOptions<T>(argv: Argv<T>): Argv<T & FleetArguments> {
  return hostsOptions(commonOptions(argv));
}

/** For a command that has other forms of output than the common ones: yargs adds up the choices of an option that is named twice. */
export function hostsOptions<T>(argv: Argv<T>): Argv<T & HostsArguments> {
  return workOptions(limitOption(inventoryOperand(argv)));
}

export function inventoryOperand<T>(argv: Argv<T>): Argv<T & Pick<HostsArguments, 'inventory'>> {
  return argv.positional('inventory', { type: 'string', default: 'inventory.yaml', describe: 'the inventory file' });
}

export function limitOption<T>(argv: Argv<T>): Argv<T & Pick<HostsArguments, 'limit'>> {
  return argv.option('limit', { type: 'string', requiresArg: true, describe: "hosts or groups, e.g. 'web*,!web3'" });
}

/** For a command that works on hosts: how many at once, and where what befell them is noted. */
export function workOptions<T>(argv: Argv<T>): Argv<T & Pick<HostsArguments, 'forks' | 'log-file'>> {
  return logOption(argv).option('forks', {
    type: 'number',
    requiresArg: true,
    describe: 'hosts worked on at once',
    coerce: wholeNumber('forks', 1, 500),
  });
}

export function logOption<T>(argv: Argv<T>): Argv<T & Pick<HostsArguments, 'log-file'>> {
  return argv.option('log-file', {
    type: 'string',
    requiresArg: true,
    describe: 'append events as JSON lines, without secrets',
  });
}

/** For a command whose operands are something else. */
export function inventoryOption<T>(argv: Argv<T>): Argv<T & Pick<HostsArguments, 'inventory'>> {
  return argv.option('inventory', {
    alias: 'i',
    type: 'string',
    requiresArg: true,
    default: 'inventory.yaml',
    describe: 'the inventory file',
  });
}

export function riskOption<T>(argv: Argv<T>): Argv<T & RiskArguments> {
  return argv.option('accept-risk', {
    choices: RISKS,
    array: true,
    nargs: 1,
    default: [] as readonly Risk[],
    describe: 'go on although the plan was refused for this reason',
  });
}

/** Reads a number given on the command line; `most` is left open when it is not given. */
export function wholeNumber<N extends number | undefined>(name: string, least: number, most?: number): (value: N) => N {
  return (value) => {
    if (value === undefined) return value;
    if (Number.isSafeInteger(value) && value >= least && value <= (most ?? value)) return value;
    throw new Error(`--${name} takes a whole number from ${least}${most === undefined ? '' : ` to ${most}`}`);
  };
}
