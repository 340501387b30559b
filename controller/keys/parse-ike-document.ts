/**
 * ike/config as it is written: settings, transforms and rules in the words of the file, comments, blank lines, and what is
 * none of these. What in.iked makes of it is another value, in model/ike.ts. Source: illumos ike.config(4).
 */

import type { Problem } from '../errors.js';
import type { BlankItem, DocumentReading, Place, UnreadItem } from '../policy/syntax/items.js';
import { LexemeReader, type IkeValue } from './parse-ike-lexemes.js';
import { GLOBALS, RULE_LISTS, RULE_SETTINGS } from './parse-ike-settings.js';
import { readTokens, type IkeComment, type IkeToken } from './parse-ike-tokens.js';

export interface IkeCommentText {
  readonly at: Place;
  readonly mark: '#' | '//';
  readonly text: string;
}

export interface IkeSetting {
  readonly name: string;
  /** Flags have none. */
  readonly value?: IkeValue;
  /** Key lengths behind a cipher, without the brackets. */
  readonly lengths?: string;
  readonly at: Place;
}

interface WithComment {
  /** Behind it on its last line. */
  readonly comment?: IkeCommentText;
}

export interface IkeSettingItem extends IkeSetting, WithComment {
  readonly kind: 'setting';
}

export interface IkeTransformItem extends WithComment {
  readonly kind: 'transform';
  readonly at: Place;
  readonly settings: readonly IkeSetting[];
}

export interface IkeCommentItem extends IkeCommentText {
  readonly kind: 'comment';
}

export type IkeRuleLine = IkeSettingItem | IkeTransformItem | IkeCommentItem | BlankItem;

export interface IkeRuleItem extends WithComment {
  readonly kind: 'rule';
  readonly at: Place;
  readonly lines: readonly IkeRuleLine[];
}

export type IkeItem = IkeRuleLine | IkeRuleItem | UnreadItem;

export interface IkeDocument {
  readonly items: readonly IkeItem[];
}

/** Words that are no setting are kept and told of as warnings; an error is a bracket or quote that nothing closes. */
export function parseIkeDocument(text: string, file: string): DocumentReading<IkeDocument> {
  const tokens = readTokens(text, file);
  const problems: Problem[] = [];
  if (tokens.unclosed !== undefined) {
    const { at, text: mark } = tokens.unclosed;
    problems.push(unclosed(`\`${mark}\``, at));
    return { document: { items: [wholeText(text)] }, problems };
  }
  const items: IkeItem[] = [];
  const reader = new LexemeReader(text, tokens);
  while (reader.next !== undefined) {
    const mark = reader.mark();
    const { start, kind, at } = reader.next;
    const read = readItem(reader, items, 'file');
    if (read) continue;
    reader.back(mark);
    const end = kind === 'open' ? reader.skipBlock(mark) : reader.skipLine();
    if (end === undefined) {
      return { document: { items: [wholeText(text)] }, problems: [unclosed('the bracket', at)] };
    }
    items.push({ kind: 'unread', at: placeOf(at), text: text.slice(start, end) });
    const what = kind === 'open' ? 'this rule has a line that is no setting' : 'this is no setting';
    const todo = 'mend it: see ike.config(4)';
    problems.push({ code: 'FMT_UNREAD', severity: 'warning', what: `${what}; it is left as it is`, at, todo });
  }
  addBlanks(items, reader, tokens.end.line);
  return { document: { items }, problems };
}

function unclosed(what: string, at: Problem['at'] & object): Problem {
  const todo = 'close it';
  return { code: 'FMT_UNCLOSED', severity: 'error', what: `${what} is opened here and never closed`, at, todo };
}

function wholeText(text: string): UnreadItem {
  return { kind: 'unread', at: { line: 1, column: 1 }, text: text.replace(/\n$/, '') };
}

/** Adds one item, and the blank lines and comments that come before it; false when it is none. */
function readItem(reader: LexemeReader, items: IkeItem[], inside: 'file' | 'rule'): boolean {
  const { next, breaks } = reader;
  if (next === undefined) return false;
  addBlanks(items, reader, next.at.line);
  const start = items.length;
  const done = ((): boolean => {
    if (next.kind === 'comment') {
      reader.take();
      const last = items.at(-1);
      const trails = breaks === 0 && (last?.kind === 'setting' || last?.kind === 'transform' || last?.kind === 'rule');
      if (trails && last.comment === undefined) items[items.length - 1] = { ...last, comment: commentText(next) };
      else items.push({ kind: 'comment', ...commentText(next) });
      return true;
    }
    const aside: IkeComment[] = [];
    const item = next.kind === 'open' && inside === 'file' ? readRule(reader) : readLine(reader, inside, aside);
    if (item === undefined) return false;
    for (const one of aside) items.push({ kind: 'comment', ...commentText(one) });
    items.push(item);
    return true;
  })();
  if (!done) items.length = start;
  return done;
}

function readRule(reader: LexemeReader): IkeRuleItem | undefined {
  const open = reader.take();
  if (open === undefined) return undefined;
  const lines: IkeItem[] = [];
  while (reader.next !== undefined && reader.next.kind !== 'close') {
    if (!readItem(reader, lines, 'rule')) return undefined;
  }
  if (reader.next === undefined) return undefined;
  addBlanks(lines, reader, reader.next.at.line);
  reader.take();
  const plain = lines.filter((line) => line.kind !== 'rule' && line.kind !== 'unread');
  return plain.length === lines.length ? { kind: 'rule', at: placeOf(open.at), lines: plain } : undefined;
}

function readLine(
  reader: LexemeReader,
  inside: 'file' | 'rule',
  aside: IkeComment[],
): IkeSettingItem | IkeTransformItem | undefined {
  const name = reader.takeToken(aside);
  if (name?.kind !== 'word') return undefined;
  const at = placeOf(name.at);
  if (name.text === 'p1_xform') return readTransform(reader, at, aside);
  const kind = inside === 'file' ? GLOBALS.get(name.text) : RULE_SETTINGS.get(name.text);
  if (kind === undefined && (inside === 'file' || !RULE_LISTS.includes(name.text))) return undefined;
  if (kind === 'flag') return { kind: 'setting', at, name: name.text };
  const value = reader.takeValue(aside);
  return value && { kind: 'setting', at, name: name.text, value };
}

/** `p1_xform { name value … }` with every comment inside put aside. */
function readTransform(reader: LexemeReader, at: Place, aside: IkeComment[]): IkeTransformItem | undefined {
  if (reader.takeToken(aside)?.kind !== 'open') return undefined;
  const settings: IkeSetting[] = [];
  for (;;) {
    const name: IkeToken | undefined = reader.takeToken(aside);
    if (name?.kind === 'close') return { kind: 'transform', at, settings };
    const value = reader.takeValue(aside);
    if (name?.kind !== 'word' || value === undefined) return undefined;
    const lengths = reader.next?.kind === 'group' ? reader.next.text : undefined;
    if (lengths !== undefined) reader.take();
    const setting = { name: name.text, value, at: placeOf(name.at) };
    settings.push(lengths === undefined ? setting : { ...setting, lengths });
  }
}

/** Adds the empty lines before what stands on this line. */
export function addBlanks(items: { push(item: BlankItem): unknown }, { blanks }: LexemeReader, line: number): void {
  for (let i = 0; i < blanks; i++) items.push({ kind: 'blank', at: { line: line - blanks + i, column: 1 } });
}

function placeOf({ line, column }: Place): Place {
  return { line, column };
}

function commentText({ at, mark, text }: IkeComment): IkeCommentText {
  return { at: placeOf(at), mark, text };
}
