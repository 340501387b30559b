/**
 * The ipseckeys file: text to commands, with every problem and its line. Commands of ipseckey's own command line are
 * read by the same rules. Source: illumos ipseckey.c, parseit(); reference in docs/solaris.md, "key files".
 */

import type { Problem } from '../errors.js';
import { SA_TYPE } from '../model/sa.js';
import { Secret } from '../model/secret.js';
import { splitKeyLines, type KeyLines, type KeyWord } from './parse-key-lines.js';
import {
  ABORTED,
  CommandRefused,
  fileWord,
  NoteBook,
  problemOfNote,
  ToolDies,
  type NoteReport,
} from './parse-key-notes.js';
import { parseU64, type AddressLookup } from './parse-key-values.js';
import { WordReader } from './parse-key-words.js';
import type { SaRequest } from './parse-sa-draft.js';
import { parseSaLookup, type SaLookup } from './parse-sa-lookup.js';
import { parseSaRequest } from './parse-sa-request.js';

export type ParsedCommand =
  | { readonly kind: 'request'; readonly request: SaRequest }
  | { readonly kind: 'lookup'; readonly lookup: SaLookup }
  /** Types are as written: the kernel sees the lowest eight bits. */
  | { readonly kind: 'flush' | 'dump'; readonly type: number }
  | { readonly kind: 'save'; readonly type: number; readonly file: string | undefined }
  | { readonly kind: 'quit' | 'monitor' | 'add-refused' }
  | { readonly kind: 'help'; readonly topic: string | undefined }
  | { readonly kind: 'unknown'; readonly word: Secret }
  | { readonly kind: 'refused' }
  | { readonly kind: 'dies'; readonly exit: number };

export interface CommandReading {
  readonly command: ParsedCommand;
  /** What the tool says while reading, in order. */
  readonly reports: readonly NoteReport[];
}

/**
 * `file` and `prompt`: errors end the command; some commands are not for files. `line`: the tool's own arguments,
 * where errors end the tool and keys are refused.
 */
export type CommandOrigin = 'file' | 'prompt' | 'line';

export function readKeyCommand(
  words: readonly KeyWord[],
  origin: CommandOrigin,
  lookUp: AddressLookup,
): CommandReading {
  const notes = new NoteBook();
  const reader = new WordReader(words, notes);
  try {
    const command = parseCommand(reader, origin, lookUp);
    return { command, reports: notes.reports };
  } catch (error) {
    if (error instanceof CommandRefused) return { command: { kind: 'refused' }, reports: notes.reports };
    if (error instanceof ToolDies) return { command: { kind: 'dies', exit: error.exit }, reports: notes.reports };
    throw error;
  }
}

function parseCommand(reader: WordReader, origin: CommandOrigin, lookUp: AddressLookup): ParsedCommand {
  const { notes } = reader;
  const words = reader.left;
  const name = reader.take() ?? '';
  if (name === 'quit' || name === 'exit') return { kind: 'quit' };
  // In a file `help` is an error that the tool forgets to print.
  if (name === 'help' || name === '?')
    return origin === 'file' ? { kind: 'refused' } : { kind: 'help', topic: reader.next };
  if (name === 'monitor' || name === 'pmonitor' || name === 'passive_monitor') {
    if (origin !== 'file') return { kind: 'monitor' };
    // It prints the message and, after calling the command unknown, frees it a second time.
    notes.remark([{ code: 'not-in-file', values: ['Monitor'] }]);
    return { kind: 'dies', exit: ABORTED };
  }
  const type = readType(reader, origin);
  if (type !== SA_TYPE.all) reader.take();
  switch (name) {
    case 'add':
    case 'update':
    case 'update-pair':
      if (origin === 'line') return { kind: 'add-refused' };
      if (type === SA_TYPE.all) return notes.fatal('type-needed');
      return { kind: 'request', request: parseSaRequest(name, type, reader, lookUp) };
    case 'get':
    case 'delete':
    case 'delete-pair':
      if (type === SA_TYPE.all) return notes.fatal('single-type-needed');
      return { kind: 'lookup', lookup: parseSaLookup(name, type, reader, lookUp) };
    case 'flush':
      if (words > 2 && origin !== 'line') notes.fatal('flush-arguments');
      if (words > 2) notes.remark([{ code: 'flush-arguments', values: [] }]);
      return { kind: 'flush', type };
    case 'dump':
      if (origin === 'file') return notes.fatal('not-in-file', 'Dump');
      if (words > 2) notes.remark([{ code: 'dump-arguments', values: [] }]);
      return { kind: 'dump', type };
    case 'save':
      if (type === SA_TYPE.all && reader.take() === undefined) return notes.fatal('save-type-needed');
      if (origin === 'file') return notes.fatal('not-in-file', 'Save');
      return { kind: 'save', type, file: reader.next };
    default:
      return { kind: 'unknown', word: fileWord(name) };
  }
}

