/** The `yaml` library's document to a source tree: aliases followed, merge keys merged, duplicate keys reported. */

import { type Document, isAlias, isMap, isScalar, isSeq, type Pair } from 'yaml';
import type { SourcePosition } from '../errors.js';
import { problemError, type Report } from './problem-list.js';
import type { SourceEntry, SourceNode, SourceScalar } from './source-tree.js';
import { suggestion } from './suggest.js';

/** Values in one file once aliases are followed: a few nested aliases can stand for billions. */
const MAX_VALUES = 1_000_000;

const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** `undefined` stands for a value that was reported and is left out. */
type Built = SourceNode | undefined;

export function buildTree(
  document: Document.Parsed,
  place: (offset: number) => SourcePosition,
  report: Report,
): SourceNode | undefined {
  const anchors = new Map<string, Built | 'open'>();
  const weights = new Map<SourceNode, number>();
  let isExhausted = false;

  const follow = (name: string, at: SourcePosition): Built => {
    const target = anchors.get(name);
    if (!anchors.has(name)) {
      const todo = suggestion(name, anchors.keys(), `define &${name} above this line`);
      report(problemError('UNKNOWN_ANCHOR', at, `*${name} refers to no anchor`, todo));
    }
    if (target !== 'open') return target;
    report(problemError('ANCHOR_CYCLE', at, `*${name} stands inside the value it refers to`, 'remove the alias'));
    return undefined;
  };

  /** @param outer where the key stands, for a value of which nothing is written */
  const build = (node: unknown, outer: SourcePosition): Built => {
    if (isExhausted) return undefined;
    if (isAlias(node)) return follow(node.source, place(node.range?.[0] ?? 0));
    const anchor = isMap(node) || isSeq(node) || isScalar(node) ? node.anchor : undefined;
    if (anchor !== undefined) anchors.set(anchor, 'open');
    const built = buildWritten(node, outer);
    if (anchor !== undefined) anchors.set(anchor, built);
    return built;
  };

  const buildWritten = (node: unknown, outer: SourcePosition): Built => {
    if (isMap(node)) {
      const at = place(node.range?.[0] ?? 0);
      const entries = buildEntries(node.items, at);
      return weighed(
        { kind: 'map', at, entries },
        [...entries.values()].map((entry) => entry.value),
      );
    }
    if (isSeq(node)) {
      const at = place(node.range?.[0] ?? 0);
      const items = node.items.flatMap((item) => build(item, at) ?? []);
      return weighed({ kind: 'list', at, items }, items);
    }
    if (!isScalar(node)) return emptyScalar(outer);
    const [start, end] = node.range ?? [0, 0];
    const at = start === end ? outer : place(start);
    const source = node.source ?? '';
    return {
      kind: 'scalar',
      at,
      value: scalarValue(node.value, source, at, report),
      source,
      quoted: node.type !== 'PLAIN',
    };
  };

  const weighed = (node: SourceNode, children: readonly SourceNode[]): Built => {
    const weight = children.reduce((total, child) => total + (weights.get(child) ?? 1), 1);
    weights.set(node, weight);
    if (weight <= MAX_VALUES) return node;
    if (!isExhausted) {
      const what = `the aliases in here stand for more than ${MAX_VALUES} values`;
      report(problemError('ALIAS_BOMB', node.at, what, 'write values once in a group instead of nesting aliases'));
    }
    isExhausted = true;
    return undefined;
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
      if (value === undefined) continue;
      const first = entries.get(key);
      if (key === '<<' && pair.key.type === 'PLAIN') {
        merged.push(...(value.kind === 'list' ? value.items : [value]));
      } else if (FORBIDDEN_KEYS.has(key)) {
        report(problemError('FORBIDDEN_KEY', keyAt, `"${key}" cannot be a key`, 'choose another name'));
      } else if (first !== undefined) {
        const what = `"${key}" is here twice, first in line ${first.keyAt.line}`;
        report(problemError('DUPLICATE_KEY', keyAt, what, 'keep one of the two'));
      } else {
        entries.set(key, { key, keyAt, value });
      }
    }
    for (const source of merged) mergeInto(entries, source, at, report);
    return entries;
  };

  return build(document.contents, place(0));
}

function emptyScalar(at: SourcePosition): SourceScalar {
  return { kind: 'scalar', at, value: null, source: '', quoted: false };
}

/** `<<: *base`: keys of `source` that are not written here (YAML 1.1 merge key type). */
function mergeInto(entries: Map<string, SourceEntry>, source: SourceNode, at: SourcePosition, report: Report): void {
  if (source.kind !== 'map') {
    const todo = 'give it an alias of a mapping, or use a group for shared settings';
    report(problemError('MERGE_KEY', at, '"<<" merges mappings only', todo));
    return;
  }
  for (const entry of source.entries.values()) {
    if (!entries.has(entry.key)) entries.set(entry.key, entry);
  }
}

function scalarValue(value: unknown, source: string, at: SourcePosition, report: Report): SourceScalar['value'] {
  if (typeof value === 'number' && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) {
    const todo = `write "${source}" in quotes`;
    report(problemError('NUMBER_RANGE', at, `${source} cannot be kept exactly as a number`, todo));
    return source;
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}
