/** The inventory file and all it includes, read once each, in the order they are met. */

import { OperatorError, type Problem, type SourcePosition } from '../errors.js';
import { resolveBeside } from './paths.js';
import { checkShape } from './check-shape.js';
import { problemError, type Report } from './problem-list.js';
import { readYaml } from './read-yaml.js';
import { includeShape } from './schema.js';
import { nodeAt, positionOf, type SourceMap } from './source-tree.js';

/** Where an inventory comes from. */
export interface InventorySource {
  /** The file named on the command line; messages and relative paths start from it. */
  readonly path: string;
  /** Text of a file, decoded as UTF-8; throws when it cannot be read. */
  readonly readFile: (path: string) => string;
}

export interface InventoryFile {
  readonly path: string;
  readonly root: SourceMap;
}

export interface FilesRead {
  readonly files: readonly InventoryFile[];
  /** Paths of all files met, readable or not. */
  readonly paths: readonly string[];
  /** Whether every file could be read as a mapping: only then do missing names mean anything. */
  readonly isComplete: boolean;
}

const MAX_FILES = 1000;

export function readInventoryFiles(source: InventorySource, report: Report): FilesRead {
  const files: InventoryFile[] = [];
  const includedAt = new Map<string, SourcePosition | undefined>();
  let isComplete = true;

  const reportInclude: Report = (problem) => {
    isComplete = false;
    report(problem);
  };

  const visit = (path: string, at: SourcePosition | undefined, open: readonly string[]): void => {
    const top = at ?? { file: path, line: 1, column: 1 };
    if (open.includes(path)) {
      const circle = [...open.slice(open.indexOf(path)), path].join(' → ');
      report(problemError('INCLUDE_CYCLE', top, `${path} includes itself: ${circle}`, 'remove this line'));
      return;
    }
    if (includedAt.has(path)) {
      const first = includedAt.get(path);
      const where = first === undefined ? '' : `, first in ${first.file}:${first.line}:${first.column}`;
      report(problemError('INCLUDED_TWICE', top, `${path} is included twice${where}`, 'remove this line'));
      return;
    }
    if (includedAt.size >= MAX_FILES) {
      report(problemError('TOO_MANY_FILES', top, `more than ${MAX_FILES} files are included`, 'join some of them'));
      return;
    }
    includedAt.set(path, at);
    const { root, isSound } = readRoot(source, path, top, report);
    if (!isSound) isComplete = false;
    if (root === undefined) return;
    if (isSound) files.push({ path, root });
    for (const [target, targetAt] of includes(root, reportInclude)) {
      visit(resolveBeside(path, target), targetAt, [...open, path]);
    }
  };

  visit(source.path, undefined, []);
  return { files, paths: [...includedAt.keys()], isComplete };
}

/** `isSound` says whether anything but its `include:` may be believed. */
interface RootRead {
  readonly root: SourceMap | undefined;
  readonly isSound: boolean;
}

function readRoot(source: InventorySource, path: string, at: SourcePosition, report: Report): RootRead {
  let text: string;
  try {
    text = source.readFile(path);
  } catch (error) {
    report(unreadable(path, at, error));
    return { root: undefined, isSound: false };
  }
  const { root, isSound } = readYaml(path, text, report);
  if (root?.kind === 'map') return { root, isSound };
  if (root !== undefined && isSound && !(root.kind === 'scalar' && root.value === null)) {
    const what = `the file holds ${root.kind === 'list' ? 'a list' : 'a single value'}, not a mapping`;
    report(problemError('NOT_A_MAPPING', root.at, what, 'start it with "version: 1"'));
  } else if (isSound) {
    report(
      problemError(
        'EMPTY_FILE',
        { file: path, line: 1, column: 1 },
        'the file is empty',
        'start it with "version: 1"; inventory/reference.yaml has every key',
      ),
    );
  }
  return { root: undefined, isSound: false };
}

/** The place is that of the `include:`, so that the path has to be told; of the first file it is the file itself. */
function unreadable(path: string, at: SourcePosition, error: unknown): Problem {
  const known = error instanceof OperatorError ? error : undefined;
  const why = known?.what ?? (error instanceof Error ? error.message : String(error));
  const what = at.file === path ? why : `cannot read ${path}: ${why}`;
  return problemError('FILE_UNREADABLE', at, what, known?.todo ?? 'check the path and its permissions');
}

function includes(root: SourceMap, report: Report): [string, SourcePosition][] {
  const entry = root.entries.get('include');
  if (entry === undefined) return [];
  const listed = checkShape(includeShape, entry.value, 'include', entry.keyAt, report);
  if (listed === undefined) return [];
  if (typeof listed === 'string') return [[listed, entry.value.at]];
  return listed.map((path, i) => [path, positionOf(nodeAt(entry.value, [i]) ?? entry.value, [])]);
}
