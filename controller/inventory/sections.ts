/** Gathers the sections of all files into one: hosts, groups, links and tests add up, everything else may be said once. */

import { z } from 'zod';
import { positionText, type SourcePosition } from '../errors.js';
import { checkShape, type Entry } from './check-shape.js';
import { type DriftShape, driftSectionShape } from './drift-schema.js';
import { checkName } from './name.js';
import { problemError, type Report, type Sourced } from './problem-list.js';
import type { FilesRead, InventoryFile } from './read-files.js';
import {
  type BetweenShape,
  betweenShape,
  type DefaultsShape,
  defaultsShape,
  type GroupShape,
  groupShape,
  type HostShape,
  hostShape,
  inventoryShape,
  type MeshShape,
  meshShape,
  type SettingsShape,
  settingsShape,
  type TestShape,
  testShape,
} from './schema.js';
import { plainValue, type SourceEntry, type SourceMap, type SourceNode } from './source-tree.js';
import { alternatives, nearest, suggestion } from './suggest.js';

export interface Sections {
  readonly fleet: string;
  readonly management: readonly Sourced<string>[];
  readonly defaults: Entry<DefaultsShape> | undefined;
  readonly settings: Entry<SettingsShape> | undefined;
  readonly drift: Entry<DriftShape> | undefined;
  readonly groups: readonly Entry<GroupShape>[];
  readonly hosts: readonly Entry<HostShape>[];
  readonly links: readonly Entry<BetweenShape | MeshShape>[];
  readonly tests: readonly Entry<TestShape>[];
  /** Names of groups and hosts whose own entry is wrong: whoever refers to them is not to blame. */
  readonly broken: ReadonlySet<string>;
  /** Whether every section could be read: only then do missing names mean anything. */
  readonly isWhole: boolean;
}

const KEYS = Object.keys(inventoryShape.shape);

/** @param read what was read; nothing is called missing while a file could not be */
export function gatherSections({ files, isComplete }: FilesRead, top: SourcePosition, report: Report): Sections {
  const misspelt = reportUnknownKeys(files, report);
  const required: Required = { top, isMissing: (key) => isComplete && !misspelt.has(key) && !isIn(files, key), report };
  const broken = new Set<string>();
  let isWhole = isComplete && misspelt.size === 0;
  const reportSection: Report = (problem) => {
    isWhole = false;
    report(problem);
  };
  const once = <T>(key: string, shape: z.ZodType<T>): Entry<T> | undefined => {
    const entry = onlyOne(files, key, report);
    return entry === undefined ? undefined : checkEntry(shape, entry, key, report);
  };
  const named = <T>(key: string, shape: z.ZodType<T>): Entry<T>[] =>
    sectionEntries(files, key, 'map', reportSection).flatMap((entry) => {
      const checked = checkEntry(shape, entry, `${key}.${entry.key}`, report);
      if (checked === undefined) broken.add(entry.key);
      return checked ?? [];
    });
  const listed = <T>(key: string, shapeOf: (node: SourceNode) => z.ZodType<T>): Entry<T>[] =>
    sectionEntries(files, key, 'list', reportSection).flatMap(
      (entry) => checkEntry(shapeOf(entry.value), entry, entry.key, report) ?? [],
    );

  checkVersion(files, required);
  const fleet = once('fleet', inventoryShape.shape.fleet.unwrap());
  if (fleet !== undefined) checkName('a fleet', fleet.value, fleet.node.at, report);
  if (required.isMissing('fleet')) {
    const todo = 'add "fleet: NAME"; it goes into every managed file and key name';
    report(problemError('MISSING_KEY', top, 'the inventory needs "fleet"', todo));
  }
  const linkShape = (node: SourceNode): z.ZodType<BetweenShape | MeshShape> =>
    node.kind === 'map' && node.entries.has('mesh') && !node.entries.has('between') ? meshShape : betweenShape;
  const parts = {
    fleet: fleet?.value ?? '',
    management: management(files, required),
    defaults: once('defaults', defaultsShape),
    settings: once('settings', settingsShape),
    drift: once('drift', driftSectionShape),
    groups: named('groups', groupShape),
    hosts: named('hosts', hostShape),
    links: listed('links', linkShape),
    tests: listed('tests', () => testShape),
  };
  return { ...parts, broken, isWhole };
}

function checkEntry<T>(shape: z.ZodType<T>, entry: SourceEntry, what: string, report: Report): Entry<T> | undefined {
  // "web:" with nothing after it is a group that says nothing
  const isBare = entry.value.kind === 'scalar' && entry.value.value === null && entry.value.source === '';
  const node: SourceNode = isBare ? { kind: 'map', at: entry.keyAt, entries: new Map() } : entry.value;
  const value = checkShape(shape, node, what, entry.keyAt, report);
  return value === undefined ? undefined : { name: entry.key, at: entry.keyAt, value, node };
}

