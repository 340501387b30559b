/**
 * A rendered policy for a host whose ipsecconf reads old-style entries alone: each entry turned, line for line, comments and
 * banner as they are, and proved to load the very same rules.
 */

import type { Problem, SourcePosition } from '../errors.js';
import { fileText, type FilePart, type ManagedFile } from '../model/managed-file.js';
import type { LoadedRule } from '../model/policy.js';
import type { NameTables } from '../policy/name-tables.js';
import { rulesInOrder } from '../policy/partition.js';
import { predictLoad } from '../policy/predict-load.js';
import { oldStyleOf } from '../policy/syntax/old-style.js';
import { parsePolicyDocument, type EntryItem, type PolicyItem } from '../policy/syntax/policy-document.js';
import { printPolicyDocument } from '../policy/syntax/print-policy.js';

export interface OldStylePolicy {
  readonly file: ManagedFile;
  /** For each line the template line that began it. */
  readonly origins: readonly SourcePosition[];
  readonly problems: readonly Problem[];
}

interface Line {
  readonly parts: readonly FilePart[];
  readonly origin: SourcePosition | undefined;
}

export function oldStylePolicy(
  file: ManagedFile,
  origins: readonly SourcePosition[],
  host: string,
  names: NameTables,
): OldStylePolicy {
  const lines = linesOf(file.parts).map((parts, at): Line => ({ parts, origin: origins[at] }));
  const text = plainText(file);
  const { items } = parsePolicyDocument(text, file.path).document;
  const problems: Problem[] = [];
  const turned: Line[] = [];
  let done = 0;
  for (const { entry, from, to } of entrySpans(items, lines.length)) {
    turned.push(...lines.slice(done, from));
    done = to;
    const origin = lines[from]?.origin;
    const old = oldStyleOf(entry);
    if ('without' in old) problems.push(noOldForm(old.without, host, printed(entry), origin));
    else if (old.entries.length === 1 && old.entries[0] === entry) turned.push(...lines.slice(from, to));
    else {
      const inside = items.filter(({ kind, at }) => kind === 'comment' && at.line > from && at.line <= to);
      const texts = [...inside, ...old.entries].map(printed);
      turned.push(...texts.map((one): Line => ({ parts: [one], origin })));
    }
  }
  turned.push(...lines.slice(done));
  const made: ManagedFile = { ...file, parts: turned.flatMap(({ parts }) => [...parts, '\n']) };
  if (problems.length === 0 && !loadsTheSame(text, plainText(made), names)) problems.push(otherwise(host, origins[0]));
  return { file: made, origins: turned.flatMap(({ origin }) => origin ?? []), problems };
}

function plainText(file: ManagedFile): string {
  return fileText(file, { generation: 1, key: () => '' });
}

function printed(item: PolicyItem): string {
  return printPolicyDocument({ items: [item] }).trimEnd();
}

/** Parts of each line, without its break. */
function linesOf(parts: readonly FilePart[]): readonly (readonly FilePart[])[] {
  const lines: FilePart[][] = [[]];
  for (const part of parts) {
    if (typeof part !== 'string') {
      lines.at(-1)?.push(part);
      continue;
    }
    const [first = '', ...others] = part.split('\n');
    if (first !== '') lines.at(-1)?.push(first);
    for (const other of others) lines.push(other === '' ? [] : [other]);
  }
  if (lines.at(-1)?.length === 0) lines.pop();
  return lines;
}

/** Entries with the lines they take, counted from 0, the end not included. */
function entrySpans(
  items: readonly PolicyItem[],
  lineCount: number,
): readonly { readonly entry: EntryItem; readonly from: number; readonly to: number }[] {
  // Comments inside an entry stand before it in the document.
  let next = lineCount + 1;
  return items
    .toReversed()
    .flatMap((item) => {
      const to = next - 1;
      next = Math.min(next, item.at.line);
      return item.kind === 'entry' ? [{ entry: item, from: item.at.line - 1, to }] : [];
    })
    .toReversed();
}

/** Rule for rule, in the order in which each packet tries them. */
function loadsTheSame(one: string, other: string, names: NameTables): boolean {
  const [a, b] = [one, other].map((text) => predictLoad(text, names));
  return a !== undefined && b !== undefined && a.accepted === b.accepted && tried(a.rules) === tried(b.rules);
}

function tried(rules: readonly LoadedRule[]): string {
  const tables = (['out', 'in'] as const).flatMap((dir) =>
    ([4, 6] as const).map((family) => rulesInOrder(rules, dir, family).map(({ text }) => text)),
  );
  return tables.map((texts) => texts.join('\n')).join('\n\n');
}

function noOldForm(without: string, host: string, entry: string, at: SourcePosition | undefined): Problem {
  return {
    code: 'NO_OLD_STYLE',
    severity: 'error',
    what: `${host} reads old-style entries alone (syntax: old), and they know no ${without}: ${entry}`,
    ...(at === undefined ? {} : { at }),
    todo: 'write the rule without it for this host, or take syntax: old out where its ipsecconf knows new entries',
  };
}

function otherwise(host: string, at: SourcePosition | undefined): Problem {
  return {
    code: 'NO_OLD_STYLE',
    severity: 'error',
    what: `the policy of ${host} does not load the same rules in old-style entries (syntax: old)`,
    ...(at === undefined ? {} : { at }),
    todo: 'look at both with `ipsec-deploy render`, with and without syntax: old',
  };
}
