/** Gathers what is wrong with an inventory, so that one run reports everything. */

import type { Problem, SourcePosition } from '../errors.js';

export type Report = (problem: Problem) => void;

/** A value and where the operator wrote it. */
export interface Sourced<T> {
  readonly value: T;
  readonly at: SourcePosition;
}

export function problemError(code: string, at: SourcePosition, what: string, todo: string): Problem {
  return { code, severity: 'error', at, what, todo };
}

export function problemWarning(code: string, at: SourcePosition, what: string, todo: string): Problem {
  return { code, severity: 'warning', at, what, todo };
}

/** Problems in the order a person reads them: file by file as they were read, then top to bottom. Repetitions are dropped. */
export function sortProblems(problems: readonly Problem[], files: readonly string[]): Problem[] {
  const rank = new Map(files.map((file, i) => [file, i]));
  const fileOf = (problem: Problem): number => rank.get(problem.at?.file ?? '') ?? files.length;
  const seen = new Set<string>();
  return problems
    .filter((problem) => {
      const identity = JSON.stringify([problem.code, problem.at, problem.what]);
      const isNew = !seen.has(identity);
      seen.add(identity);
      return isNew;
    })
    .sort(
      (a, b) =>
        fileOf(a) - fileOf(b) ||
        (a.at?.line ?? 0) - (b.at?.line ?? 0) ||
        (a.at?.column ?? 0) - (b.at?.column ?? 0) ||
        a.code.localeCompare(b.code),
    );
}

/** `web1`, `web1 and web2`, or `web1 and 18 more`: a list that stays one line long. */
export function someOf(names: readonly string[]): string {
  const [first = '', second] = names;
  if (names.length <= 1) return first;
  return names.length === 2 ? `${first} and ${second}` : `${first} and ${names.length - 1} more`;
}
