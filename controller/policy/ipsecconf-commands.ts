/**
 * One `ipsecconf` command from the command line and what it leaves behind, without its log and its lock: loading,
 * checking, replacing, flushing and deleting by index. For questions; the lab's host runs the command itself.
 */

import type { Action } from '../model/policy.js';
import { readOptions, type Options } from './ipsecconf-options.js';
import { ADD_WARNING, CHECKED, SERVICE_WARNING } from './ipsecconf-texts.js';
import { loadPolicy, type LoadRun } from './load-policy.js';
import type { NameTables } from './name-tables.js';
import { deleteRule, flushSpd, type Spd } from './spd.js';

export interface PolicyOutcome {
  /** 139 when the real program crashes. */
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The policy in force afterwards. */
  readonly spd: Spd;
  /** Lists of alternatives the kernel was given, in order: it never forgets them. */
  readonly offered: readonly (readonly Action[])[];
}

/**
 * Runs a command line without the program's name; `text` is the file it names. `undefined`: a command that this module
 * does not play (listings, removal by file, wrong usage).
 */
export function runIpsecconf(
  spd: Spd,
  argv: readonly string[],
  text: string,
  names: NameTables,
): PolicyOutcome | undefined {
  const parsed = readOptions(argv);
  if (parsed.kind === 'bad') return undefined;
  const { command, scope, quiet } = parsed.options;
  const stdout = quiet ? '' : SERVICE_WARNING;
  const failed = (message: string): PolicyOutcome => ({ exit: 1, stdout, stderr: said([message]), spd, offered: [] });
  switch (command.kind) {
    case 'add': {
      const options = { check: parsed.options.check, quiet, ...(command.replace && { replace: scope }) };
      const run = loadPolicy(spd, text, options, names);
      const { exit, messages, printed } = concludeLoad(run, parsed.options);
      // A crash loses what was printed but not yet written out.
      return {
        exit,
        stdout: exit === CRASHED ? '' : stdout + printed,
        stderr: said(messages),
        spd: run.spd,
        offered: run.offered,
      };
    }
    case 'flush': {
      const left = flushSpd(spd, scope);
      return left === undefined
        ? failed('Flush failed while reading reply')
        : { exit: 0, stdout, stderr: '', spd: left, offered: [] };
    }
    case 'delete': {
      const left = deleteRule(spd, scope.kind === 'tunnel' ? scope.name : undefined, command.index);
      return left === undefined
        ? failed('Delete failed while reading reply')
        : { exit: 0, stdout, stderr: '', spd: left, offered: [] };
    }
    default:
      return undefined;
  }
}

function said(messages: readonly string[]): string {
  return messages.map((message) => `ipsecconf: ${message}\n`).join('');
}

/** Status of a program that died of SIGSEGV. */
const CRASHED = 139;

const EXITS = { loaded: 0, empty: 0, errors: 1, stopped: 1, crash: CRASHED, exit: 1, 'no-tunnel': 1 } as const;

/** Exit status, all messages for standard error and all that is printed, once a load has come to its end. */
export function concludeLoad(
  { end, entries, good, messages, printed }: LoadRun,
  { check, quiet }: Pick<Options, 'check' | 'quiet'>,
): { readonly exit: number; readonly messages: readonly string[]; readonly printed: string } {
  const exit = EXITS[end];
  switch (end) {
    case 'empty':
      return { exit, messages: [...messages, 'Policy file does not contain any valid rules.'], printed };
    case 'errors': {
      const summary = [`${entries - good} policy rule(s) contained errors.`, 'Fatal error - exiting.'];
      return { exit, messages: [...messages, ...summary], printed };
    }
    case 'no-tunnel':
      return { exit, messages: [...messages, 'Flush failed while reading reply'], printed };
    case 'stopped':
      return { exit, messages, printed: check ? printed + CHECKED : printed };
    case 'loaded':
      return { exit, messages, printed: printed + (check ? CHECKED : quiet ? '' : ADD_WARNING) };
    default:
      return { exit, messages, printed };
  }
}
