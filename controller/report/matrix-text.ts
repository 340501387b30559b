/** A matrix on a terminal: one row a sender, one column a receiver, a letter a cell that reads without colour too. */

import { classCell, matrixClasses, membersOf, type MatrixClass } from '../proof/matrix-classes.js';
import type { FlowMatrix, Treatment } from '../proof/flow-matrix.js';
import { nameRuns } from './name-runs.js';
import { plain, printable, type Paint } from './paint.js';
import { BECAUSE, KIND_COLOUR, KIND_LETTER, KIND_MEANING, WAY_KINDS } from './way-words.js';

export interface MatrixTextOptions {
  readonly title: string;
  /** Columns of the terminal. */
  readonly width: number;
  /** Ends that behave alike become one row; left out: where there are more than a dozen. */
  readonly collapse?: boolean | undefined;
  readonly paint?: Paint;
}

const MANY_ENDS = 12;
const LONGEST_NAME = 28;

export function matrixText(matrix: FlowMatrix, { title, width, collapse, paint = plain }: MatrixTextOptions): string {
  const alone = matrix.ends.map((_, place): MatrixClass => ({ members: [place] }));
  const classes = (collapse ?? matrix.ends.length > MANY_ENDS) ? matrixClasses(matrix) : alone;
  const names = classes.map((one) => className(matrix, one));
  const nameWidth = Math.max(...names.map((name) => name.length), 4);
  const numberWidth = String(classes.length).length;
  const cellWidth = Math.max(numberWidth, codeWidth(matrix)) + 2;
  const perBlock = Math.max(1, Math.floor((width - nameWidth - numberWidth - 3) / cellWidth));
  const lines = [`${paint('bold', printable(title))}: from the row to the column`, ''];
  for (let first = 0; first < classes.length; first += perBlock) {
    const columns = classes.slice(first, first + perBlock);
    const head = columns.map((_, i) => String(first + i + 1).padStart(cellWidth)).join('');
    lines.push(`${' '.repeat(numberWidth + 1 + nameWidth)}${paint('dim', head)}`);
    for (const [row, from] of classes.entries()) {
      const cells = columns.map((to) => cellText(matrix, classCell(matrix, from, to), cellWidth, paint)).join('');
      lines.push(
        `${paint('dim', String(row + 1).padStart(numberWidth))} ${(names[row] ?? '').padEnd(nameWidth)}${cells}`,
      );
    }
    lines.push('');
  }
  return [...lines, ...legend(matrix, classes, paint), ''].join('\n');
}

function className(matrix: FlowMatrix, one: MatrixClass): string {
  const members = membersOf(matrix, one);
  const runs = printable(nameRuns(members.map(({ name }) => name)));
  const [first] = members;
  const text =
    runs.length <= LONGEST_NAME || members.length < 2
      ? runs
      : `${printable(first?.name ?? '')} and ${members.length - 1} more`;
  return first?.kind === 'external' ? `${text} (external)` : text;
}

/** `P` = all protected; `Pc` = protected but for some that is clear. */
export function cellCode({ parts }: Treatment): string {
  const [main, ...rest] = new Set(parts.map(({ kind }) => KIND_LETTER[kind]));
  return main === undefined ? '-' : `${main}${rest.join('').toLowerCase()}`;
}

function codeWidth({ treatments }: FlowMatrix): number {
  return Math.max(1, ...treatments.map((treatment) => cellCode(treatment).length));
}

function cellText({ treatments }: FlowMatrix, cell: number, width: number, paint: Paint): string {
  const treatment = treatments[cell];
  if (treatment === undefined) return paint('dim', '·'.padStart(width));
  const code = cellCode(treatment).padStart(width);
  const [main] = treatment.parts;
  return main === undefined ? code : paint(KIND_COLOUR[main.kind], code);
}

function legend(matrix: FlowMatrix, classes: readonly MatrixClass[], paint: Paint): readonly string[] {
  const used = new Set(classes.flatMap((from) => classes.map((to) => classCell(matrix, from, to))));
  const shown = matrix.treatments.filter((_, place) => used.has(place));
  const kinds = WAY_KINDS.filter((kind) => shown.some(({ parts }) => parts.some((part) => part.kind === kind)));
  const lines = kinds.map((kind) => `${paint(KIND_COLOUR[kind], KIND_LETTER[kind])}  ${kind}: ${KIND_MEANING[kind]}`);
  if (shown.some(({ parts }) => parts.length > 1)) lines.push('A small letter: some of it, as follows');
  if (shown.some(({ parts }) => parts.length === 0)) lines.push('-  no address family in common');
  const explained = shown.filter(({ parts }) => parts.length > 1 || parts.some((part) => part.kind === 'broken'));
  for (const treatment of explained) lines.push('', ...wordsOf(matrix, treatment, classes, paint));
  return lines;
}

/** A code, the first pair that has it, and its parts in words. */
function wordsOf(
  matrix: FlowMatrix,
  treatment: Treatment,
  classes: readonly MatrixClass[],
  paint: Paint,
): readonly string[] {
  const place = matrix.treatments.indexOf(treatment);
  const pairs = classes.flatMap((from) =>
    classes.flatMap((to) => (classCell(matrix, from, to) === place ? [[from, to] as const] : [])),
  );
  const [first] = pairs;
  const example = first === undefined ? '' : `${className(matrix, first[0])} → ${className(matrix, first[1])}`;
  const more = pairs.length > 1 ? `, and ${pairs.length - 1} more` : '';
  return [
    `${paint('bold', cellCode(treatment))}  ${example}${more}`,
    ...treatment.parts.map(
      (part) => `    ${paint(KIND_COLOUR[part.kind], part.kind.padEnd(9))} ${printable(partText(part))}`,
    ),
  ];
}

/** What of the traffic, and why it does not pass. */
export function partText({ traffic, because, faults, doubtful }: Treatment['parts'][number]): string {
  const reasons = [...faults, ...because.map((one) => BECAUSE[one])];
  const doubt = doubtful ? ' (depends on what the kernel has loaded before)' : '';
  return `${traffic}${reasons.length === 0 ? '' : `: ${reasons.join('; ')}`}${doubt}`;
}
