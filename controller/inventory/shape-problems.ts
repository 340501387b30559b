/** A mismatch between text and shape, as a problem: where, what was expected, what stands there, what to do. */

import type { z } from 'zod';
import type { Problem, SourcePosition } from '../errors.js';
import { problemError } from './problem-list.js';
import { keyPositionOf, nodeAt, positionOf, type SourceNode, type SourcePath } from './source-tree.js';
import { alternatives, nearest } from './suggest.js';
import { knownKeys } from './known-keys.js';

type Issue = z.core.$ZodIssue;

/** What is being checked: the shape it should have, its tree, its path in words, and where its name stands. */
export interface Checked {
  readonly shape: z.ZodType;
  readonly node: SourceNode;
  readonly what: string;
  readonly at: SourcePosition;
}

/** Values that other versions accept or will accept, by key. */
const LATER: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  privilege: { su: 'use pfexec or sudo, or log in as root with privilege: none' },
  keying: { 'ike-cert': 'use ike-psk or manual' },
  platform: {
    'solaris-legacy': 'only hosts with the SMF services can be managed so far',
    'linux-strongswan': 'only Solaris and illumos hosts can be managed so far; a Linux end can be external',
  },
};

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

/** Where keys of one mapping often end up by mistake. */
const BELONGS_UNDER: Readonly<Record<string, string>> = {
  user: 'ssh',
  port: 'ssh',
  privilege: 'ssh',
  auth: 'ssh',
  knownHosts: 'ssh',
  encr: 'suite',
  encrAuth: 'suite',
  keyStore: 'settings',
  forks: 'settings',
  confirmWindowSeconds: 'settings',
  templates: 'settings',
};

export function shapeProblem(issue: Issue, checked: Checked, prefix: SourcePath = []): Problem[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, checked));
  if (issue.code === 'invalid_union') {
    const fitting = issue.errors.filter((branch) => !branch.some(isWrongAtRoot));
    const nested = fitting[0];
    if (fitting.length === 1 && nested !== undefined)
      return nested.flatMap((inner) => shapeProblem(inner, checked, path));
  }
  return [wrongValue(issue, path, checked)];
}

/** A branch of a union that was not meant at all: the value is of another type, or not the word. */
function isWrongAtRoot(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');
}

function unknownKey(key: string, path: SourcePath, checked: Checked): Problem {
  const at = keyPositionOf(checked.node, [...path, key]);
  const place = pathText(checked.what, path);
  if (/^(password|passphrase|secret|psk)$/i.test(key)) return secretProblem(key, place, at);
  const known = knownKeys(checked.shape, path);
  const match = nearest(key, known);
  const under = BELONGS_UNDER[key];
  const todo =
    match !== undefined
      ? `did you mean "${match}"?`
      : under !== undefined && known.includes(under)
        ? `write it under "${under}:"`
        : `use one of ${alternatives(known)}`;
  return problemError('UNKNOWN_KEY', at, `${place} has no key "${key}"`, todo);
}

function secretProblem(key: string, place: string, at: SourcePosition): Problem {
  const what = `${place} holds a ${key}: an inventory is read by many and kept in history`;
  const todo =
    'remove it and change it where it was valid; name an environment variable with passwordEnv or passphraseEnv';
  return problemError('SECRET_IN_INVENTORY', at, what, todo);
}

function wrongValue(issue: Issue, path: SourcePath, checked: Checked): Problem {
  const node = nodeAt(checked.node, path);
  const place = pathText(checked.what, path);
  if (node === undefined) {
    const parent = path.length > 1 ? keyPositionOf(checked.node, path.slice(0, -1)) : checked.at;
    const key = String(path.at(-1));
    return problemError(
      'MISSING_KEY',
      parent,
      `${pathText(checked.what, path.slice(0, -1))} needs "${key}"`,
      `add "${key}:"`,
    );
  }
  const at = positionOf(checked.node, path);
  const key = String(path.findLast((part) => typeof part === 'string') ?? checked.what);
  if (node.kind === 'scalar') {
    const later = LATER[key]?.[String(node.value)];
    if (later !== undefined) {
      return problemError('LATER_VERSION', at, `${place}: ${String(node.value)} comes with a later version`, later);
    }
  }
  const quotable = node.kind === 'scalar' && node.value !== null && typeof node.value !== 'string';
  switch (issue.code) {
    case 'invalid_type': {
      const expected = EXPECTED[issue.expected] ?? issue.expected;
      const todo = issue.expected === 'string' && quotable ? `write "${node.source}" in quotes` : `write ${expected}`;
      return problemError('WRONG_TYPE', at, `${place} must be ${expected}, not ${described(node)}`, todo);
    }
    case 'invalid_value': {
      const words = issue.values.map(String);
      const given = node.kind === 'scalar' && key !== 'auth' ? `"${node.source}"` : described(node);
      const match = node.kind === 'scalar' ? nearest(node.source, words) : undefined;
      const todo = match === undefined ? `write ${alternatives(words)}` : `did you mean "${match}"?`;
      return problemError('WRONG_VALUE', at, `${place} must be ${alternatives(words)}, not ${given}`, todo);
    }
    case 'too_small':
    case 'too_big':
      return outOfRange(issue, place, at, node);
    default:
      return problemError(
        'WRONG_TYPE',
        at,
        `${place} must be ${unionText(issue)}, not ${described(node)}`,
        'see reference.yaml',
      );
  }
}

type SizeIssue = Extract<Issue, { code: 'too_small' | 'too_big' }>;

function outOfRange(issue: SizeIssue, place: string, at: SourcePosition, node: SourceNode): Problem {
  const limit = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
  if (issue.origin === 'array') {
    const exact = issue.exact === true ? `exactly ${limit.split(' ').at(-1)}` : limit;
    const what = `${place} must have ${exact} ${exact.endsWith(' 1') ? 'entry' : 'entries'}`;
    return problemError('WRONG_COUNT', at, what, 'add or remove entries');
  }
  if (issue.origin === 'string')
    return problemError('EMPTY_TEXT', at, `${place} is empty`, 'write a value or remove the key');
  const given = node.kind === 'scalar' ? node.source : described(node);
  return problemError('OUT_OF_RANGE', at, `${place} must be ${limit}, not ${given}`, `write a number that is ${limit}`);
}

function unionText(issue: Issue): string {
  if (issue.code !== 'invalid_union') return 'something else';
  const kinds = issue.errors.flatMap((branch) => {
    const root = branch.find(isWrongAtRoot);
    if (root?.code === 'invalid_type') return [EXPECTED[root.expected] ?? root.expected];
    return root?.code === 'invalid_value' ? root.values.map((word) => `"${String(word)}"`) : [];
  });
  return alternatives([...new Set(kinds)]);
}

function described(node: SourceNode): string {
  if (node.kind === 'map') return 'a mapping';
  if (node.kind === 'list') return 'a list';
  if (node.value === null) return 'empty';
  return typeof node.value === 'string' ? 'text' : node.source;
}

/** `hosts.web1` and `['ssh', 'auth', 0]` as `hosts.web1.ssh.auth[0]`. */
function pathText(what: string, path: SourcePath): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${String(key)}`),
    what,
  );
}
