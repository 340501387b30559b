/** Ends that a matrix cannot tell apart, so that a fleet of hundreds is a table of a few rows. Exact: nothing is averaged. */

import type { FlowMatrix, MatrixEnd } from './flow-matrix.js';

/** Ends alike in every row and every column. */
export interface MatrixClass {
  /** Places in the ends of the matrix, ascending. */
  readonly members: readonly number[];
}

/** Classes in the order of their first members; the ends of one have one kind, and one group when `keepGroups`. */
export function matrixClasses(matrix: FlowMatrix, keepGroups = false): readonly MatrixClass[] {
  const classes: number[][] = [];
  const byDigest = new Map<string, number[][]>();
  for (const [place, end] of matrix.ends.entries()) {
    const key = `${end.kind} ${keepGroups ? (end.group ?? '') : ''} ${treatmentsOf(matrix, place)}`;
    const candidates = byDigest.get(key) ?? [];
    byDigest.set(key, candidates);
    const found = candidates.find(([first]) => first !== undefined && alike(matrix, first, place));
    if (found !== undefined) found.push(place);
    else {
      const fresh = [place];
      candidates.push(fresh);
      classes.push(fresh);
    }
  }
  return classes.map((members) => ({ members }));
}

/** Which treatments an end meets as sender and as receiver: ends alike meet the same. */
function treatmentsOf({ cells }: FlowMatrix, place: number): string {
  const sends = new Set(cells[place]);
  const takes = new Set(cells.map((row) => row[place] ?? -1));
  return `${[...sends].sort().join()}/${[...takes].sort().join()}`;
}

/** Whether the two could change places without anybody noticing. */
function alike({ cells }: FlowMatrix, a: number, b: number): boolean {
  const at = (from: number, to: number): number => cells[from]?.[to] ?? -1;
  if (at(a, b) !== at(b, a)) return false;
  return cells.every(
    (_, other) => other === a || other === b || (at(a, other) === at(b, other) && at(other, a) === at(other, b)),
  );
}

/** The matrix of classes: `-1` where a class has one member only and so nobody to talk to within. */
export function classCell({ cells }: FlowMatrix, from: MatrixClass, to: MatrixClass): number {
  const [source = 0] = from.members;
  const target = from === to ? to.members[1] : to.members[0];
  return target === undefined ? -1 : (cells[source]?.[target] ?? -1);
}

export function membersOf({ ends }: FlowMatrix, { members }: MatrixClass): readonly MatrixEnd[] {
  return members.flatMap((place) => ends[place] ?? []);
}
