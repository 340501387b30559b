/** What the tests of all five kinds of document share: comments made at random, and documents as plain values. */

import fc from 'fast-check';
import { Secret } from '../../../../controller/model/secret.js';

export const AT = { line: 1, column: 1 };
export const RUNS = { numRuns: 80, seed: 3 };

const ODD = ['à', '€', '😀', '\u00a0', '\t', '\v', '#', '"', '{', '}', '\\', '/', '|', ' '];
const character = fc.oneof(
  fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
  fc.constantFrom(...ODD),
);

/** Text of one line with marks that mean something in one of the languages. */
export const lineText = fc.array(character, { maxLength: 20 }).map((characters) => characters.join(''));

/** Any text that a comment may hold. */
export const commentText = lineText.map((text) => text.trimEnd());

export const comment = commentText.map((text) => ({ kind: 'comment' as const, at: AT, text }));
export const blank = fc.constant({ kind: 'blank' as const, at: AT });

/** Without places, and with keys opened: two secrets are never told apart by `toEqual`. */
export function plain(value: unknown): unknown {
  if (value instanceof Secret) return { secret: value.revealText() };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([name]) => name !== 'at');
  return Object.fromEntries(fields.map(([name, one]) => [name, plain(one)]));
}
