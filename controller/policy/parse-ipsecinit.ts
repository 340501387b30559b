/** Reads ipsecinit.conf text to entries with their places, comments and complaints. Enters no rule anywhere. */

import type { Entry } from './entry.js';
import { formEntry } from './form-entry.js';
import { lexEntry, readerOf } from './lex-entry.js';
import { cutPieces, fromBytes, toBytes, type Comment } from './line-pieces.js';
import type { NameTables } from './name-tables.js';
import { STOCK_NAMES } from './stock-names.js';

/** What the real tool says of one entry. */
export interface Complaint {
  readonly severity: 'error' | 'warning';
  /** Line at which reading the entry ended, or the entry itself stands. */
  readonly line: number;
  readonly messages: readonly string[];
  /** The entry as read, without comments. */
  readonly text: string;
}

export interface ParsedPolicy {
  readonly entries: readonly Entry[];
  readonly comments: readonly Comment[];
  readonly complaints: readonly Complaint[];
  /** Why reading ended before the end of the text: the real program dies of the entry, or leaves. */
  readonly cutShort?: 'crash' | 'exit';
}

export function parsePolicy(text: string, names: NameTables = STOCK_NAMES): ParsedPolicy {
  const { pieces, comments } = cutPieces(toBytes(text));
  const reader = readerOf(pieces);
  const entries: Entry[] = [];
  const complaints: Complaint[] = [];
  for (;;) {
    const lexed = lexEntry(reader);
    if (lexed.kind === 'end') return { entries, comments, complaints };
    const { taken, entry, messages } =
      lexed.kind === 'error'
        ? { taken: 'failed', entry: undefined, messages: lexed.messages }
        : formEntry(reader, lexed.entry, names);
    if (entry !== undefined) entries.push(entry);
    if (messages.length > 0 || entry === undefined) {
      complaints.push({
        severity: entry === undefined ? 'error' : 'warning',
        line: entry?.source.line ?? (reader.lineCount || 1),
        messages: messages.map(fromBytes),
        text: fromBytes(reader.text),
      });
    }
    if (taken === 'crash' || taken === 'exit') return { entries, comments, complaints, cutShort: taken };
  }
}
