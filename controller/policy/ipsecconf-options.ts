/** The command line of ipsecconf(8): getopt string `nlfLFa:qd:r:i:c:`, one command at a time. */

import { wholeNumber } from './c-numbers.js';
import type { Scope } from './spd.js';

export type Command =
  | { readonly kind: 'view' }
  | { readonly kind: 'add'; readonly file: string; readonly replace: boolean }
  | { readonly kind: 'flush' }
  | { readonly kind: 'list' }
  | { readonly kind: 'delete'; readonly index: number }
  | { readonly kind: 'remove'; readonly file: string };

export interface Options {
  readonly command: Command;
  readonly scope: Scope;
  readonly check: boolean;
  readonly quiet: boolean;
  readonly numeric: boolean;
}

export type ParsedOptions =
  | { readonly kind: 'options'; readonly options: Options }
  | { readonly kind: 'bad'; readonly messages: readonly string[]; readonly usage: boolean };

interface Scan {
  command: Command | undefined;
  /** '' = every table. */
  table: string | undefined;
  check: boolean;
  quiet: boolean;
  numeric: boolean;
}

const LETTERS = 'nlfLFa:qd:r:i:c:';

/** `argv` without the program's name; `known`: the options of an earlier command. */
export function readOptions(argv: readonly string[], known = LETTERS): ParsedOptions {
  if (argv.length === 0) return options({ ...freshScan(), command: { kind: 'view' } });
  const scan = freshScan();
  for (const { letter, value, problem } of letters(argv, known)) {
    if (problem !== undefined) return { kind: 'bad', messages: [problem, 'Bad usage.'], usage: true };
    const bad = takeLetter(scan, letter, value);
    if (bad !== undefined) return bad;
  }
  return scan.command === undefined ? { kind: 'bad', messages: ['Bad usage.'], usage: true } : options(scan);
}

function freshScan(): Scan {
  return { command: undefined, table: undefined, check: false, quiet: false, numeric: false };
}

function options({ command, table, ...rest }: Scan): ParsedOptions {
  if (command === undefined) return { kind: 'bad', messages: ['Bad usage.'], usage: true };
  const scope: Scope =
    table === undefined ? { kind: 'host' } : table === '' ? { kind: 'all' } : { kind: 'tunnel', name: table };
  return { kind: 'options', options: { command, scope, ...rest } };
}

/** getopt(3C): options end at the first operand or at `--`. */
function* letters(
  argv: readonly string[],
  known: string,
): Generator<{ letter: string; value: string; problem?: string }> {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (!word.startsWith('-') || word === '-' || word === '--') return;
    for (let at = 1; at < word.length; at++) {
      const letter = word[at] ?? '';
      const place = letter === ':' ? -1 : known.indexOf(letter);
      if (place < 0) {
        yield { letter, value: '', problem: `illegal option -- ${letter}` };
      } else if (known[place + 1] !== ':') {
        yield { letter, value: '' };
      } else {
        const value = at + 1 < word.length ? word.slice(at + 1) : argv[++i];
        if (value === undefined) yield { letter, value: '', problem: `option requires an argument -- ${letter}` };
        else yield { letter, value };
        break;
      }
    }
  }
}

function bad(message: string, usage = true): ParsedOptions {
  return { kind: 'bad', messages: [message], usage };
}

const TWO_COMMANDS = 'Multiple commands specified';
const TABLE_TWICE = 'Interface name already selected';

function takeLetter(scan: Scan, letter: string, value: string): ParsedOptions | undefined {
  switch (letter) {
    case 'n':
      scan.numeric = true;
      return undefined;
    case 'q':
      scan.quiet = true;
      return undefined;
    case 'i':
      if (scan.table !== undefined) return bad(TABLE_TWICE, false);
      if (value === '') return bad('Invalid interface name.');
      scan.table = value;
      return undefined;
    case 'f':
    case 'F':
      if (letter === 'F' && scan.table !== undefined) return bad('interface name not required.');
      if (letter === 'F') scan.table = '';
      if (scan.command?.kind === 'add' && !scan.command.replace) {
        scan.command = { ...scan.command, replace: true };
        return undefined;
      }
      return start(scan, { kind: 'flush' });
    case 'l':
    case 'L':
      if (letter === 'L' && scan.table !== undefined) return bad('interface name not required.');
      if (letter === 'L') scan.table = '';
      return start(scan, { kind: 'list' });
    case 'd':
      return start(scan, { kind: 'delete', index: -1 }) ?? takeIndex(scan, value);
    case 'c':
      scan.check = true;
      scan.quiet = true;
      return takeFile(scan, { kind: 'add', file: value, replace: false });
    case 'a':
      return takeFile(scan, { kind: 'add', file: value, replace: false });
    default:
      return takeFile(scan, { kind: 'remove', file: value });
  }
}

function start(scan: Scan, command: Command): ParsedOptions | undefined {
  if (scan.command !== undefined) return bad(TWO_COMMANDS);
  scan.command = command;
  return undefined;
}

function takeFile(scan: Scan, command: Extract<Command, { file: string }>): ParsedOptions | undefined {
  if (command.kind === 'add' && scan.command?.kind === 'flush') {
    scan.command = { ...command, replace: true };
    return undefined;
  }
  if (scan.command !== undefined || scan.table !== undefined)
    return bad('Multiple commands or interface not required.');
  scan.command = command;
  return undefined;
}

/** `N` or `TUNNEL,N`. */
function takeIndex(scan: Scan, value: string): ParsedOptions | undefined {
  const parts = /^,*([^,]+),(.+)$/s.exec(value);
  if (parts?.[1] !== undefined) {
    if (scan.table !== undefined) return bad(TABLE_TWICE, false);
    scan.table = parts[1];
  }
  scan.command = { kind: 'delete', index: wholeNumber(parts?.[2] ?? value) };
  return undefined;
}
