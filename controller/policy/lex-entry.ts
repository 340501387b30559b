/**
 * Cuts one entry of ipsecinit.conf into words: `{pattern} action {properties} (or action {properties})*`.
 * Owns braces, words, limits and line numbers as ipsecconf(8) counts them; knows no keyword but the actions.
 */

import { isSpace } from './c-numbers.js';
import { skipSpace, type Piece } from './line-pieces.js';

export interface Word {
  /** Bytes, one a character. */
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

export interface RawAlternative {
  readonly action: Word;
  readonly properties: readonly Word[];
}

export interface RawEntry {
  /** Its opening brace. */
  readonly at: { readonly line: number; readonly column: number };
  readonly pattern: readonly Word[];
  readonly alternatives: readonly RawAlternative[];
}

export type LexedEntry =
  | { readonly kind: 'entry'; readonly entry: RawEntry }
  | { readonly kind: 'error'; readonly messages: readonly string[] }
  | { readonly kind: 'end' };

/** Where reading stands. Lives through all entries of a file: some messages look back at earlier ones. */
export interface Reader {
  readonly pieces: readonly Piece[];
  next: number;
  lineCount: number;
  /** Line of each word of the entry. Not cleared between entries: what lies past the last word is stale. */
  readonly wordLines: number[];
  words: number;
  /** The entry's lines as read, without comments and blank lines. */
  text: string;
}

export function readerOf(pieces: readonly Piece[]): Reader {
  return { pieces, next: 0, lineCount: 0, wordLines: [], words: 0, text: '' };
}

/** The line a message names for the word at this place of the entry. */
export function lineOfWord(reader: Reader, index: number): number {
  return reader.wordLines[index] || 1;
}

const WORDS_IN_BRACES = 20;
const WORDS_IN_ENTRY = 115;
/** As many are safe; the program's table has room for one more, but then lacks its end. */
export const ALTERNATIVES = 20;
const ENTRY_BYTES = 8192;
const ACTIONS = new Set(['apply', 'permit', 'ipsec', 'bypass', 'pass', 'drop']);

/** What is left of a piece. */
interface Rest {
  readonly piece: Piece;
  readonly at: number;
}

/** Stops an entry; `named` = followed by `Error before or at line N`. */
interface Stop {
  readonly stop: string[];
  readonly named: boolean;
}

function stop(message?: string): Stop {
  return { stop: message === undefined ? [] : [message], named: true };
}

/** Reads the next entry and leaves the reader behind it, or behind the place of its error. */
export function lexEntry(reader: Reader): LexedEntry {
  reader.words = 0;
  reader.text = '';
  const pattern = readBraces(reader, undefined);
  if (pattern === undefined) return { kind: 'end' };
  if ('stop' in pattern) return failed(reader, pattern);
  const alternatives: RawAlternative[] = [];
  for (let rest = pattern.rest; ;) {
    const action = readAction(reader, rest);
    if ('stop' in action) return failed(reader, action);
    rest = action.rest;
    if (action.word.text === 'or') continue;
    if (!ACTIONS.has(action.word.text)) {
      const message = `(parsing one command) Invalid action on line ${reader.lineCount || 1}: ${action.word.text}`;
      return failed(reader, { stop: [message], named: false });
    }
    const properties = readBraces(reader, rest);
    if (properties === undefined) return failed(reader, stop('(parsing one command) Missing properties.'));
    if ('stop' in properties) return failed(reader, properties);
    alternatives.push({ action: action.word, properties: properties.words });
    if (properties.rest === undefined) {
      if (alternatives.length > ALTERNATIVES) break;
      rest = undefined;
      continue;
    }
    const after = readAfterProperties(properties.rest);
    if (after === 'end') break;
    if ('stop' in after) return failed(reader, after);
    if (alternatives.length > ALTERNATIVES) return failed(reader, { stop: ['Too many actions.'], named: false });
    rest = after;
  }
  return { kind: 'entry', entry: { at: pattern.at, pattern: pattern.words, alternatives } };
}

function failed(reader: Reader, { stop: messages, named }: Stop): LexedEntry {
  return {
    kind: 'error',
    messages: named ? [...messages, `Error before or at line ${reader.lineCount || 1}`] : messages,
  };
}

/** Only white space or `or` may follow; `o` alone passes for white space, and `or` needs no blank after it. */
function readAfterProperties({ piece, at: start }: Rest): Rest | Stop | 'end' {
  const { text } = piece;
  for (let at = start; at < text.length; at++) {
    if (text[at] === '\\') return stop('Invalid line continuation character.');
    if (text[at] === 'o') {
      at++;
      if (text[at] === 'r') return { piece, at: at + 1 };
    }
    if (!isSpace(text[at])) return stop();
  }
  return 'end';
}

/** The rest of the line, or else the next line with something on it; a line just read joins the entry's text. */
function nextScan(reader: Reader, rest: Rest | undefined): Rest | Stop | undefined {
  if (rest !== undefined) {
    const at = skipSpace(rest.piece.text, rest.at);
    if (at < rest.piece.text.length) return { piece: rest.piece, at };
  }
  for (;;) {
    const piece = reader.pieces[reader.next];
    if (piece === undefined) return undefined;
    reader.next++;
    reader.lineCount = piece.lineCount;
    const at = skipSpace(piece.text, 0);
    if (at === piece.text.length) continue;
    if (reader.text.length + piece.text.length + 1 >= ENTRY_BYTES) return stop();
    reader.text += piece.text;
    return { piece, at };
  }
}

function restFrom(piece: Piece, at: number): Rest | undefined {
  return at < piece.text.length ? { piece, at } : undefined;
}

function wordAt(piece: Piece, start: number, end: number): Word {
  return { text: piece.text.slice(start, end), line: piece.line, column: piece.column + start };
}

/** Counts a word of the entry; false when there are too many. */
function countWord(reader: Reader): boolean {
  if (reader.words >= WORDS_IN_ENTRY) return false;
  reader.wordLines[reader.words++] = reader.lineCount;
  return true;
}

function readBraces(
  reader: Reader,
  before: Rest | undefined,
): { readonly at: RawEntry['at']; readonly words: Word[]; readonly rest: Rest | undefined } | Stop | undefined {
  const words: Word[] = [];
  let opened: RawEntry['at'] | undefined;
  for (let rest = before; ; rest = undefined) {
    const scan = nextScan(reader, rest);
    if (scan === undefined) {
      return opened ? stop('(parsing one command) Pattern or Properties incomplete.') : undefined;
    }
    if ('stop' in scan) return scan;
    const { piece } = scan;
    const { text } = piece;
    let at = scan.at;
    if (!opened) {
      if (text[at] !== '{') return stop(`line ${reader.lineCount || 1} : pattern must start with "{" character`);
      opened = { line: piece.line, column: piece.column + at };
      at++;
    }
    for (;;) {
      at = skipSpace(text, at);
      if (at >= text.length) break;
      if (text[at] === '}') return { at: opened, words, rest: restFrom(piece, at + 1) };
      if (words.length >= WORDS_IN_BRACES) return stop(`Number of Arguments exceeded ${WORDS_IN_BRACES}`);
      const start = at++;
      while (at < text.length && !isSpace(text[at]) && text[at] !== '}') at++;
      words.push(wordAt(piece, start, at));
      if (!countWord(reader)) return stop('(parsing one command) Too many tokens in single policy entry.');
    }
  }
}

function readAction(
  reader: Reader,
  before: Rest | undefined,
): { readonly word: Word; readonly rest: Rest | undefined } | Stop {
  const missing = stop('(parsing one command) Missing action token.');
  const scan = nextScan(reader, before);
  if (scan === undefined) return missing;
  if ('stop' in scan) return scan;
  const { piece, at: start } = scan;
  let end = start;
  while (end < piece.text.length && !isSpace(piece.text[end]) && piece.text[end] !== '{') end++;
  if (end === start) return missing;
  const word = wordAt(piece, start, end);
  const rest = restFrom(piece, piece.text[end] === '{' ? end : end + 1);
  if (!countWord(reader)) return stop('(parsing one command) Too many selectors before action.');
  return { word, rest };
}
