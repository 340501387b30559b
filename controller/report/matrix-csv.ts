/** A matrix as comma-separated values (RFC 4180), one line for each ordered pair. */

import type { FlowMatrix, Treatment } from '../proof/flow-matrix.js';
import { BECAUSE, WAY_KINDS } from './way-words.js';

const HEAD = ['from', 'to', 'mainly', ...WAY_KINDS, 'why'];

export function matrixCsv(matrix: FlowMatrix): string {
  const tails = matrix.treatments.map(treatmentFields);
  const lines = [HEAD.join(',')];
  for (const [row, from] of matrix.ends.entries()) {
    for (const [column, to] of matrix.ends.entries()) {
      const tail = tails[matrix.cells[row]?.[column] ?? -1];
      if (tail !== undefined) lines.push(`${field(from.name)},${field(to.name)},${tail}`);
    }
  }
  return `${lines.join('\r\n')}\r\n`;
}

function treatmentFields({ parts }: Treatment): string {
  const of = WAY_KINDS.map((kind) =>
    parts
      .filter((part) => part.kind === kind)
      .map(({ traffic }) => traffic)
      .join('; '),
  );
  const why = parts.flatMap(({ faults, because }) => [...faults, ...because.map((one) => BECAUSE[one])]);
  return [parts[0]?.kind ?? 'none', ...of, [...new Set(why)].join('; ')].map(field).join(',');
}

/** A spreadsheet takes a leading sign or `@` for a formula, so such text is kept from being one. */
function field(text: string): string {
  const safe = /^[=+\-@\t]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
