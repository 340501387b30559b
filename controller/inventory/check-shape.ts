/** Checks a part of the tree against its shape and words every mismatch with its place; mends what it can so that checking goes on. */

import type { z } from 'zod';
import type { SourcePosition } from '../errors.js';
import { knownKeys } from './known-keys.js';
import { problemError, type Report } from './problem-list.js';
import { shapeProblem } from './shape-problems.js';
import { plainValue, type SourceNode, type SourcePath, withoutKeys } from './source-tree.js';
import { nearest } from './suggest.js';

/** A part of the inventory that has the right shape, and the text it came from. */
export interface Entry<T> {
  readonly name: string;
  /** Where its name, or a list item, stands. */
  readonly at: SourcePosition;
  readonly value: T;
  readonly node: SourceNode;
}

/**
 * The value of `node` as `shape` says. Keys that are wrong are reported and left out; `undefined` when what remains
 * is still no such value.
 * @param what the path that a message names, e.g. `hosts.web1`
 */
export function checkShape<T>(
  shape: z.ZodType<T>,
  node: SourceNode,
  what: string,
  at: SourcePosition,
  report: Report,
): T | undefined {
  if (node.kind === 'map') reportWordsForBooleans(node, [], report);
  const first = shape.safeParse(plainValue(node));
  if (first.success) return first.data;
  const wrong = new Set<string>();
  const meant = misspeltKeys(shape, first.error.issues);
  for (const issue of first.error.issues) {
    const isMisspelt = meant.has(pathIdentity(issue.path));
    for (const problem of isMisspelt ? [] : shapeProblem(issue, { shape, node, what, at })) report(problem);
    if (issue.code === 'unrecognized_keys' && issue.path.length === 0) issue.keys.forEach((key) => wrong.add(key));
    else if (issue.path.length > 0) wrong.add(String(issue.path[0]));
  }
  if (node.kind !== 'map' || wrong.size === 0) return undefined;
  const second = shape.safeParse(plainValue(withoutKeys(node, wrong)));
  return second.success ? second.data : undefined;
}

/** Keys that stand there under a mistyped name: to call them missing too would be one complaint too many. */
function misspeltKeys(shape: z.ZodType, issues: readonly z.core.$ZodIssue[]): ReadonlySet<string> {
  const meant = new Set<string>();
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    for (const key of issue.keys)
      meant.add(pathIdentity([...issue.path, nearest(key, knownKeys(shape, issue.path)) ?? '']));
  }
  return meant;
}

function pathIdentity(path: SourcePath): string {
  return JSON.stringify(path.map(String));
}

/** YAML 1.2 reads `no` as text, which a template would take for true. */
function reportWordsForBooleans(node: SourceNode, path: readonly string[], report: Report): void {
  if (node.kind === 'map') {
    for (const entry of node.entries.values()) {
      if (path.length > 0 || entry.key === 'vars') reportWordsForBooleans(entry.value, [...path, entry.key], report);
    }
    return;
  }
  if (node.kind === 'list') {
    node.items.forEach((item) => reportWordsForBooleans(item, path, report));
    return;
  }
  if (!node.quoted && typeof node.value === 'string' && /^(yes|no|on|off)$/i.test(node.value)) {
    const meant = /^(yes|on)$/i.test(node.value) ? 'true' : 'false';
    const what = `${path.join('.')} is the text "${node.value}", not ${meant}`;
    report(problemError('WORD_FOR_BOOLEAN', node.at, what, `write ${meant}, or "${node.value}" in quotes`));
  }
}
