/** YAML text to a source tree, with every syntax problem in its place. Owns the `yaml` library's parser. */

import { LineCounter, parseDocument } from 'yaml';
import type { SourcePosition } from '../errors.js';
import { problemError, type Report } from './problem-list.js';
import type { SourceNode } from './source-tree.js';
import { syntaxProblem } from './yaml-problems.js';
import { buildTree } from './yaml-tree.js';

const MAX_CHARACTERS = 10_000_000;
/** The YAML library recurses; far deeper text than any inventory ends the process instead of failing. */
const MAX_DEPTH = 100;

export interface YamlRead {
  /** `undefined` when there is nothing, or nothing that can be read. */
  readonly root: SourceNode | undefined;
  /** Without syntax errors. */
  readonly isSound: boolean;
}

const UNREADABLE: YamlRead = { root: undefined, isSound: false };

/** The tree of a file's text. A byte-order mark is accepted, Windows line ends too. */
export function readYaml(file: string, raw: string, report: Report): YamlRead {
  const top: SourcePosition = { file, line: 1, column: 1 };
  const text = raw.startsWith('\uFEFF') ? raw.slice(1) : raw;
  if (text.length > MAX_CHARACTERS) {
    const what = `the file has ${text.length} characters; the limit is ${MAX_CHARACTERS}`;
    report(problemError('FILE_TOO_LARGE', top, what, 'split it with "include:", or write ranges such as web[01:20]'));
    return UNREADABLE;
  }
  if (nestsDeeperThan(text, MAX_DEPTH)) {
    const what = `values are nested more than ${MAX_DEPTH} deep`;
    report(problemError('NESTED_TOO_DEEP', top, what, 'look for brackets that are never closed'));
    return UNREADABLE;
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
  if (document.directives.yaml.version === '1.1') {
    report(problemError('YAML_VERSION', top, 'the file asks for YAML 1.1', 'remove the %YAML line; YAML 1.2 is read'));
    return UNREADABLE;
  }
  const faults = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  let reportedLine = 0;
  for (const fault of faults) {
    const at = place(fault.pos[0]);
    // later faults of a line are nearly always consequences of its first
    if (at.line > reportedLine) report(syntaxProblem(fault, at, text));
    reportedLine = Math.max(reportedLine, at.line);
  }
  const isSound = faults.length === 0;
  if (document.contents === null) return { root: undefined, isSound };
  return { root: buildTree(document, place, isSound ? report : () => undefined), isSound };
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