/** How to speak of keys that every inventory must have. */
interface Required {
  readonly top: SourcePosition;
  readonly isMissing: (key: string) => boolean;
  readonly report: Report;
}

function isIn(files: readonly InventoryFile[], key: string): boolean {
  return files.some(({ root }) => root.entries.has(key));
}

/** Returns the keys that the unknown ones were probably meant to be. */
function reportUnknownKeys(files: readonly InventoryFile[], report: Report): ReadonlySet<string> {
  const unknown = files.flatMap(({ root }) => [...root.entries.values()]).filter((entry) => !KEYS.includes(entry.key));
  for (const entry of unknown) {
    const todo = suggestion(entry.key, KEYS, `use one of ${alternatives(KEYS)}`);
    report(problemError('UNKNOWN_KEY', entry.keyAt, `an inventory has no key "${entry.key}"`, todo));
  }
  return new Set(unknown.flatMap((entry) => nearest(entry.key, KEYS) ?? []));
}

function checkVersion(files: readonly InventoryFile[], { top, isMissing, report }: Required): void {
  const given = files.flatMap(({ root }) => root.entries.get('version') ?? []);
  for (const entry of given) {
    if (plainValue(entry.value) === 1) continue;
    const what = `version must be 1, not ${entry.value.kind === 'scalar' ? entry.value.source || 'empty' : `a ${entry.value.kind}`}`;
    report(problemError('VERSION', entry.value.at, what, 'write "version: 1"'));
  }
  if (isMissing('version')) {
    report(problemError('MISSING_KEY', top, 'the inventory needs "version"', 'add "version: 1" as its first line'));
  }
}

function management(files: readonly InventoryFile[], { top, isMissing, report }: Required): readonly Sourced<string>[] {
  const entry = onlyOne(files, 'management', report);
  const node = entry?.value;
  const items = node === undefined ? [] : node.kind === 'list' ? node.items : [node];
  const isEmpty = items.every((item) => item.kind === 'scalar' && item.value === null);
  if (entry === undefined ? isMissing('management') : isEmpty) {
    const why = 'SSH from it is kept out of IPsec, or a wrong policy could lock everybody out';
    const todo = 'add "management: [ADDRESS]" with the address this tool connects from';
    report(
      problemError('NO_MANAGEMENT', entry?.keyAt ?? top, `the inventory needs a management address: ${why}`, todo),
    );
    return [];
  }
  return items.flatMap((item, i) => {
    const value = checkShape(
      z.string().min(1),
      item,
      items.length > 1 ? `management[${i}]` : 'management',
      item.at,
      report,
    );
    return value === undefined ? [] : [{ value, at: item.at }];
  });
}

/** The entry of a key that one file alone may hold. */
function onlyOne(files: readonly InventoryFile[], key: string, report: Report): SourceEntry | undefined {
  const [first, ...others] = files.flatMap(({ root }) => root.entries.get(key) ?? []);
  for (const other of others) {
    const what = `"${key}" is in two files, first at ${positionText(first?.keyAt ?? other.keyAt)}`;
    report(problemError('SAID_TWICE', other.keyAt, what, 'keep one of the two'));
  }
  return first;
}

/** The entries of a section in all files; a list's are named `links[0]` and so on. */
function sectionEntries(
  files: readonly InventoryFile[],
  key: string,
  kind: 'map' | 'list',
  report: Report,
): readonly SourceEntry[] {
  const firstAt = new Map<string, SourcePosition>();
  return files.flatMap(({ root }) => {
    const section = root.entries.get(key);
    if (section === undefined) return [];
    const node = section.value;
    if (node.kind === 'scalar' && node.value === null) return [];
    if (node.kind === 'list' && kind === 'list') {
      return node.items.map((value, i) => ({ key: `${key}[${i}]`, keyAt: value.at, value }));
    }
    if (node.kind === 'map' && kind === 'map') return newEntries(node, key, firstAt, report);
    const what = `${key} must be a ${kind === 'map' ? 'mapping' : 'list'}, not ${node.kind === 'scalar' ? 'a single value' : `a ${node.kind === 'map' ? 'mapping' : 'list'}`}`;
    const todo = kind === 'map' ? 'write "name: { … }" below it' : 'start every line below it with "- "';
    report(problemError('WRONG_TYPE', node.at, what, todo));
    return [];
  });
}

/** Entries whose name no earlier file has used. */
function newEntries(
  node: SourceMap,
  section: string,
  firstAt: Map<string, SourcePosition>,
  report: Report,
): readonly SourceEntry[] {
  return [...node.entries.values()].filter((entry) => {
    const first = firstAt.get(entry.key);
    if (first !== undefined) {
      const what = `${section}.${entry.key} is in two files, first at ${positionText(first)}`;
      report(problemError('NAME_TWICE', entry.keyAt, what, 'rename or remove one of the two'));
      return false;
    }
    firstAt.set(entry.key, entry.keyAt);
    return true;
  });
}
