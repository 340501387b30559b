/** A matrix of groups from one of hosts: a cell says what all pairs of members have in common, or how many go which way. */

import type { FlowMatrix, MatrixEnd, Treatment } from './flow-matrix.js';
import { Numbers } from './numbers.js';

/** Groups in the order given; ends in none of them stand for themselves. */
export function groupMatrix(matrix: FlowMatrix, groups: ReadonlyMap<string, readonly string[]>): FlowMatrix {
  const places = new Map(matrix.ends.map(({ name }, place) => [name, place]));
  const rows: { readonly end: MatrixEnd; readonly members: readonly number[] }[] = [];
  const grouped = new Set<number>();
  for (const [name, names] of groups) {
    const members = names.flatMap((member) => places.get(member) ?? []);
    if (members.length === 0) continue;
    for (const member of members) grouped.add(member);
    rows.push({ end: { name, kind: 'group', group: undefined, addresses: [] }, members });
  }
  for (const [place, end] of matrix.ends.entries()) if (!grouped.has(place)) rows.push({ end, members: [place] });
  const treatments = new Numbers<Treatment>();
  const cells = rows.map((from) => Int32Array.from(rows, (to) => cellOf(matrix, from.members, to.members, treatments)));
  return { ends: rows.map(({ end }) => end), treatments: treatments.values, cells };
}

function cellOf(
  { cells, treatments: all }: FlowMatrix,
  from: readonly number[],
  to: readonly number[],
  treatments: Numbers<Treatment>,
): number {
  const counts = new Map<number, number>();
  for (const source of from) {
    for (const target of to) {
      const cell = cells[source]?.[target] ?? -1;
      if (cell >= 0) counts.set(cell, (counts.get(cell) ?? 0) + 1);
    }
  }
  const sorted = [...counts].toSorted(([, a], [, b]) => b - a);
  const [[only] = []] = sorted;
  if (only === undefined) return -1;
  if (sorted.length === 1) return treatments.of(`${only}`, () => all[only] ?? { parts: [] });
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  const parts = sorted.flatMap(([cell, count]) =>
    (all[cell]?.parts ?? []).map((part) => ({ ...part, traffic: `${count} of ${total} pairs: ${part.traffic}` })),
  );
  return treatments.of(sorted.join(' '), () => ({ parts }));
}
