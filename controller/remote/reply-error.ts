/** A host's answer that is not in the protocol, and the small readers that say so. */

import { shown } from './host-text.js';

/** What was expected, and the line that was there instead (masked: it came from a host). */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
  constructor(expected: string, line: string) {
    super(`expected ${expected}, found: ${shown(line)}`);
  }
}

/** A tool of the host that could not say what is loaded: its own words, masked. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  constructor(what: string, status: number, lines: readonly string[]) {
    super(`the host could not list ${what} (status ${status}): ${shown(lines.join(' '))}`);
  }
}

/** A whole number below 2^53 in plain decimal. @throws ReplyError */
export function numberValue(text: string | undefined, line: string): number {
  if (text === undefined || !/^(0|[1-9]\d{0,14})$/.test(text)) throw new ReplyError('a number', line);
  return Number(text);
}

/** Longer than any window: dates that are reckoned from it are dates still. */
const MOST_SECONDS = 1_000_000_000;

/** A duration in seconds. @throws ReplyError */
export function secondsValue(text: string | undefined, line: string): number {
  const seconds = numberValue(text, line);
  if (seconds > MOST_SECONDS) throw new ReplyError(`at most ${MOST_SECONDS} seconds`, line);
  return seconds;
}

/** One of the words that may stand there. @throws ReplyError */
export function oneOf<Word extends string>(words: readonly Word[], text: string | undefined, line: string): Word {
  const word = words.find((known) => known === text);
  if (word === undefined) throw new ReplyError(words.join(', '), line);
  return word;
}

/** A SHA-256 in hex, lower case. @throws ReplyError */
export function digestValue(text: string | undefined, line: string): string {
  if (text === undefined || !/^[0-9a-fA-F]{64}$/.test(text)) throw new ReplyError('a SHA-256', line);
  return text.toLowerCase();
}

/** For what we send: a line break inside would let a value pass for a line of the protocol. */
export function wholeLine(text: string): string {
  if (/[\r\n\0]/.test(text)) throw new Error('a value of the protocol holds a line break');
  return text;
}

/** For what we send as `key=value`. */
export function wholeWord(text: string | number): string {
  const word = String(text);
  if (!/^[\x21-\x7e]+$/.test(word)) throw new Error('a value of the protocol is empty or holds a blank');
  return word;
}
