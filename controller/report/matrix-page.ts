/**
 * A matrix as one HTML page that needs no network: a table of real cells for a small fleet, a canvas for hundreds of hosts.
 * Every name is escaped, and the page's own policy lets nothing run but the script that it came with.
 */

import { createHash } from 'node:crypto';

import type { FlowMatrix, MatrixEnd, Treatment } from '../proof/flow-matrix.js';
import { byGroup, pageData, scriptJson } from './matrix-data.js';
import { cellCode, partText } from './matrix-text.js';
import { KIND_LETTER, KIND_MEANING, WAY_KINDS } from './way-words.js';

export interface PageSources {
  readonly style: string;
  readonly script: string;
}

export interface PageTitle {
  readonly fleet: string;
  /** What was asked for, `tcp/443`; left out: all traffic. */
  readonly flow?: string | undefined;
  /** ISO 8601. */
  readonly made: string;
}

/** From so many ends on cells are drawn instead of being elements. */
const MOST_CELLS_AS_ELEMENTS = 40;
/** Distinct treatments that are told in words below the matrix. */
const MOST_TREATMENTS = 60;

export function matrixPage(given: FlowMatrix, title: PageTitle, { style, script }: PageSources): string {
  const matrix = byGroup(given);
  const size = matrix.ends.length;
  const policy = `default-src 'none'; style-src '${hash(style)}'; script-src '${hash(script)}'; base-uri 'none'; form-action 'none'`;
  const board = size <= MOST_CELLS_AS_ELEMENTS ? tableBoard(matrix) : canvasBoard(matrix);
  const subject = title.flow === undefined ? 'all traffic' : title.flow;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title.fleet)}: who can talk to whom</title>
<style>${style}</style>
</head>
<body>
<header>
<div>
<h1>${escaped(title.fleet)}</h1>
<p class="about">Who can talk to whom, from the row to the column: ${escaped(subject)}. ${size} ends, <time>${escaped(title.made.slice(0, 10))}</time>.</p>
</div>
<form class="filters" role="search">
<label>From <input type="search" id="from" placeholder="any host or group" autocomplete="off" spellcheck="false"></label>
<label>To <input type="search" id="to" placeholder="any host or group" autocomplete="off" spellcheck="false"></label>
</form>
</header>
${legend(matrix)}
<main>
${board}
<aside aria-live="polite" aria-label="The chosen cell" id="detail">
<p class="hint">Point at a cell, or move with the arrow keys, to read what passes between two ends.</p>
</aside>
</main>
${treatmentList(matrix)}
<script type="application/json" id="data">${scriptJson(pageData(matrix))}</script>
<script>${script}</script>
</body>
</html>
`;
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`);
}

function legend({ treatments, cells }: FlowMatrix): string {
  const counts = pairCounts(treatments, cells);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const items = WAY_KINDS.map((kind) => {
    const some = treatments.reduce(
      (sum, { parts }, place) => sum + (parts[0]?.kind === kind ? (counts.get(place) ?? 0) : 0),
      0,
    );
    return `<button type="button" class="key" data-kind="${kind}" data-count="${some}" aria-pressed="false"><span class="swatch ${kind}">${KIND_LETTER[kind]}</span><span class="what"><b>${kind}</b> <i>${KIND_MEANING[kind]}</i></span><span class="count">${share(some, total)}</span></button>`;
  });
  return `<div class="legend" role="group" aria-label="Show one kind">${items.join('\n')}</div>`;
}

function share(some: number, total: number): string {
  if (total === 0 || some === 0) return '0';
  const percent = (100 * some) / total;
  return percent < 1 ? 'under 1 %' : `${Math.round(percent)} %`;
}

/** How many ordered pairs have each treatment. */
function pairCounts(treatments: readonly Treatment[], cells: FlowMatrix['cells']): ReadonlyMap<number, number> {
  const counts = new Map<number, number>(treatments.map((_, place) => [place, 0]));
  for (const row of cells) for (const cell of row) if (cell >= 0) counts.set(cell, (counts.get(cell) ?? 0) + 1);
  return counts;
}

