/**
 * ipseckeys as it is written: commands in the words of the file, comments, blank lines, and what ipseckey refuses. Keys stay
 * closed, and so does all that could not be read. What a command asks for is another value, in parse-ipseckeys.ts.
 */

import type { Problem } from '../errors.js';
import { parseAddress, type Address } from '../model/address.js';
import { Secret } from '../model/secret.js';
import { linesOf, type BlankItem, type CommentItem, type DocumentReading } from '../policy/syntax/items.js';
import type { Place, UnreadItem } from '../policy/syntax/items.js';
import { parseIpseckeys, type KeyFileCommand, type ParsedCommand } from './parse-ipseckeys.js';
import { keywordOf, type Keyword } from './parse-key-keywords.js';
import { splitKeyLines, splitKeyWords, type KeyLine, type KeyWord } from './parse-key-lines.js';
import type { AddressLookup } from './parse-key-values.js';

export const KEY_COMMANDS = [
  ...(['add', 'update', 'update-pair', 'delete', 'delete-pair', 'get', 'flush', 'quit', 'exit'] as const),
] as const;
export type KeyCommandName = (typeof KEY_COMMANDS)[number];

/** A keyword and what follows it: nothing for a direction, two words for an identity, else one. */
export interface KeyField {
  readonly keyword: string;
  /** As written, without quotes; keys are closed. */
  readonly values: readonly (string | Secret)[];
  readonly at: Place;
}

export interface KeyCommandItem {
  readonly kind: 'command';
  readonly at: Place;
  readonly name: KeyCommandName;
  /** `ah`, `esp`, `all` or a number, as written. */
  readonly type?: string;
  readonly fields: readonly KeyField[];
}

export type KeyItem = KeyCommandItem | CommentItem | BlankItem | UnreadItem<Secret>;

export interface KeyDocument {
  readonly items: readonly KeyItem[];
}

/**
 * Refused commands are kept closed and told of as warnings; errors are places where the tool stops, dies or drops a command,
 * so that what stands there must not move.
 */
export function parseKeyDocument(text: string, file: string): DocumentReading<KeyDocument> {
  const { commands, problems } = parseIpseckeys(text, file, tolerantLookUp);
  const stops = problems.filter(({ code }) => STOPS.includes(code));
  const lines = linesOf(text);
  if (stops.length > 0) {
    const whole = Secret.fromText(lines.join('\n'));
    return { document: { items: [{ kind: 'unread', at: { line: 1, column: 1 }, text: whole }] }, problems: stops };
  }
  const items: KeyItem[] = [];
  const told: Problem[] = [];
  const starts = new Map(splitKeyLines(text).commands.map((one) => [one.line, one]));
  const byLine = new Map(commands.map((one) => [one.line, one]));
  for (let i = 0; i < lines.length;) {
    const at = { line: i + 1, column: 1 };
    const command = byLine.get(i + 1);
    const words = starts.get(i + 1);
    if (command === undefined || words === undefined) {
      i += readWordless(lines, i, items);
      continue;
    }
    const item = commandItem(command.command, words);
    if (item !== undefined) items.push(item);
    else {
      items.push({ kind: 'unread', at, text: Secret.fromText(lines.slice(i, command.endLine).join('\n')) });
      told.push(unreadProblem(command, problems, file));
    }
    i = command.endLine;
    if (command.command.kind !== 'quit' || i >= lines.length) continue;
    // Nothing behind `quit` is read.
    items.push({ kind: 'unread', at: { line: i + 1, column: 1 }, text: Secret.fromText(lines.slice(i).join('\n')) });
    break;
  }
  return { document: { items }, problems: told };
}

const STOPS: readonly string[] = [
  ...['KEYS_LINE_TOO_BIG', 'KEYS_COMMAND_TOO_BIG', 'KEYS_COMMAND_DROPPED', 'KEYS_TOOL_DIES'],
];

