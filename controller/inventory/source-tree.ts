/** The inventory's text as a tree in which every key and value knows its line and column. Knows nothing of YAML or of hosts. */

import type { SourcePosition } from '../errors.js';
import type { Value } from '../model/host.js';

export type SourceNode = SourceMap | SourceList | SourceScalar;

export interface SourceMap {
  readonly kind: 'map';
  readonly at: SourcePosition;
  readonly entries: ReadonlyMap<string, SourceEntry>;
}

export interface SourceEntry {
  readonly key: string;
  readonly keyAt: SourcePosition;
  readonly value: SourceNode;
}

export interface SourceList {
  readonly kind: 'list';
  readonly at: SourcePosition;
  readonly items: readonly SourceNode[];
}

export interface SourceScalar {
  readonly kind: 'scalar';
  readonly at: SourcePosition;
  readonly value: null | boolean | number | string;
  /** As written, without quotes; tells `null` from nothing at all. */
  readonly source: string;
  readonly quoted: boolean;
}

export type SourcePath = readonly PropertyKey[];

function step(node: SourceNode | undefined, key: PropertyKey): SourceNode | undefined {
  if (node?.kind === 'map') return node.entries.get(String(key))?.value;
  return node?.kind === 'list' ? node.items[Number(key)] : undefined;
}

export function nodeAt(node: SourceNode, path: SourcePath): SourceNode | undefined {
  return path.reduce<SourceNode | undefined>(step, node);
}

/** Where the value at `path` stands, or the nearest thing above it that exists. */
export function positionOf(node: SourceNode, path: SourcePath): SourcePosition {
  let here: SourceNode = node;
  for (const key of path) {
    const next = step(here, key);
    if (next === undefined) break;
    here = next;
  }
  return here.at;
}

/** Where the key that ends `path` stands; a list item's own place when the path ends in a number. */
export function keyPositionOf(node: SourceNode, path: SourcePath): SourcePosition {
  const parent = nodeAt(node, path.slice(0, -1));
  const entry = parent?.kind === 'map' ? parent.entries.get(String(path.at(-1))) : undefined;
  return entry?.keyAt ?? positionOf(node, path);
}

export function plainValue(node: SourceNode): Value {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map(plainValue);
    case 'map':
      // fromEntries defines own properties, so that no key can reach a prototype
      return Object.fromEntries([...node.entries.values()].map((entry) => [entry.key, plainValue(entry.value)]));
  }
}

/** The tree without the entries at `paths`; what remains can still be checked. */
export function withoutPaths(node: SourceNode, paths: readonly SourcePath[]): SourceNode {
  if (node.kind !== 'map') return node;
  const entries = [...node.entries].flatMap(([key, entry]): [string, SourceEntry][] => {
    const below = paths.filter((path) => path[0] === key).map((path) => path.slice(1));
    if (below.some((path) => path.length === 0)) return [];
    return [[key, below.length === 0 ? entry : { ...entry, value: withoutPaths(entry.value, below) }]];
  });
  return { ...node, entries: new Map(entries) };
}
