/** YAML text to a source tree, with every syntax problem in its place. Owns the `yaml` library. */

import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Pair } from 'yaml';
import type { SourcePosition } from '../errors.js';
import { problemError, type Report } from './problem-list.js';
import type { SourceEntry, SourceNode } from './source-tree.js';
import { suggestion } from './suggest.js';
import { syntaxProblem } from './yaml-problems.js';

const MAX_CHARACTERS = 10_000_000;
/** The YAML library recurses; far deeper text than any inventory ends the process instead of failing. */
const MAX_DEPTH = 100;
/** Values in one file once aliases are followed: a few nested aliases can stand for billions. */
const MAX_VALUES = 1_000_000;

const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** The tree of a file's text; `undefined` when it is empty or has syntax errors, which are reported. */
export function readYaml(file: string, raw: string, report: Report): SourceNode | undefined {
  const top: SourcePosition = { file, line: 1, column: 1 };
  const text = raw.startsWith('\uFEFF') ? raw.slice(1) : raw;
  if (text.length > MAX_CHARACTERS) {
    const what = `the file has ${text.length} characters; the limit is ${MAX_CHARACTERS}`;
    report(problemError('FILE_TOO_LARGE', top, what, 'split it with "include:", or write ranges such as web[01:20]'));
    return undefined;
  }
  if (nestsDeeperThan(text, MAX_DEPTH)) {
    const what = `values are nested more than ${MAX_DEPTH} deep`;
    report(problemError('NESTED_TOO_DEEP', top, what, 'look for brackets that are never closed'));
    return undefined;
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    logLevel: 'error',
    prettyErrors: false,
    resolveKnownTags: false,
    stringKeys: true,
    uniqueKeys: false,
  });
  const place = (offset: number): SourcePosition => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const faults = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  let reported = 0;
  for (const fault of faults) {
    const at = place(fault.pos[0]);
    // later faults of a line are nearly always consequences of its first
    if (at.line > reported) report(syntaxProblem(fault, at, text));
    reported = Math.max(reported, at.line);
  }
  if (document.directives?.yaml.version === '1.1') {
    report(problemError('YAML_VERSION', top, 'the file asks for YAML 1.1', 'remove the %YAML line; YAML 1.2 is read'));
    return undefined;
  }
  if (faults.length > 0 || document.contents === null) return undefined;
  return buildTree(document, place, report);
}

/** Counts brackets and leading indentation without regard to quotes: right enough for a limit no inventory comes near. */
function nestsDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth = bracket === '[' || bracket === '{' ? depth + 1 : Math.max(0, depth - 1);
    if (depth > limit) return true;
  }
  return text.split('\n').some((line) => (/^[ \t?:-]*/.exec(line)?.[0].length ?? 0) > 2 * limit);
}

