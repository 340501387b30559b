/**
 * A policy file as lint looks at it: each entry in its words and as understood, what the tool and the kernel answered to it,
 * and the rules a fresh host would then have.
 */

import type { Address } from '../../model/address.js';
import type { EntrySource, LoadedRule } from '../../model/policy.js';
import { enterEntry, FIRST_PRIORITY, type EntryResult } from '../enter-entry.js';
import type { Entry } from '../entry.js';
import { formEntry } from '../form-entry.js';
import { lexEntry, readerOf, type RawAlternative, type Reader, type Word } from '../lex-entry.js';
import { cutPieces, fromBytes, skipSpace, toBytes, type Piece } from '../line-pieces.js';
import type { NameTables } from '../name-tables.js';
import { PATTERN_KEYS, type PatternKey } from '../pattern-words.js';
import { emptySpd, storedRules } from '../spd.js';
import { cloneToDraft, commitDraft, type Entered } from '../spd-draft.js';
import type { Place, Related } from './finding.js';
import type { LintComment } from './suppressions.js';

/** A key of a pattern, or a property, with its value. */
export interface WrittenPair {
  readonly key: Word;
  readonly value: Word;
}

/** One that the tool understands. */
export interface LintEntry extends Place {
  readonly endLine: number;
  readonly entry: Entry;
  readonly pattern: readonly WrittenPair[];
  readonly alternatives: readonly RawAlternative[];
  /** What became of it in the kernel; absent when reading had stopped before. */
  readonly result?: EntryResult;
  /** One for each pair of addresses. */
  readonly answers: readonly Entered[];
  /** Rules of it that are in force. */
  readonly rules: readonly LoadedRule[];
}

/** What the tool would say of an entry, in its own words. */
export interface ToolRemark extends Place {
  readonly severity: 'error' | 'warning';
  readonly text: string;
}

export interface PolicySubject {
  readonly text: string;
  readonly names: NameTables;
  /** The host's own addresses; empty = not known. */
  readonly local: readonly Address[];
  readonly pieces: readonly Piece[];
  readonly entries: readonly LintEntry[];
  readonly remarks: readonly ToolRemark[];
  /** Whether every entry is understood and entered: only then can be said what the whole of them does. */
  readonly intact: boolean;
  readonly comments: readonly LintComment[];
  /** The host's rules in force, tunnels left out. */
  readonly rules: readonly LoadedRule[];
  entryOf(rule: LoadedRule): LintEntry | undefined;
}

/** Reads a policy as `ipsecconf -a` does on a host that has none. */
export function readPolicySubject(text: string, names: NameTables, local: readonly Address[]): PolicySubject {
  const { pieces, comments } = cutPieces(toBytes(text));
  const { read, remarks, cutShort } = readEntries(pieces, names);
  const draft = cloneToDraft(emptySpd());
  const entered: { written: Written; result?: EntryResult; answers: Entered[] }[] = [];
  let priority = FIRST_PRIORITY;
  let stopped = false;
  for (const written of read) {
    const answers: Entered[] = [];
    const watch = { nextPriority: () => priority--, answered: (answer: Entered) => void answers.push(answer) };
    const result = stopped ? undefined : enterEntry(draft, written.entry, watch);
    entered.push({ written, answers, ...(result && { result }) });
    if (result?.kind !== 'late') continue;
    stopped = true;
    const { line, column, endLine } = written;
    remarks.push({ severity: 'error', line, column, endLine, text: result.message ?? 'the kernel refuses it' });
  }
  const spd = commitDraft(draft);
  const all = [spd.host, ...spd.tunnels.values()].flatMap((table) => storedRules(table).map(({ rule }) => rule));
  const bySource = new Map<EntrySource, LoadedRule[]>();
  for (const rule of all) {
    const known = bySource.get(rule.source);
    if (known === undefined) bySource.set(rule.source, [rule]);
    else known.push(rule);
  }
  const entries = entered.map(({ written, ...rest }): LintEntry => {
    return { ...written, ...rest, rules: bySource.get(written.entry.source) ?? [] };
  });
  const entryBySource = new Map<EntrySource, LintEntry>(entries.map((one) => [one.entry.source, one]));
  return {
    text,
    names,
    local,
    pieces,
    entries,
    remarks: remarks.toSorted((a, b) => a.line - b.line),
    intact: !cutShort && !stopped && remarks.every(({ severity }) => severity === 'warning'),
    comments: commentsOf(pieces, comments),
    rules: storedRules(spd.host)
      .map(({ rule }) => rule)
      .toSorted((a, b) => a.index - b.index),
    entryOf: (rule) => entryBySource.get(rule.source),
  };
}