/** Lines without a command; the number of lines taken. A comment may swallow the next line with a backslash. */
function readWordless(lines: readonly string[], start: number, items: KeyItem[]): number {
  const at = { line: start + 1, column: 1 };
  let end = start + 1;
  while (end < lines.length && lines[end - 1]?.endsWith('\\') === true) end++;
  const line = lines[start] ?? '';
  const text = lines.slice(start, end).join('\n');
  if (end > start + 1 || line.endsWith('\\')) items.push({ kind: 'unread', at, text: Secret.fromText(text) });
  else if (line.trim() === '') items.push({ kind: 'blank', at });
  else if (/^\s*#/.test(line)) {
    const column = line.indexOf('#') + 1;
    items.push({ kind: 'comment', at: { line: start + 1, column }, text: line.slice(column).trimEnd() });
  } else items.push({ kind: 'unread', at, text: Secret.fromText(text) });
  return end - start;
}

/** Every name resolves, to one address of the family asked for. */
const tolerantLookUp: AddressLookup = (text, v6only) => {
  const literal = parseAddress(text);
  const standIn: Address = v6only ? { family: 6, value: 1n } : { family: 4, value: 1n };
  return [literal ?? standIn];
};

function unreadProblem({ line }: KeyFileCommand, problems: readonly Problem[], file: string): Problem {
  const reason = problems.find(({ at }) => at?.line === line)?.what;
  const what = `ipseckey refuses this command${reason === undefined ? '' : ` (${reason})`}; it is left as it is`;
  return { code: 'FMT_UNREAD', severity: 'warning', what, at: { file, line, column: 1 }, todo: 'mend the command' };
}

/** Undefined when it is refused, or cannot be written again to be read as the same words. */
function commandItem({ kind }: ParsedCommand, { line, words }: KeyLine): KeyCommandItem | undefined {
  const [first, second] = words;
  const name = KEY_COMMANDS.find((one) => one === first?.text);
  const last = words.at(-1);
  if (first === undefined || name === undefined || last?.text.endsWith('\\') === true) return undefined;
  if (!words.every(({ text }) => writtenWord(text) !== undefined)) return undefined;
  const at = { line, column: first.column };
  if (kind === 'quit') return words.length === 1 ? { kind: 'command', at, name, fields: [] } : undefined;
  if (kind !== 'request' && kind !== 'lookup' && kind !== 'flush') return undefined;
  const fields = fieldsOf(words.slice(2));
  const type = second === undefined ? {} : { type: second.text };
  return fields && { kind: 'command', at, name, ...type, fields };
}

function fieldsOf(words: readonly KeyWord[]): KeyField[] | undefined {
  const fields: KeyField[] = [];
  for (let i = 0; i < words.length;) {
    const word = words[i];
    const keyword = word && keywordOf(word.text);
    if (word === undefined || keyword === undefined) return undefined;
    const count = valueCount(keyword);
    const values = words.slice(i + 1, i + 1 + count).map(({ text }) => text);
    if (values.length < count) return undefined;
    fields.push({
      keyword: word.text,
      values: keyword.kind === 'key' ? values.map((text) => Secret.fromText(text)) : values,
      at: { line: word.line, column: word.column },
    });
    i += 1 + count;
  }
  return fields;
}

function valueCount(keyword: Keyword): 0 | 1 | 2 {
  if (keyword.kind === 'direction') return 0;
  return keyword.kind === 'identity' ? 2 : 1;
}

/** A word as the tool would read it back, in quotes where it needs them; undefined when nothing gives this word. */
export function writtenWord(text: string): string | undefined {
  if (/^[^\s"]+$/.test(text)) return text;
  return [text, `"${text}"`, `${text}"`].find((written) => {
    const words = splitKeyWords(`x ${written} y`, 1);
    return words.length === 3 && words[1]?.text === text && !written.includes('\n');
  });
}
