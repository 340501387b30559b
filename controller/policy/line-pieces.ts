/**
 * A file as ipsecconf(8) reads it: in pieces of at most 1023 bytes, a longer line in several, with the
 * comment of each piece cut off. Owns bytes and positions; knows nothing of entries.
 */

import { isSpace } from './c-numbers.js';

/** Bytes that one read can return. */
const READ_LIMIT = 1023;

export interface Piece {
  /** Bytes, one a character, up to the comment. */
  readonly text: string;
  /** Line breaks read so far: the line number the program would print. */
  readonly lineCount: number;
  /** Where the piece begins; lines and columns (of bytes) count from 1. */
  readonly line: number;
  readonly column: number;
}

export interface Comment {
  readonly line: number;
  readonly column: number;
  /** Without the `#`. */
  readonly text: string;
}

/** Text to bytes, one a character. */
export function toBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

export function fromBytes(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** The byte strings that successive reads of a buffer of 1024 bytes return. */
export function readPieces(bytes: string): string[] {
  const pieces: string[] = [];
  let lineEnd = 0;
  for (let at = 0; at < bytes.length;) {
    if (at === lineEnd) {
      const newline = bytes.indexOf('\n', at);
      lineEnd = newline < 0 ? bytes.length : newline + 1;
    }
    const end = Math.min(lineEnd, at + READ_LIMIT);
    pieces.push(bytes.slice(at, end));
    at = end;
  }
  return pieces;
}

/** Every piece of a file, and every comment. */
export function cutPieces(bytes: string): { readonly pieces: readonly Piece[]; readonly comments: readonly Comment[] } {
  const pieces: Piece[] = [];
  const comments: Comment[] = [];
  let lineCount = 0;
  let column = 1;
  for (const whole of readPieces(bytes)) {
    const line = lineCount + 1;
    const read = beforeFirst(whole, '\0');
    if (read.endsWith('\n')) lineCount++;
    const text = beforeFirst(read, '#');
    if (text !== read) {
      comments.push({ line, column: column + text.length, text: fromBytes(read.slice(text.length + 1)).trimEnd() });
    }
    pieces.push({ text, lineCount, line, column });
    column = read.endsWith('\n') ? 1 : column + whole.length;
  }
  return { pieces, comments };
}

function beforeFirst(text: string, mark: string): string {
  const at = text.indexOf(mark);
  return at < 0 ? text : text.slice(0, at);
}

/** The first place at or after `from` that is not white space. */
export function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text[at])) at++;
  return at;
}