type Written = Pick<LintEntry, 'line' | 'column' | 'endLine' | 'entry' | 'pattern' | 'alternatives'>;

function readEntries(
  pieces: readonly Piece[],
  names: NameTables,
): { readonly read: Written[]; readonly remarks: ToolRemark[]; readonly cutShort: boolean } {
  const reader = readerOf(pieces);
  const read: Written[] = [];
  const remarks: ToolRemark[] = [];
  for (;;) {
    const from = reader.next;
    const lexed = lexEntry(reader);
    if (lexed.kind === 'end') return { read, remarks, cutShort: false };
    const place = placeOf(reader, from);
    const say = (severity: ToolRemark['severity'], messages: readonly string[]): void => {
      const text = fromBytes(messages.join('; ')).trim();
      remarks.push({ ...place, severity, text: text === '' ? 'it is refused without a reason' : text });
    };
    if (lexed.kind === 'error') {
      say('error', lexed.messages);
      continue;
    }
    const { taken, entry, messages, printed } = formEntry(reader, lexed.entry, names);
    if (entry === undefined) {
      const dies = taken === 'crash' ? ['the program dies of a signal here'] : [];
      say('error', [...messages, ...printed, ...dies]);
      if (taken === 'crash' || taken === 'exit') return { read, remarks, cutShort: true };
      continue;
    }
    if (messages.length > 0) say('warning', messages);
    const { at, pattern, alternatives } = lexed.entry;
    read.push({ ...at, endLine: place.endLine, entry, pattern: pairsOf(pattern), alternatives });
  }
}

/** The first piece with words on it that was read, and the last piece. */
function placeOf({ pieces, next }: Reader, from: number): Place & { readonly endLine: number } {
  for (let i = from; i < next; i++) {
    const piece = pieces[i];
    const at = piece === undefined ? 0 : skipSpace(piece.text, 0);
    if (piece === undefined || at === piece.text.length) continue;
    return { line: piece.line, column: piece.column + at, endLine: pieces[next - 1]?.line ?? piece.line };
  }
  return { line: 1, column: 1, endLine: 1 };
}

export function pairsOf(words: readonly Word[]): readonly WrittenPair[] {
  return words.flatMap((key, i) => {
    const value = words[i + 1];
    return i % 2 === 1 || value === undefined ? [] : [{ key, value }];
  });
}

function commentsOf(
  pieces: readonly Piece[],
  comments: readonly { readonly line: number; readonly column: number; readonly text: string }[],
): readonly LintComment[] {
  const withWords = new Set(pieces.filter(({ text }) => skipSpace(text, 0) < text.length).map(({ line }) => line));
  return comments.map((one) => ({ ...one, alone: !withWords.has(one.line) }));
}

export function keyOf(pair: WrittenPair): PatternKey | undefined {
  return PATTERN_KEYS.get(pair.key.text);
}

export type KeyKind = PatternKey['kind'];

/** Pairs of an entry whose key is of this kind. */
export function pairsOfKind(entry: LintEntry, ...kinds: readonly KeyKind[]): readonly WrittenPair[] {
  return entry.pattern.filter((pair) => {
    const key = keyOf(pair);
    return key !== undefined && kinds.includes(key.kind);
  });
}

export function wordPlace({ line, column }: Word): Place {
  return { line, column };
}

export function entryPlace({ line, column, endLine }: LintEntry): Place {
  return { line, column, endLine };
}

export function relatedEntry({ line, column }: LintEntry, what: string): Related {
  return { line, column, what };
}

export function shown(word: Word): string {
  return fromBytes(word.text);
}

/** Related places beyond these are only counted. */
const MOST_RELATED = 5;

export function listed(entries: Iterable<LintEntry>, whatOf: (entry: LintEntry) => string) {
  return [...entries].slice(0, MOST_RELATED).map((one) => relatedEntry(one, whatOf(one)));
}

export function entriesOf({ entryOf }: PolicySubject, rules: Iterable<LoadedRule>): Set<LintEntry> {
  return new Set([...rules].flatMap((rule) => entryOf(rule) ?? []));
}
