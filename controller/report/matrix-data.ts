/** What the script of a matrix page reads: names, treatments and cells, as small as a fleet of hundreds needs it. */

import { formatAddress } from '../model/address.js';
import type { FlowMatrix } from '../proof/flow-matrix.js';
import { cellCode, partText } from './matrix-text.js';

export interface PageData {
  readonly groups: readonly string[];
  /** Name, place of its group, addresses. */
  readonly ends: readonly (readonly [string, number, string])[];
  /** Code, then kind and words of each part. */
  readonly treatments: readonly (readonly [string, ...(readonly [string, string])[]])[];
  /** Runs of one row: treatment in base 36 (`-` for the end itself), and `*` with how many where there is more than one. */
  readonly rows: readonly string[];
}

export function pageData({ ends, treatments, cells }: FlowMatrix): PageData {
  const groups = [...new Set(ends.map(bandOf))];
  return {
    groups,
    ends: ends.map((end) => [end.name, groups.indexOf(bandOf(end)), end.addresses.map(formatAddress).join(', ')]),
    treatments: treatments.map((treatment) => [
      cellCode(treatment),
      ...treatment.parts.map((part) => [part.kind, partText(part)] as const),
    ]),
    rows: cells.map(rowRuns),
  };
}

function bandOf({ kind, group }: FlowMatrix['ends'][number]): string {
  return kind === 'external' ? 'external' : (group ?? '');
}

function rowRuns(row: Int32Array): string {
  const runs: string[] = [];
  for (let at = 0; at < row.length;) {
    const value = row[at] ?? -1;
    let end = at + 1;
    while (end < row.length && row[end] === value) end++;
    const count = end - at;
    runs.push(`${value < 0 ? '-' : value.toString(36)}${count > 1 ? `*${count}` : ''}`);
    at = end;
  }
  return runs.join(' ');
}

/** The same matrix with the ends of a group side by side, groups in the order in which they are first met. */
export function byGroup(matrix: FlowMatrix): FlowMatrix {
  const bands = [...new Set(matrix.ends.map(bandOf))];
  const order = matrix.ends
    .map((end, place) => ({ place, band: bands.indexOf(bandOf(end)) }))
    .toSorted((a, b) => a.band - b.band)
    .map(({ place }) => place);
  return {
    ends: order.flatMap((place) => matrix.ends[place] ?? []),
    treatments: matrix.treatments,
    cells: order.map((from) => Int32Array.from(order, (to) => matrix.cells[from]?.[to] ?? -1)),
  };
}

/** JSON that cannot end a script element, whatever names are in it. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
