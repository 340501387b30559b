/** What every kind of file is made of besides its entries: comments, blank lines, and text that could not be read. */

import type { Problem } from '../../errors.js';
import type { Secret } from '../../model/secret.js';

/** Lines and columns count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A comment on a line of its own, or behind an entry. */
export interface Comment {
  readonly at: Place;
  /** Behind the `#`, without blanks at its end. */
  readonly text: string;
}

export interface CommentItem extends Comment {
  readonly kind: 'comment';
}

export interface BlankItem {
  readonly kind: 'blank';
  readonly at: Place;
}

/** Text that the tool refuses, kept to the letter; in files with keys any word of it may be one. */
export interface UnreadItem<Text extends string | Secret = string> {
  readonly kind: 'unread';
  readonly at: Place;
  /** Whole lines without the last line break. */
  readonly text: Text;
}

/** A document and what is to be said of it. An error: printing it could change what the file means. */
export interface DocumentReading<Document> {
  readonly document: Document;
  readonly problems: readonly Problem[];
}

/** Blank lines at both ends go, and several in a row become one. */
export function tidyBlanks<Item extends { readonly kind: string }>(items: readonly Item[]): Item[] {
  const kept = items.filter((item, i) => item.kind !== 'blank' || (i > 0 && items[i - 1]?.kind !== 'blank'));
  while (kept.at(-1)?.kind === 'blank') kept.pop();
  return kept;
}

/** Lines without their breaks; what follows the last break counts as a line only when it is not empty. */
export function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
