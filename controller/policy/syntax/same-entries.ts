/** Whether two documents ask for the same: their entries, in order, word for word. Places, comments and blank lines aside. */

import { Secret } from '../../model/secret.js';

type Item = { readonly kind: string };

/** The guard of every formatter: what is read from its text must be what was read before. */
export function sameEntries(a: readonly Item[], b: readonly Item[]): boolean {
  return same(a, b);
}

const ASIDE = new Set(['at', 'comment']);

function isAside(value: unknown): boolean {
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
  return kind === 'blank' || kind === 'comment';
}

function same(a: unknown, b: unknown): boolean {
  if (a instanceof Secret || b instanceof Secret) return a instanceof Secret && b instanceof Secret && a.equals(b);
  if (Array.isArray(a) && Array.isArray(b)) {
    const [left, right] = [a, b].map((list: readonly unknown[]) => list.filter((one) => !isAside(one)));
    if (left === undefined || right === undefined || left.length !== right.length) return false;
    return left.every((one, i) => same(one, right[i]));
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  const left = fields(a);
  const right = new Map(fields(b));
  return left.length === right.size && left.every(([name, value]) => right.has(name) && same(value, right.get(name)));
}

function fields(value: object): [string, unknown][] {
  return Object.entries(value).filter(([name]) => !ASIDE.has(name));
}
