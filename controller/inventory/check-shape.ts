/** Checks a part of the tree against its shape; reports every mismatch and leaves it out, so that checking goes on. */

import type { z } from 'zod';
import type { SourcePosition } from '../errors.js';
import type { Report } from './problem-list.js';
import { shapeProblems } from './shape-problems.js';
import { plainValue, type SourceNode, type SourcePath, withoutPaths } from './source-tree.js';
import { reportWordsForBooleans } from './word-for-boolean.js';
import type { Issue } from './wrong-value.js';

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
  const vars = node.kind === 'map' ? node.entries.get('vars') : undefined;
  if (vars !== undefined) reportWordsForBooleans(vars.value, `${what}.vars`, report);
  const whole = shape.safeParse(plainValue(node));
  if (whole.success) return whole.data;
  shapeProblems(whole.error.issues, { shape, node, what, at }).forEach(report);
  const faulty = whole.error.issues.flatMap(faultyPaths);
  for (const paths of [faulty, faulty.map((path) => path.slice(0, 1))]) {
    const rest = shape.safeParse(plainValue(withoutPaths(node, paths)));
    if (rest.success) return rest.data;
  }
  return undefined;
}

/** Paths to the keys whose removal makes the rest right; a list with a wrong item goes as a whole. */
function faultyPaths(issue: Issue): readonly SourcePath[] {
  const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
  return paths.map((path) => {
    const item = path.findIndex((part) => typeof part === 'number');
    return item < 0 ? path : path.slice(0, item);
  });
}
