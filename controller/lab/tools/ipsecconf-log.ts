/**
 * The text log of entries, /var/run/ipsecpolicy.conf, as ipsecconf(8) keeps it: entries are only ever added, and
 * taken away by writing `;` over the first byte of their lines. Pure functions over its bytes, quirks included.
 */

import { wholeNumber } from '../../policy/c-numbers.js';
import { lexEntry, readerOf } from '../../policy/lex-entry.js';
import { cutPieces, fromBytes, readPieces, toBytes } from '../../policy/line-pieces.js';

const INDEX_TAG = '#INDEX';

/** One line, or piece of a long line, and where it begins. */
export interface LogLine {
  readonly at: number;
  readonly bytes: string;
}

export function logLines(log: string): LogLine[] {
  let at = 0;
  return readPieces(log).map((bytes) => {
    const line = { at, bytes };
    at += bytes.length;
    return line;
  });
}

/** Adds entries, each under its index. */
export function withEntries(
  log: string,
  entries: readonly { readonly index: number; readonly text: string }[],
): string {
  return entries.reduce((sum, { index, text }) => {
    const bytes = toBytes(text);
    return `${sum}${INDEX_TAG} ${index} \n${bytes}${bytes.endsWith('\n') ? '\n' : '\n\n'}`;
  }, log);
}

/** What plain `ipsecconf` prints. Every line loses its last byte to the line break, one without a break included. */
export function viewLog(log: string): string {
  return readPieces(log)
    .filter((line) => !line.startsWith(';'))
    .map((line) => `${fromBytes(line.slice(0, -1))}\n`)
    .join('');
}

/** The index a line announces; undefined when it announces none, -1 when it is garbled. */
export function announcedIndex(line: LogLine, tag: 'exact' | 'any case'): number | undefined {
  const head = line.bytes.slice(0, INDEX_TAG.length);
  if ((tag === 'exact' ? head : head.toUpperCase()) !== INDEX_TAG) return undefined;
  return wholeNumber(line.bytes.slice(INDEX_TAG.length + 1).replace(/^[^,]*,/, ''));
}

/** Reads the entry that begins at a place of the log: how many lines it takes, and what is wrong with it. */
export function entryAt(
  log: string,
  at: number,
): { readonly lines: number; readonly errors: readonly string[] | undefined } {
  const reader = readerOf(cutPieces(log.slice(at)).pieces);
  const lexed = lexEntry(reader);
  return { lines: reader.lineCount, errors: lexed.kind === 'error' ? lexed.messages : undefined };
}

/** A log being struck out: bytes in place, with room to grow. */
interface Draft {
  bytes: Buffer;
  size: number;
}

const SEMICOLON = 0x3b;
const NEWLINE = 0x0a;
const HASH = 0x23;

function draftOf(log: string): Draft {
  return { bytes: Buffer.from(log, 'latin1'), size: log.length };
}

function textOf({ bytes, size }: Draft): string {
  return bytes.toString('latin1', 0, size);
}

function strike(draft: Draft, start: number, lines: number): void {
  let at = start;
  for (let left = lines; left > 0; left--) {
    if (at >= draft.bytes.length) draft.bytes = Buffer.concat([draft.bytes, Buffer.alloc(at + 1)]);
    draft.bytes[at] = SEMICOLON;
    draft.size = Math.max(draft.size, at + 1);
    const newline = draft.bytes.subarray(0, draft.size).indexOf(NEWLINE, at + 1);
    at = newline < 0 ? draft.size : newline + 1;
    if (left === 2) at--;
  }
}

/**
 * Writes `;` over the first byte of so many lines. For the last one, a bare line break, it is written over the
 * break before it, so that the two make one line. Past the end it appends.
 */
export function commentOut(log: string, start: number, lines: number): string {
  const draft = draftOf(log);
  strike(draft, start, lines);
  return textOf(draft);
}

/**
 * Takes back what a failed or checking run added: two line breaks, then each index is looked up and as many lines
 * are struck out as the whole input had, and two more.
 */
export function withoutAdded(log: string, made: readonly number[], inputLines: number): string {
  const whole = `${log}\n\n`;
  const places = new Map<number, number[]>();
  for (const line of logLines(whole).reverse()) {
    const index = announcedIndex(line, 'exact');
    if (index === undefined) continue;
    const sameIndex = places.get(index);
    if (sameIndex === undefined) places.set(index, [line.at]);
    else sameIndex.push(line.at);
  }
  const draft = draftOf(whole);
  // A line struck out, or joined to the one before it, announces nothing any more.
  const stands = (at: number): boolean => draft.bytes[at] === HASH && (at === 0 || draft.bytes[at - 1] === NEWLINE);
  for (const index of made) {
    const left = places.get(index) ?? [];
    let at = left.pop();
    while (at !== undefined && !stands(at)) at = left.pop();
    if (at !== undefined) strike(draft, at, inputLines + 2);
  }
  return textOf(draft);
}
