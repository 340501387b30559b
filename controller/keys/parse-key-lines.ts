/**
 * Cuts an ipseckeys file into commands and words as the tool does: joined lines, quotes, limits.
 * Knows nothing of what the words mean. Source: illumos libipsecutil ipsec_util.c (do_interactive, create_argv).
 */

import { isSpace } from '../policy/c-numbers.js';

/** Size of the tool's line buffer, its two last bytes included. */
const BUFFER_BYTES = 4096;

export interface KeyWord {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

export interface KeyLine {
  /** Line on which the command begins. */
  readonly line: number;
  /** Last line of the command: the one the tool names. */
  readonly endLine: number;
  /** The command as the tool holds it: continuation marks replaced by blanks, newlines kept. Carries keys. */
  readonly text: string;
  readonly words: readonly KeyWord[];
}

export interface KeyLines {
  readonly commands: readonly KeyLine[];
  /** Why reading stopped before the end of the text. */
  readonly stop: { readonly kind: 'line-too-big' | 'overrun'; readonly line: number } | undefined;
  /** First line of a command that ends in a backslash at the end of the file: the tool drops it without a word. */
  readonly dropped: number | undefined;
}

interface Pending {
  readonly text: string;
  readonly line: number;
}

export function splitKeyLines(text: string): KeyLines {
  const commands: KeyLine[] = [];
  let pending: Pending | undefined;
  const lines = physicalLines(text);
  for (const [i, line] of lines.entries()) {
    if (Buffer.byteLength(line) >= BUFFER_BYTES - 1) {
      return { commands, stop: { kind: 'line-too-big', line: i + 1 }, dropped: undefined };
    }
    const joined: string = (pending?.text ?? '') + line;
    if (pending !== undefined && Buffer.byteLength(joined) >= BUFFER_BYTES) {
      return { commands, stop: { kind: 'overrun', line: i + 1 }, dropped: undefined };
    }
    const start: number = pending?.line ?? i + 1;
    // The tool looks at the last character but one, newline or not.
    if (line.at(-2) === '\\') {
      pending = { text: `${joined.slice(0, -2)} ${joined.slice(-1)}`, line: start };
      continue;
    }
    pending = undefined;
    const words = splitKeyWords(joined, start);
    if (words.length > 0) commands.push({ line: start, endLine: i + 1, text: joined, words });
  }
  return { commands, stop: undefined, dropped: pending?.line };
}

/** Lines with their newlines; a last one without is a line as well. */
function physicalLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/**
 * Words of one command; none for a comment. A quote is skipped where it opens, keeps white space, and ends the word
 * where it closes: what follows it up to the next blank is lost.
 */
export function splitKeyWords(text: string, firstLine: number): KeyWord[] {
  const words: KeyWord[] = [];
  let current: { text: string; line: number; column: number; closed: boolean } | undefined;
  let quoted = false;
  let seen = false;
  let line = firstLine;
  let column = 0;
  const finish = (): void => {
    if (current !== undefined) words.push({ text: current.text, line: current.line, column: current.column });
    current = undefined;
  };
  for (const char of text) {
    column += 1;
    if (isSpace(char)) {
      if (!quoted) finish();
      else if (current !== undefined && !current.closed) current.text += char;
    } else {
      if (!seen && char === '#') return [];
      seen = true;
      if (char === '"') {
        const closing = quoted;
        quoted = !quoted;
        if (current !== undefined && closing) current.closed = true;
        else if (current !== undefined && !current.closed) current.text += char;
      } else if (current === undefined) current = { text: char, line, column, closed: false };
      else if (!current.closed) current.text += char;
    }
    if (char === '\n') {
      line += 1;
      column = 0;
    }
  }
  finish();
  return words;
}
