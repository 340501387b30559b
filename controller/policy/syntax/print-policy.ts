/** Policy documents as text in one style: an entry a line, single blanks, no line that ipsecconf(8) would cut. */

import { linesOf, tidyBlanks, type CommentItem } from './items.js';
import type { EntryItem, Pair, PolicyDocument, PolicyItem } from './policy-document.js';

/** Bytes of a line without its break; the tool cuts lines of 1023. */
const WIDEST = 999;

/** The document as it stands; `parsePolicyDocument` reads it back to the same items. */
export function printPolicyDocument({ items }: PolicyDocument): string {
  return items.map((item) => `${itemText(item)}\n`).join('');
}

/** The same entries with blank lines collapsed, and comments that would make a line too long moved or broken. */
export function tidyPolicyDocument({ items }: PolicyDocument): PolicyDocument {
  return { items: tidyBlanks(items.flatMap(tidied)) };
}

function itemText(item: PolicyItem): string {
  switch (item.kind) {
    case 'entry':
      return entryText(item);
    case 'comment':
      return `#${item.text}`;
    case 'unread':
      return item.text;
    case 'blank':
      return '';
  }
}

/** One line, or several where one would be too long: a break may stand between words, but never before `or`. */
function entryText({ pattern, alternatives, comment }: EntryItem): string {
  const atoms = [
    ...braces(pattern),
    ...alternatives.flatMap(({ action, properties }, i) => {
      const words = braces(properties);
      const last = words.pop() ?? '';
      return [action, ...words, i < alternatives.length - 1 ? `${last} or` : last];
    }),
  ];
  const lines: string[] = [];
  let line = '';
  for (const atom of atoms) {
    if (line !== '' && bytesOf(line) + 1 + bytesOf(atom) > WIDEST) {
      lines.push(line);
      line = `  ${atom}`;
    } else line = line === '' ? atom : `${line} ${atom}`;
  }
  // The blank before the comment matters: with `}#` the tool waits for another alternative.
  return [...lines, comment === undefined ? line : `${line} #${comment.text}`].join('\n');
}

function braces(pairs: readonly Pair<string>[]): string[] {
  const words = pairs.flatMap(({ key, value }) => [key, value]);
  return words.length === 0
    ? ['{}']
    : words.map((word, i) => `${i === 0 ? '{' : ''}${word}${i === words.length - 1 ? '}' : ''}`);
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}

function tidied(item: PolicyItem): PolicyItem[] {
  if (item.kind === 'comment') return brokenComment(item);
  if (item.kind !== 'entry' || item.comment === undefined) return [item];
  const last = linesOf(entryText(item)).at(-1) ?? '';
  if (bytesOf(last) <= WIDEST) return [item];
  const { comment, ...entry } = item;
  return [...brokenComment({ kind: 'comment', ...comment }), entry];
}

/** A long comment as several, broken at blanks where it has some. */
function brokenComment(comment: CommentItem): CommentItem[] {
  const parts: CommentItem[] = [];
  let rest = comment.text;
  while (bytesOf(rest) + 1 > WIDEST) {
    let end = WIDEST - 1;
    while (bytesOf(rest.slice(0, end)) > WIDEST - 1) end = Math.min(end - 1, Math.floor(end * 0.95));
    const blank = rest.lastIndexOf(' ', end);
    if (blank > 1) end = blank;
    else if (/[\uD800-\uDBFF]/.test(rest.charAt(end - 1))) end--;
    parts.push({ ...comment, text: rest.slice(0, end).trimEnd() });
    rest = ` ${rest.slice(end).trimStart()}`;
  }
  return [...parts, { ...comment, text: rest.trimEnd() }];
}
