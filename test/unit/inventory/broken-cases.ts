/** Reads `test/fixtures/inventory/broken/*.txt`: cases of `=== title`, files as `--- path`, and `--- problems` as expected. */

import { readdirSync, readFileSync } from 'node:fs';
import { InputProblems, positionText, type Problem } from '../../../controller/errors.js';
import { parseInventory } from '../../../controller/inventory/parse.js';

export interface BrokenCase {
  readonly title: string;
  readonly files: ReadonlyMap<string, string>;
  readonly expected: string;
}

export const FOLDER = 'test/fixtures/inventory/broken';

export function brokenCases(): readonly BrokenCase[] {
  return readdirSync(FOLDER)
    .sort()
    .flatMap((name) => readFileSync(`${FOLDER}/${name}`, 'utf8').split(/^=== /m).slice(1))
    .map((text) => {
      const newline = text.indexOf('\n');
      const sections = text
        .slice(newline + 1)
        // a YAML document separator has no blank after it
        .split(/^--- /m)
        .slice(1)
        .map((section): [string, string] => {
          const end = section.indexOf('\n');
          return [section.slice(0, end), section.slice(end + 1)];
        });
      const files = new Map(sections);
      const expected = files.get('problems') ?? '';
      files.delete('problems');
      return { title: text.slice(0, newline), files, expected };
    });
}

/** What the parser says of a case, a line for what and one for what to do. */
export function problemsOf(files: ReadonlyMap<string, string>): string {
  return problemList(files).map(problemText).join('');
}

function problemText({ severity, code, at, what, todo }: Problem): string {
  return `${at === undefined ? '?' : positionText(at)}: ${severity} ${code}: ${what}\n  ${todo}\n`;
}

function problemList(files: ReadonlyMap<string, string>): readonly Problem[] {
  const readFile = (path: string): string => {
    const text = files.get(path);
    if (text === undefined) throw new Error('no such file');
    return text;
  };
  try {
    return parseInventory({ path: 'inventory.yaml', readFile }).warnings;
  } catch (error) {
    if (error instanceof InputProblems) return error.problems;
    throw error;
  }
}
