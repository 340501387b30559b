/** Names of fleets, hosts, groups and external ends, and the patterns that pick them. */

import type { SourcePosition } from '../errors.js';
import { problemError, type Report } from './problem-list.js';

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$/;
const MAX_LENGTH = 128;

/** Whether `name` may name something; `--` is kept for link ids (`a--b`). Reports why not. */
export function checkName(
  kind: 'a fleet' | 'a host' | 'a group' | 'an external end',
  name: string,
  at: SourcePosition,
  report: Report,
): boolean {
  if (NAME.test(name) && !name.includes('--') && name.length <= MAX_LENGTH) return true;
  const why = name.includes('--') ? '"--" is kept for link names' : 'letters, digits, ".", "-" and "_" only';
  report(problemError('BAD_NAME', at, `${JSON.stringify(name)} cannot name ${kind}: ${why}`, 'choose another name'));
  return false;
}

export function isPattern(text: string): boolean {
  return /[*?]/.test(text);
}

/** A glob over names: `*` any run of characters, `?` exactly one. Never slower than the product of both lengths. */
export function matchesPattern(pattern: string, name: string): boolean {
  let [p, n, star, resume] = [0, 0, -1, 0];
  while (n < name.length) {
    if (pattern[p] === '*') {
      [star, resume] = [p++, n];
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      [p, n] = [star + 1, ++resume];
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