function buildTree(document: Document.Parsed, place: (offset: number) => SourcePosition, report: Report): SourceNode {
  const anchors = new Map<string, SourceNode | 'open'>();
  const weights = new Map<SourceNode, number>();
  let exhausted = false;

  const weigh = (node: SourceNode, weight: number): SourceNode => {
    weights.set(node, weight);
    return node;
  };
  const empty = (at: SourcePosition): SourceNode =>
    weigh({ kind: 'scalar', at, value: null, source: '', quoted: false }, 1);
  const sum = (nodes: readonly SourceNode[]): number =>
    nodes.reduce((total, node) => total + (weights.get(node) ?? 1), 1);

  const follow = (name: string, at: SourcePosition): SourceNode => {
    const target = anchors.get(name);
    if (target === undefined) {
      const todo = suggestion(name, anchors.keys(), `define &${name} above this line`);
      report(problemError('UNKNOWN_ANCHOR', at, `*${name} refers to no anchor`, todo));
      return empty(at);
    }
    if (target === 'open') {
      report(problemError('ANCHOR_CYCLE', at, `*${name} stands inside the value it refers to`, 'remove the alias'));
      return empty(at);
    }
    return target;
  };

  const build = (node: unknown, fallback: SourcePosition): SourceNode => {
    if (exhausted) return empty(fallback);
    if (isAlias(node)) return follow(node.source, place(node.range?.[0] ?? 0));
    const anchor = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined;
    if (anchor !== undefined) anchors.set(anchor, 'open');
    const built = buildPlain(node, fallback);
    if (anchor !== undefined) anchors.set(anchor, built);
    if ((weights.get(built) ?? 1) > MAX_VALUES && !exhausted) {
      exhausted = true;
      const what = `the aliases in here stand for more than ${MAX_VALUES} values`;
      report(problemError('ALIAS_BOMB', built.at, what, 'write values once in a group instead of nesting aliases'));
    }
    return built;
  };

  const buildPlain = (node: unknown, fallback: SourcePosition): SourceNode => {
    if (isMap(node)) {
      const at = place(node.range?.[0] ?? 0);
      const entries = buildEntries(node.items, at);
      return weigh({ kind: 'map', at, entries }, sum([...entries.values()].map((entry) => entry.value)));
    }
    if (isSeq(node)) {
      const at = place(node.range?.[0] ?? 0);
      const items = node.items.map((item) => build(item, at));
      return weigh({ kind: 'list', at, items }, sum(items));
    }
    if (!isScalar(node)) return empty(fallback);
    const source = node.source ?? '';
    const [start, end] = node.range ?? [0, 0];
    const at = start === end ? fallback : place(start);
    const value = scalarValue(node.value, source, at, report);
    return weigh({ kind: 'scalar', at, value, source, quoted: node.type !== 'PLAIN' }, 1);
  };

  const buildEntries = (pairs: readonly Pair[], at: SourcePosition): ReadonlyMap<string, SourceEntry> => {
    const entries = new Map<string, SourceEntry>();
    const merged: SourceNode[] = [];
    for (const pair of pairs) {
      if (!isScalar(pair.key) && !isAlias(pair.key)) continue;
      const keyAt = place(pair.key.range?.[0] ?? 0);
      if (isAlias(pair.key)) {
        report(problemError('ALIAS_AS_KEY', keyAt, 'an alias cannot be a key', 'write the key out'));
        continue;
      }
      const key = String(pair.key.value);
      const value = build(pair.value, keyAt);
      const first = entries.get(key);
      if (key === '<<' && pair.key.type === 'PLAIN') {
        merged.push(value);
      } else if (FORBIDDEN_KEYS.has(key)) {
        report(problemError('FORBIDDEN_KEY', keyAt, `"${key}" cannot be a key`, 'choose another name'));
      } else if (first !== undefined) {
        const what = `"${key}" is here twice, first in line ${first.keyAt.line}`;
        report(problemError('DUPLICATE_KEY', keyAt, what, 'keep one of the two'));
      } else {
        entries.set(key, { key, keyAt, value });
      }
    }
    for (const source of merged.flatMap((node) => (node.kind === 'list' ? node.items : [node]))) {
      mergeInto(entries, source, at, report);
    }
    return entries;
  };

  return build(document.contents, place(0));
}

/** `<<: *base`: keys of `source` that are not written here (YAML 1.1 merge key type). */
function mergeInto(entries: Map<string, SourceEntry>, source: SourceNode, at: SourcePosition, report: Report): void {
  if (source.kind !== 'map') {
    const what = '"<<" merges mappings only';
    report(problemError('MERGE_KEY', at, what, 'give it an alias of a mapping, or use a group for shared settings'));
    return;
  }
  for (const entry of source.entries.values()) {
    if (!entries.has(entry.key)) entries.set(entry.key, entry);
  }
}

function scalarValue(
  value: unknown,
  source: string,
  at: SourcePosition,
  report: Report,
): null | boolean | number | string {
  if (typeof value === 'number' && !(Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER)) {
    report(
      problemError('NUMBER_RANGE', at, `${source} cannot be kept exactly as a number`, `write "${source}" in quotes`),
    );
    return 0;
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}