function tableBoard(matrix: FlowMatrix): string {
  const { ends, cells, treatments } = matrix;
  const size = ends.length <= 8 ? 'large' : ends.length <= 16 ? 'medium' : 'small';
  const head = ends.map(
    (end, column) => `<th scope="col" data-column="${column}"><span>${escaped(end.name)}</span></th>`,
  );
  const rows = ends.map((end, row) => {
    const tds = ends.map((to, column) => cellElement(end, to, treatments[cells[row]?.[column] ?? -1], row, column));
    return `<tr data-row="${row}"><th scope="row">${rowHead(end)}</th>${tds.join('')}</tr>`;
  });
  return `<div class="board"><table class="${size}" role="grid" aria-label="Senders in rows, receivers in columns">
<thead><tr><td class="corner"></td>${head.join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table></div>`;
}

function rowHead(end: MatrixEnd): string {
  const note = end.kind === 'external' ? 'external' : (end.group ?? '');
  return `<span class="name">${escaped(end.name)}</span>${note === '' ? '' : `<span class="group">${escaped(note)}</span>`}`;
}

function cellElement(
  from: MatrixEnd,
  to: MatrixEnd,
  treatment: Treatment | undefined,
  row: number,
  column: number,
): string {
  if (treatment === undefined) return `<td class="self" data-column="${column}"><span></span></td>`;
  const [main, second] = treatment.parts;
  const kinds = `${main?.kind ?? 'none'}${second === undefined ? '' : ` with-${second.kind}`}`;
  const words = treatment.parts.map((part) => `${part.kind}: ${partText(part)}`).join('\n');
  const label = `${from.name} to ${to.name}: ${words === '' ? 'no address family in common' : words}`;
  return `<td data-column="${column}" data-row="${row}" tabindex="-1" class="cell" aria-label="${escaped(label)}" title="${escaped(words)}"><span class="${kinds}">${cellCode(treatment)}</span></td>`;
}

function canvasBoard({ ends }: FlowMatrix): string {
  return `<div class="board drawn">
<div class="zoom" role="group" aria-label="Zoom"><button type="button" id="out" aria-label="Smaller">−</button><button type="button" id="fit">Fit</button><button type="button" id="in" aria-label="Larger">+</button></div>
<div id="scroll" tabindex="0" role="application" aria-label="Matrix of ${ends.length} ends: move with the arrow keys; the chosen cell is read out beside it"><div id="sizer"><canvas id="canvas"></canvas></div></div>
</div>`;
}

/** Every treatment in words, with an example: what the picture says, for who cannot see it. */
function treatmentList(matrix: FlowMatrix): string {
  const counts = pairCounts(matrix.treatments, matrix.cells);
  const places = [...counts]
    .filter(([, count]) => count > 0)
    .toSorted(([, a], [, b]) => b - a)
    .map(([place]) => place);
  const examples = firstPairs(matrix);
  const rows = places.slice(0, MOST_TREATMENTS).map((place) => {
    const treatment = matrix.treatments[place] ?? { parts: [] };
    const count = counts.get(place) ?? 0;
    const parts = treatment.parts.map(
      (part) => `<li><b class="${part.kind}">${part.kind}</b> ${escaped(partText(part))}</li>`,
    );
    const list = parts.length === 0 ? '<li>no address family in common</li>' : parts.join('');
    const example = examples.get(place);
    const pair = example === undefined ? '' : `${escaped(example[0].name)} → ${escaped(example[1].name)}`;
    return `<tr><td><span class="swatch ${treatment.parts[0]?.kind ?? 'none'}">${cellCode(treatment)}</span></td><td class="number">${count}</td><td><ul>${list}</ul></td><td>${pair}</td></tr>`;
  });
  const more = places.length > MOST_TREATMENTS ? `<p>and ${places.length - MOST_TREATMENTS} more</p>` : '';
  return `<section class="treatments"><h2>In words</h2>
<table><thead><tr><th scope="col"></th><th scope="col" class="number">Pairs</th><th scope="col">What passes, and how</th><th scope="col">For example</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table>${more}</section>`;
}

function firstPairs({ ends, cells }: FlowMatrix): ReadonlyMap<number, readonly [MatrixEnd, MatrixEnd]> {
  const found = new Map<number, readonly [MatrixEnd, MatrixEnd]>();
  for (const [row, from] of ends.entries()) {
    for (const [column, to] of ends.entries()) {
      const cell = cells[row]?.[column] ?? -1;
      if (cell >= 0 && !found.has(cell)) found.set(cell, [from, to]);
    }
  }
  return found;
}
