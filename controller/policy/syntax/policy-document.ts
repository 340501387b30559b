/**
 * ipsecinit.conf as it is written: entries in the words of the file, comments, blank lines, and what ipsecconf(8) refuses.
 * What a host makes of an entry is another value, in entry.ts.
 */

import type { Problem } from '../../errors.js';
import { formEntry } from '../form-entry.js';
import { lexEntry, readerOf, type RawEntry, type Word } from '../lex-entry.js';
import { cutPieces, fromBytes, skipSpace, toBytes, type Comment as PieceComment, type Piece } from '../line-pieces.js';
import type { BlankItem, Comment, CommentItem, DocumentReading, Place, UnreadItem } from './items.js';
import { linesOf } from './items.js';
import { TOLERANT_NAMES } from './tolerant-names.js';

export const SELECTOR_KEYS = [
  ...(['saddr', 'src', 'srcaddr', 'daddr', 'dst', 'dstaddr', 'sport', 'dport', 'smask', 'dmask'] as const),
  ...(['laddr', 'local', 'raddr', 'remote', 'lport', 'rport'] as const),
  ...(['ulp', 'proto', 'type', 'code', 'dir', 'tunnel', 'negotiate'] as const),
] as const;
export type SelectorKey = (typeof SELECTOR_KEYS)[number];

const ACTION_WORDS = ['apply', 'permit', 'ipsec', 'bypass', 'pass', 'drop'] as const;
export type ActionWord = (typeof ACTION_WORDS)[number];

const PROPERTY_KEYS = ['auth_algs', 'encr_algs', 'encr_auth_algs', 'sa', 'dir'] as const;
export type PropertyKey = (typeof PROPERTY_KEYS)[number];

/** A key and its value, the value as written. */
export interface Pair<Key extends string> {
  readonly key: Key;
  readonly value: string;
  readonly at: Place;
}

export interface AlternativeText {
  readonly action: ActionWord;
  readonly properties: readonly Pair<PropertyKey>[];
  readonly at: Place;
}

export interface EntryItem {
  readonly kind: 'entry';
  readonly at: Place;
  readonly pattern: readonly Pair<SelectorKey>[];
  readonly alternatives: readonly AlternativeText[];
  /** Behind the entry on its last line. */
  readonly comment?: Comment;
}

export type PolicyItem = EntryItem | CommentItem | BlankItem | UnreadItem;

export interface PolicyDocument {
  readonly items: readonly PolicyItem[];
}

/** The tool reads lines in pieces of this many bytes, the line break counted. */
const LINE_BYTES = 1023;

/**
 * Reads a policy file without knowing its host: every name is taken to resolve. Refused entries are kept and told of as
 * warnings; errors are lines that the tool cuts and entries at which it dies.
 */
export function parsePolicyDocument(text: string, file: string): DocumentReading<PolicyDocument> {
  const cut = problemsOfLines(text, file);
  if (cut.length > 0) return { document: { items: [unread(text, { line: 1, column: 1 })] }, problems: cut };
  const whole = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  const { pieces, comments } = cutPieces(toBytes(whole));
  const reading: Reading = {
    file,
    lines: linesOf(whole),
    pieces,
    comments: new Map(comments.map((one) => [one.line, one])),
    items: [],
    problems: [],
  };
  readItems(reading);
  return { document: { items: reading.items }, problems: reading.problems };
}

interface Reading {
  readonly file: string;
  /** One for each piece: no line is longer than a piece. */
  readonly lines: readonly string[];
  readonly pieces: readonly Piece[];
  readonly comments: ReadonlyMap<number, PieceComment>;
  readonly items: PolicyItem[];
  readonly problems: Problem[];
}

function readItems(reading: Reading): void {
  const reader = readerOf(reading.pieces);
  for (;;) {
    const from = reader.next;
    const lexed = lexEntry(reader);
    const start = firstWithWords(reading.pieces, from, reader.next);
    for (let i = from; i < start; i++) reading.items.push(lineWithoutWords(reading, i));
    if (lexed.kind === 'end') return;
    const formed = lexed.kind === 'entry' ? formEntry(reader, lexed.entry, TOLERANT_NAMES) : undefined;
    const entry = lexed.kind === 'entry' && formed?.taken === 'ok' ? entryOf(lexed.entry) : undefined;
    if (entry !== undefined) {
      for (let i = start; i < reader.next - 1; i++) reading.items.push(...commentOf(reading, i));
      const [comment] = commentOf(reading, reader.next - 1);
      reading.items.push(comment === undefined ? entry : { ...entry, comment: { at: comment.at, text: comment.text } });
      continue;
    }
    const dies = formed?.taken === 'crash' || formed?.taken === 'exit' ? formed.taken : undefined;
    const messages =
      lexed.kind === 'error' ? lexed.messages : [...(formed?.messages ?? []), ...(formed?.printed ?? [])];
    keepUnread(reading, start, dies === undefined ? reader.next : reading.pieces.length, messages, dies);
    if (dies !== undefined) return;
  }
}

