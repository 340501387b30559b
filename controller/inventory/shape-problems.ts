/** Mismatches between text and shape, as problems: keys that are unknown, and the rest handed on by its place. */

import type { z } from 'zod';
import type { Problem, SourcePosition } from '../errors.js';
import { knownKeys } from './known-keys.js';
import { problemError } from './problem-list.js';
import { keyPositionOf, type SourcePath } from './source-tree.js';
import { alternatives, nearest } from './suggest.js';
import { type Checked, type Issue, isWrongAtRoot, pathText, wrongValue } from './wrong-value.js';

/** Where keys of one mapping often end up by mistake. */
const BELONGS_UNDER: Readonly<Record<string, string>> = {
  user: 'ssh',
  port: 'ssh',
  privilege: 'ssh',
  auth: 'ssh',
  knownHosts: 'ssh',
  proxyJump: 'ssh',
  rootPasswordEnv: 'ssh',
  encr: 'suite',
  encrAuth: 'suite',
  keyStore: 'settings',
  forks: 'settings',
  confirmWindowSeconds: 'settings',
  templates: 'settings',
};

/** @param prefix the path from what is checked to where `issues` start */
export function shapeProblems(issues: readonly Issue[], checked: Checked, prefix: SourcePath = []): readonly Problem[] {
  const misspelt = misspeltKeys(issues, checked.shape, prefix);
  const mistyped = new Set(
    issues.filter((issue) => issue.code === 'invalid_type').map((issue) => identity(issue.path)),
  );
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, checked));
    if (misspelt.has(identity(path))) return [];
    // a value of the wrong type has no size to speak of
    if (issue.code !== 'invalid_type' && mistyped.has(identity(issue.path))) return [];
    const branch = issue.code === 'invalid_union' ? fittingBranch(issue) : undefined;
    return branch === undefined ? [wrongValue(issue, path, checked)] : shapeProblems(branch, checked, path);
  });
}

/** The issues of the one branch of a union that the value was meant for. */
function fittingBranch(issue: z.core.$ZodIssueInvalidUnion): readonly Issue[] | undefined {
  const fitting = issue.errors.filter((branch) => !branch.some(isWrongAtRoot));
  return fitting.length === 1 ? fitting[0] : undefined;
}

/** Keys that stand there under a mistyped name: to call them missing too would be one complaint too many. */
function misspeltKeys(issues: readonly Issue[], shape: z.ZodType, prefix: SourcePath): ReadonlySet<string> {
  const meant = new Set<string>();
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const path = [...prefix, ...issue.path];
    for (const key of issue.keys) meant.add(identity([...path, nearest(key, knownKeys(shape, path)) ?? '']));
  }
  return meant;
}

function identity(path: SourcePath): string {
  return JSON.stringify(path.map(String));
}

function unknownKey(key: string, path: SourcePath, checked: Checked): Problem {
  const at = keyPositionOf(checked.node, [...path, key]);
  const place = pathText(checked.what, path);
  const known = knownKeys(checked.shape, path);
  // a Slack URL lets whoever reads it write there
  const isSecret = /^(password|passphrase|secret|psk|token)$/i.test(key) || (key === 'url' && known.includes('urlEnv'));
  if (isSecret) return secretKey(key, place, at, known);
  if (key === 'mesh' && known.includes('between')) {
    return problemError('UNKNOWN_KEY', at, `${place} has both "between" and "mesh"`, 'write two lines');
  }
  const match = nearest(key, known);
  const under = BELONGS_UNDER[key];
  const otherwise =
    under !== undefined && known.includes(under) ? `write it under "${under}:"` : `use one of ${alternatives(known)}`;
  const todo = match === undefined ? otherwise : `did you mean "${match}"?`;
  return problemError('UNKNOWN_KEY', at, `${place} has no key "${key}"`, todo);
}

function secretKey(key: string, place: string, at: SourcePosition, known: readonly string[]): Problem {
  const what = `${place} holds a ${key}: an inventory is read by many and kept in history`;
  const variables = known.filter((name) => name.endsWith('Env'));
  const ofLogin = variables.length === 0 || known.includes('auth') ? ['passphraseEnv', 'passwordEnv'] : [];
  const named = alternatives([...ofLogin, ...variables]);
  const todo = `remove it and change it where it was valid; name an environment variable with ${named}`;
  return problemError('SECRET_IN_INVENTORY', at, what, todo);
}
