/** Words for a value that is not what its place asks for: what was expected, what stands there, what to write. */

import type { z } from 'zod';
import type { Problem, SourcePosition } from '../errors.js';
import { problemError } from './problem-list.js';
import { keyPositionOf, nodeAt, positionOf, type SourceNode, type SourcePath } from './source-tree.js';
import { alternatives, suggestion } from './suggest.js';

export type Issue = z.core.$ZodIssue;

/** What is being checked: the shape it should have, its tree, its path in words, and where its name stands. */
export interface Checked {
  readonly shape: z.ZodType;
  readonly node: SourceNode;
  readonly what: string;
  readonly at: SourcePosition;
}

/** Values that later versions will accept, by key, with what to do until then. */
const LATER: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  keying: { 'ike-cert': 'use ike-psk or manual' },
  platform: {
    'linux-strongswan': 'only Solaris and illumos hosts can be managed so far; a Linux end can be external',
  },
};

/** More words than that are said once, not twice. */
const MOST_WORDS = 8;

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

/** How to write what is missing. */
const EXAMPLE: Readonly<Record<string, string>> = {
  address: 'add "address:" with its IPv4 or IPv6 address',
  between: 'add "between: [HOST, HOST]" or "mesh: GROUP"',
  encr: 'add "encr: aes(256)", or null for integrity alone',
};

export function wrongValue(issue: Issue, path: SourcePath, checked: Checked): Problem {
  const node = nodeAt(checked.node, path);
  if (node === undefined) return missingKey(path, checked);
  const at = positionOf(checked.node, path);
  const place = pathText(checked.what, path);
  const key = String(path.findLast((part) => typeof part === 'string') ?? checked.what);
  const later = node.kind === 'scalar' ? LATER[key]?.[node.source] : undefined;
  if (later !== undefined && node.kind === 'scalar') {
    return problemError('LATER_VERSION', at, `${place}: ${node.source} comes with a later version`, later);
  }
  // what somebody wrote as a way to authenticate may be the password itself
  const isHidden = key === 'auth' || key.endsWith('Env');
  const shown = node.kind === 'scalar' && !isHidden ? node.source : undefined;
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue.expected, place, at, node, shown);
    case 'invalid_value': {
      const words = alternatives(issue.values.map(String));
      const given = shown === undefined ? described(node) : `"${shown}"`;
      const otherwise = issue.values.length > MOST_WORDS ? 'write one of them' : `write ${words}`;
      const todo = suggestion(shown ?? '', issue.values.map(String), otherwise);
      return problemError('WRONG_VALUE', at, `${place} must be ${words}, not ${given}`, todo);
    }
    case 'too_small':
    case 'too_big':
      return outOfRange(issue, place, at, node);
    default: {
      const { words, kinds } = unionText(issue);
      const expected = alternatives([...words.map((word) => `"${word}"`), ...kinds]);
      const todo = suggestion(shown ?? '', words, `write ${expected}`);
      return problemError('WRONG_TYPE', at, `${place} must be ${expected}, not ${described(node)}`, todo);
    }
  }
}

function missingKey(path: SourcePath, checked: Checked): Problem {
  const parent = path.slice(0, -1);
  const at = parent.length > 0 ? keyPositionOf(checked.node, parent) : checked.at;
  const key = String(path.at(-1));
  const needed = key === 'between' ? '"between" or "mesh"' : `"${key}"`;
  return problemError(
    'MISSING_KEY',
    at,
    `${pathText(checked.what, parent)} needs ${needed}`,
    EXAMPLE[key] ?? `add "${key}:"`,
  );
}

function wrongType(
  type: string,
  place: string,
  at: SourcePosition,
  node: SourceNode,
  shown: string | undefined,
): Problem {
  const expected = EXPECTED[type] ?? type;
  const isWritten = shown !== undefined && shown !== '';
  const todo =
    isWritten && type === 'string'
      ? `write "${shown}" in quotes`
      : isWritten && type === 'array'
        ? `write [${shown}]`
        : `write ${expected}`;
  const isNumber = node.kind === 'scalar' && typeof node.value === 'number';
  const given = isNumber && shown === undefined ? 'a number' : described(node);
  return problemError('WRONG_TYPE', at, `${place} must be ${expected}, not ${given}`, todo);
}

type SizeIssue = Extract<Issue, { code: 'too_small' | 'too_big' }>;

function outOfRange(issue: SizeIssue, place: string, at: SourcePosition, node: SourceNode): Problem {
  const bound = issue.code === 'too_small' ? issue.minimum : issue.maximum;
  const limit = issue.code === 'too_small' ? `at least ${bound}` : `at most ${bound}`;
  if (issue.origin === 'array') {
    const count = `${issue.exact === true ? `exactly ${bound}` : limit} ${Number(bound) === 1 ? 'entry' : 'entries'}`;
    return problemError('WRONG_COUNT', at, `${place} must have ${count}`, 'add or remove entries');
  }
  if (issue.origin === 'string') {
    return problemError('EMPTY_TEXT', at, `${place} is empty`, 'write a value or remove the key');
  }
  return problemError(
    'OUT_OF_RANGE',
    at,
    `${place} must be ${limit}, not ${described(node)}`,
    `write a number that is ${limit}`,
  );
}

/** The words and the kinds of value that the branches of a union accept. */
function unionText(issue: Issue): { words: readonly string[]; kinds: readonly string[] } {
  const roots =
    issue.code === 'invalid_union' ? issue.errors.flatMap((branch) => branch.find(isWrongAtRoot) ?? []) : [];
  return {
    words: roots.flatMap((root) => (root.code === 'invalid_value' ? root.values.map(String) : [])),
    kinds: [
      ...new Set(
        roots.flatMap((root) => (root.code === 'invalid_type' ? (EXPECTED[root.expected] ?? root.expected) : [])),
      ),
    ],
  };
}

/** Whether the value as a whole is of another kind, or not the word that was asked for. */
export function isWrongAtRoot(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value');
}

function described(node: SourceNode): string {
  if (node.kind === 'map') return 'a mapping';
  if (node.kind === 'list') return 'a list';
  if (node.value === null) return 'empty';
  return typeof node.value === 'string' ? 'text' : node.source;
}

/** `hosts.web1` and `['ssh', 'auth', 0]` as `hosts.web1.ssh.auth[0]`. */
export function pathText(what: string, path: SourcePath): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : `${text}.${String(key)}`),
    what,
  );
}
