/** `ipsecconf -d` and `-r`: taking single rules away, by halves, and sometimes one that nobody named. */

import { readPieces, toBytes } from '../../policy/line-pieces.js';
import { isSpace } from '../../policy/c-numbers.js';
import { deleteRule, type Scope } from '../../policy/spd.js';
import { announcedIndex, commentOut, entryAt, logLines } from './ipsecconf-log.js';
import { POLICY_LOG, readInput, readLog, warn, writeLog, type Running } from './ipsecconf-run.js';
import { RECONFIGURE, REMOVE_WARNING, USAGE } from '../../policy/ipsecconf-texts.js';

function deleteFromKernel(run: Running, tunnel: string | undefined, index: number): boolean {
  const left = deleteRule(run.state, tunnel, index);
  if (left === undefined) {
    warn(run, 'Delete failed while reading reply');
    return false;
  }
  run.state = left;
  return true;
}

function incomplete(run: Running, message: string): number {
  warn(run, message);
  run.stderr += RECONFIGURE;
  return 1;
}

function noLog(run: Running): number {
  warn(run, `${POLICY_LOG} cannot be opened: No such file or directory`);
  return 1;
}

/** Strikes the entry out of the log when its recorded index is this one, then deletes the one rule. */
export function deleteByIndex(run: Running, index: number, scope: Scope): number {
  const tunnel = scope.kind === 'tunnel' ? scope.name : undefined;
  const log = readLog(run);
  if (log === undefined) return noLog(run);
  for (const line of logLines(log)) {
    const announced = announcedIndex(line, 'exact');
    if (announced === undefined) continue;
    if (announced === -1) {
      warn(run, 'Invalid index in the file');
      return 1;
    }
    // The log never records a tunnel, so a tunnel's entry is never found in it.
    if (announced !== index || tunnel !== undefined) continue;
    const entry = entryAt(log, line.at + line.bytes.length);
    if (entry.errors !== undefined) return invalidEntry(run, entry.errors);
    writeLog(run, commentOut(log, line.at, entry.lines + 2));
    break;
  }
  if (deleteFromKernel(run, tunnel, index)) return 0;
  return incomplete(run, 'Deletion incomplete. Please flush all the entries and re-configure :');
}

function invalidEntry(run: Running, errors: readonly string[]): number {
  for (const error of errors) warn(run, error);
  warn(run, 'Invalid policy entry in the file');
  return 1;
}

/**
 * Looks each line of the input up in the log. After a line that is not found the log stays read to its end, and
 * whatever index was read last is deleted when the input ends.
 */
export function removeByFile(run: Running, file: string, quiet: boolean): number {
  const input = readInput(run, file);
  if (input === undefined) {
    warn(run, `${file} : Input file cannot be opened: No such file or directory`);
    run.stderr += USAGE;
    return 1;
  }
  if (readLog(run) === undefined) return noLog(run);
  if (!quiet) run.stdout += REMOVE_WARNING;
  let lastIndex = 0;
  let atEnd = false;
  for (const wanted of readPieces(toBytes(input))) {
    if (isSkipped(wanted) || atEnd) continue;
    const found = findLine(run, readLog(run) ?? '', wanted);
    if (found.kind === 'bad') return 1;
    lastIndex = found.index;
    atEnd = found.kind === 'none';
    if (found.kind === 'none') continue;
    if (!deleteFromKernel(run, undefined, found.index)) {
      return incomplete(run, 'Deletion incomplete. Please flushall the entries and re-configure :');
    }
    lastIndex = 0;
  }
  if (deleteFromKernel(run, undefined, lastIndex)) return 0;
  return incomplete(run, 'Removal incomplete.  Please flush all the entries and re-configure :');
}

function isSkipped(line: string): boolean {
  const first = [...line].find((char) => !isSpace(char));
  return first === undefined || first === '#';
}

type Found = { readonly kind: 'found' | 'none'; readonly index: number } | { readonly kind: 'bad' };

/** Finds the log line that the wanted line begins with, whatever the case, and strikes its entry out. */
function findLine(run: Running, log: string, wanted: string): Found {
  let index = 0;
  let entryStart = 0;
  let previous = 0;
  for (const line of logLines(log)) {
    if (line.bytes.startsWith('\n')) continue;
    const announced = announcedIndex(line, 'any case');
    if (announced === -1) {
      warn(run, 'Invalid index in the file');
      return { kind: 'bad' };
    }
    if (announced !== undefined) {
      index = announced;
      entryStart = line.at + line.bytes.length;
    }
    if (wanted.slice(0, line.bytes.length).toLowerCase() === line.bytes.toLowerCase()) {
      return strikeOut(run, log, index, entryStart, previous);
    }
    previous = line.at;
  }
  return { kind: 'none', index };
}

function strikeOut(run: Running, log: string, index: number, entryStart: number, from: number): Found {
  if (index === 0) {
    warn(run, "Didn't find a valid index for policy");
    return { kind: 'bad' };
  }
  const entry = entryAt(log, entryStart);
  if (entry.errors !== undefined) {
    invalidEntry(run, entry.errors);
    return { kind: 'bad' };
  }
  writeLog(run, commentOut(log, from, entry.lines + 2));
  return { kind: 'found', index };
}
