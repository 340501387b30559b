/**
 * ike.preshared as it is written: blocks of names and values, comments, blank lines, and what is none of these. Keys stay
 * closed, and so does all that could not be read. Source: illumos ike.preshared(4).
 */

import type { Problem } from '../errors.js';
import { Secret } from '../model/secret.js';
import type { BlankItem, DocumentReading, Place, UnreadItem } from '../policy/syntax/items.js';
import { addBlanks, type IkeCommentText } from './parse-ike-document.js';
import { LexemeReader } from './parse-ike-lexemes.js';
import { readTokens, type IkeComment } from './parse-ike-tokens.js';

export const PSK_NAMES = ['localidtype', 'localid', 'remoteidtype', 'remoteid', 'key', 'ike_mode'] as const;
export type PskName = (typeof PSK_NAMES)[number];

export interface PskField {
  readonly kind: 'field';
  readonly at: Place;
  readonly name: PskName;
  /** As written: of a key the digits, `0x` and length included, or the text between the quotes. */
  readonly value: string | Secret;
  readonly quoted: boolean;
}

export interface PskCommentItem extends IkeCommentText {
  readonly kind: 'comment';
}

export type PskLine = PskField | PskCommentItem | BlankItem;

export interface PskBlockItem {
  readonly kind: 'block';
  readonly at: Place;
  readonly lines: readonly PskLine[];
}

export type PskItem = PskBlockItem | PskCommentItem | BlankItem | UnreadItem<Secret>;

export interface PskDocument {
  readonly items: readonly PskItem[];
}

/**
 * Comments behind something on its line are put before it: the manual page promises comments only in the first column.
 * Blocks with other names are kept closed and told of as warnings; an error is a bracket or quote that nothing closes.
 */
export function parsePskDocument(text: string, file: string): DocumentReading<PskDocument> {
  const tokens = readTokens(text, file);
  const whole = { document: { items: [closed(text.replace(/\n$/, ''), { line: 1, column: 1 })] } };
  if (tokens.unclosed !== undefined) return { ...whole, problems: [unclosed(tokens.unclosed.at)] };
  const reader = new LexemeReader(text, tokens);
  const items: PskItem[] = [];
  const problems: Problem[] = [];
  for (let next = reader.next; next !== undefined; next = reader.next) {
    const { at, start } = next;
    const trails = reader.breaks === 0 && items.length > 0;
    addBlanks(items, reader, at.line);
    const mark = reader.mark();
    if (next.kind === 'comment') {
      reader.take();
      items.splice(trails ? items.length - 1 : items.length, 0, commentItem(next));
      continue;
    }
    const lines = next.kind === 'open' ? readBlock(reader) : undefined;
    if (lines !== undefined) {
      items.push({ kind: 'block', at: { line: at.line, column: at.column }, lines });
      continue;
    }
    reader.back(mark);
    const end = next.kind === 'open' ? reader.skipBlock(mark) : reader.skipLine();
    if (end === undefined) return { ...whole, problems: [unclosed(at)] };
    items.push(closed(text.slice(start, end), { line: at.line, column: at.column }));
    const what = 'this is no block of names and values with one key; it is left as it is';
    const todo = `use ${PSK_NAMES.join(', ')}`;
    problems.push({ code: 'FMT_UNREAD', severity: 'warning', what, at, todo });
  }
  addBlanks(items, reader, tokens.end.line);
  return { document: { items }, problems };
}

function closed(text: string, at: Place): UnreadItem<Secret> {
  return { kind: 'unread', at, text: Secret.fromText(text) };
}

function unclosed(at: Problem['at'] & object): Problem {
  const what = 'a quote or bracket is opened here and never closed';
  return { code: 'FMT_UNCLOSED', severity: 'error', what, at, todo: 'close it' };
}

/** Undefined when a line of it is not a known name with a value. */
function readBlock(reader: LexemeReader): PskLine[] | undefined {
  reader.take();
  const lines: PskLine[] = [];
  for (;;) {
    const { next, breaks } = reader;
    if (next === undefined) return undefined;
    addBlanks(lines, reader, next.at.line);
    if (next.kind === 'close') {
      reader.take();
      return lines;
    }
    if (next.kind === 'comment') {
      reader.take();
      const trails = breaks === 0 && lines.length > 0;
      lines.splice(trails ? lines.length - 1 : lines.length, 0, commentItem(next));
      continue;
    }
    const aside: IkeComment[] = [];
    const written = reader.takeToken(aside);
    const name = PSK_NAMES.find((one) => one === written?.text.toLowerCase());
    const value = reader.takeValue(aside);
    if (written?.kind !== 'word' || name === undefined || value === undefined) return undefined;
    const { text, quoted } = value;
    const at = { line: written.at.line, column: written.at.column };
    for (const one of aside) lines.push(commentItem(one));
    lines.push({ kind: 'field', at, name, value: name === 'key' ? Secret.fromText(text) : text, quoted });
  }
}

function commentItem({ at, mark, text }: IkeComment): PskCommentItem {
  return { kind: 'comment', at: { line: at.line, column: at.column }, mark, text };
}