const TYPES: ReadonlyMap<string, number> = new Map(Object.entries(SA_TYPE));

/** `all`, `ah`, `esp` in any case, or a number; a bad one stands for all types on the command line. */
function readType(reader: WordReader, origin: CommandOrigin): number {
  const word = reader.next;
  if (word === undefined) return SA_TYPE.all;
  const known = TYPES.get(word.toLowerCase());
  if (known !== undefined) return known;
  const number = Number(BigInt.asIntN(32, parseU64(word) ?? -1n));
  if (number !== -1) return number;
  if (origin !== 'line') return reader.notes.fatalAlone('unknown-type', fileWord(word));
  reader.notes.remark([{ code: 'unknown-type', values: [fileWord(word)] }]);
  return SA_TYPE.all;
}

export interface KeyFileCommand extends CommandReading {
  readonly line: number;
  /** The line the tool names in its complaints. */
  readonly endLine: number;
  /** The whole command, keys and all. */
  readonly text: Secret;
}

export interface KeyFile {
  /** Up to the first `quit`. */
  readonly commands: readonly KeyFileCommand[];
  readonly stop: KeyLines['stop'];
  readonly problems: readonly Problem[];
}

export function parseIpseckeys(text: string, file: string, lookUp: AddressLookup): KeyFile {
  const { commands: lines, stop, dropped } = splitKeyLines(text);
  const commands: KeyFileCommand[] = [];
  const problems: Problem[] = [];
  for (const { line, endLine, text: commandText, words } of lines) {
    const reading = readKeyCommand(words, 'file', lookUp);
    commands.push({ ...reading, line, endLine, text: Secret.fromText(commandText) });
    problems.push(...problemsOfReading(reading, file, line));
    if (reading.command.kind === 'quit') return { commands, stop: undefined, problems };
  }
  if (stop !== undefined) problems.push(problemOfStop(stop, file));
  if (dropped !== undefined) {
    problems.push({
      code: 'KEYS_COMMAND_DROPPED',
      severity: 'error',
      what: 'the last command ends in a backslash and is dropped without a word',
      at: { file, line: dropped, column: 1 },
      todo: 'take the backslash away',
    });
  }
  return { commands, stop, problems };
}

function problemsOfReading({ command, reports }: CommandReading, file: string, line: number): Problem[] {
  const problems = reports.flatMap(({ notes, refuses }) =>
    notes.map((note) =>
      problemOfNote(note, refuses ? 'error' : 'warning', { file, ...(note.at ?? { line, column: 1 }) }),
    ),
  );
  const at = { file, line, column: 1 };
  if (command.kind === 'unknown') {
    const todo = 'commands are add, update, update-pair, delete, delete-pair, get and flush, in lower case';
    problems.push({ code: 'KEYS_UNKNOWN_COMMAND', severity: 'error', what: 'unknown command', at, todo });
  }
  if (command.kind === 'dies') {
    const what = 'ipseckey dies of a signal here and reads no further';
    problems.push({ code: 'KEYS_TOOL_DIES', severity: 'error', what, at, todo: 'put spi and algorithms first' });
  }
  if (command.kind === 'refused' && !reports.some(({ refuses }) => refuses)) {
    const todo = 'use it on the command line';
    problems.push({ code: 'KEYS_NOT_IN_FILE', severity: 'error', what: 'this command is not for files', at, todo });
  }
  return problems;
}

function problemOfStop(stop: NonNullable<KeyLines['stop']>, file: string): Problem {
  const big = stop.kind === 'line-too-big';
  return {
    code: big ? 'KEYS_LINE_TOO_BIG' : 'KEYS_COMMAND_TOO_BIG',
    severity: 'error',
    what: big ? 'the line is 4095 bytes or longer' : 'the joined command is longer than 4095 bytes',
    at: { file, line: stop.line, column: 1 },
    todo: big ? 'break it with a backslash at the end of a line' : 'write it shorter',
  };
}
