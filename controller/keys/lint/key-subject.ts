/** An ipseckeys file as lint looks at it: each `add` in its words and as understood. No finding ever repeats a word of a key. */

import type { Problem } from '../../errors.js';
import type { Address } from '../../model/address.js';
import type { Place } from '../../policy/lint/finding.js';
import type { LintComment } from '../../policy/lint/suppressions.js';
import type { NameTables } from '../../policy/name-tables.js';
import { resolverOrder } from '../../policy/reference-host.js';
import { addressLookup } from '../kernel/address-lookup.js';
import { splitKeyLines, type KeyWord } from '../parse-key-lines.js';
import { parseIpseckeys } from '../parse-ipseckeys.js';
import type { SaRequest } from '../parse-sa-draft.js';

export interface KeyCommand extends Place {
  readonly words: readonly KeyWord[];
}

export interface SaCommand extends KeyCommand {
  readonly request: SaRequest;
}

export interface KeySubject {
  /** The host's own addresses; empty = not known. */
  readonly local: readonly Address[];
  /** `add` commands that ipseckey understands. */
  readonly adds: readonly SaCommand[];
  readonly flushes: readonly KeyCommand[];
  readonly problems: readonly Problem[];
  readonly comments: readonly LintComment[];
  /** Lines on which a command begins, ascending. */
  readonly lines: readonly number[];
  /** Permission bits of the file, where known. */
  readonly mode: number | undefined;
}

export function readKeySubject(
  text: string,
  names: NameTables,
  local: readonly Address[],
  mode: number | undefined,
): KeySubject {
  const { commands, problems } = parseIpseckeys(text, '', addressLookup(resolverOrder(names), false));
  const words = new Map(splitKeyLines(text).commands.map((one) => [one.line, one.words]));
  const adds: SaCommand[] = [];
  const flushes: KeyCommand[] = [];
  for (const { command, line, endLine } of commands) {
    const mine = words.get(line) ?? [];
    const place = { line, column: mine[0]?.column ?? 1, endLine, words: mine };
    if (command.kind === 'flush') flushes.push(place);
    if (command.kind === 'request' && command.request.command === 'add')
      adds.push({ ...place, request: command.request });
  }
  const lines = commands.map(({ line }) => line);
  return { local, adds, flushes, problems, comments: commentsOf(text), lines, mode };
}

/** A comment is a line whose first character that is not blank is `#`; a `#` further on is a word. */
function commentsOf(text: string): readonly LintComment[] {
  return text.split('\n').flatMap((line, i) => {
    const column = line.search(/\S/) + 1;
    return line[column - 1] === '#' ? [{ line: i + 1, column, text: line.slice(column).trimEnd(), alone: true }] : [];
  });
}

/** The place of the value behind one of these keywords, else of the command. */
export function valuePlace({ words, line, column }: KeyCommand, ...keywords: readonly string[]): Place {
  const at = words.findIndex(({ text }) => keywords.includes(text));
  const word = at < 0 ? undefined : (words[at + 1] ?? words[at]);
  return word === undefined ? { line, column } : { line: word.line, column: word.column };
}