/** The lines of an entry that is refused, without blank ones at its end. */
function keepUnread(
  { file, lines, pieces, items, problems }: Reading,
  start: number,
  end: number,
  messages: readonly string[],
  dies: 'crash' | 'exit' | undefined,
): void {
  let last = end;
  while (last > start + 1 && lines[last - 1]?.trim() === '') last--;
  const at = { line: start + 1, column: skipSpace(pieces[start]?.text ?? '', 0) + 1 };
  items.push(unread(lines.slice(start, last).join('\n'), at));
  for (let i = last; i < end; i++) items.push({ kind: 'blank', at: { line: i + 1, column: 1 } });
  const said = fromBytes(messages[0] ?? '').trim();
  const reason = said === '' ? '' : ` (“${said}”)`;
  if (dies === undefined) {
    const what = `ipsecconf refuses this entry${reason}; it is left as it is`;
    problems.push({ code: 'FMT_UNREAD', severity: 'warning', what, at: { file, ...at }, todo: 'mend the entry' });
  } else {
    const what = `ipsecconf ${dies === 'crash' ? 'dies of a signal' : `leaves${reason}`} here and reads no further`;
    problems.push({ code: 'FMT_STOPS', severity: 'error', what, at: { file, ...at }, todo: 'mend the entry first' });
  }
}

function unread(text: string, at: Place): UnreadItem {
  return { kind: 'unread', at, text: text.endsWith('\n') ? text.slice(0, -1) : text };
}

function firstWithWords(pieces: readonly Piece[], from: number, end: number): number {
  for (let i = from; i < end; i++) {
    const text = pieces[i]?.text ?? '';
    if (skipSpace(text, 0) < text.length) return i;
  }
  return end;
}

function commentOf({ comments }: Reading, index: number): CommentItem[] {
  const comment = comments.get(index + 1);
  if (comment === undefined) return [];
  return [{ kind: 'comment', at: { line: comment.line, column: comment.column }, text: comment.text }];
}

function lineWithoutWords(reading: Reading, index: number): CommentItem | BlankItem {
  const [comment] = commentOf(reading, index);
  return comment ?? { kind: 'blank', at: { line: index + 1, column: 1 } };
}

/** Undefined when a word is not one that we know, though the tool took the entry. */
function entryOf({ at, pattern, alternatives }: RawEntry): EntryItem | undefined {
  const selectors = pairsOf(pattern, SELECTOR_KEYS);
  const texts = alternatives.map(({ action, properties }): AlternativeText | undefined => {
    const word = ACTION_WORDS.find((one) => one === action.text);
    const pairs = pairsOf(properties, PROPERTY_KEYS);
    return word && pairs && { action: word, properties: pairs, at: placeOf(action) };
  });
  const known = texts.filter((one) => one !== undefined);
  if (selectors === undefined || known.length < texts.length) return undefined;
  return { kind: 'entry', at, pattern: selectors, alternatives: known };
}

function pairsOf<Key extends string>(words: readonly Word[], keys: readonly Key[]): Pair<Key>[] | undefined {
  const pairs: Pair<Key>[] = [];
  for (let i = 0; i < words.length; i += 2) {
    const word = words[i];
    const key = keys.find((one) => one === word?.text);
    const value = words[i + 1];
    if (word === undefined || key === undefined || value === undefined) return undefined;
    pairs.push({ key, value: fromBytes(value.text), at: placeOf(word) });
  }
  return pairs;
}

function placeOf({ line, column }: Word): Place {
  return { line, column };
}

function problemsOfLines(text: string, file: string): Problem[] {
  return linesOf(text).flatMap((line, i): Problem[] => {
    const at = { file, line: i + 1, column: 1 };
    const bytes = Buffer.byteLength(line) + 1;
    if (bytes <= LINE_BYTES && !line.includes('\0')) return [];
    if (bytes <= LINE_BYTES) {
      const what = 'a NUL byte stands in this line, and ipsecconf passes over what follows it';
      return [{ code: 'FMT_NUL', severity: 'error', what, at, todo: 'take it out' }];
    }
    const what = `the line is ${bytes - 1} bytes long: ipsecconf reads it in pieces of ${LINE_BYTES} and may cut a word in two`;
    return [{ code: 'FMT_LINE_CUT', severity: 'error', what, at, todo: 'break it inside a pair of braces' }];
  });
}
