/** What was tried on the wire, as lines a person reads. */

import type { ProbeCounts, ProbedFlow, ProbeGap, ProbeResult } from '../model/link-probe.js';
import { plain, printable, type Colour, type Paint } from './paint.js';

const COLOUR: Record<ProbeResult['state'], Colour> = { held: 'green', broken: 'red', untried: 'yellow' };
const WORD: Record<ProbeResult['state'], string> = { held: 'as promised', broken: 'BROKEN', untried: 'not tried' };

const EXPECTED: Record<ProbedFlow['expect'], string> = {
  protected: 'protected',
  clear: 'in the clear',
  refused: 'refused',
};

/** One flow: what was promised, whether it holds, and what shows it; two more lines where it does not. */
export function probeText(result: ProbeResult, paint: Paint = plain): string {
  const { from, to, flow, expect, link, state } = result;
  const verdict = `${EXPECTED[expect]}: ${paint(COLOUR[state], WORD[state])}`;
  const of = link === undefined ? '' : ` (link ${link})`;
  const head = `${paint('bold', `${from} → ${to}`)} ${flow}${of} ${verdict}`;
  switch (result.state) {
    case 'held':
      return `${head}; ${printable(result.evidence)}`;
    case 'untried':
      return `${head}; ${printable(result.why)}`;
    case 'broken':
      return [
        `${head}, ${result.fault}; ${printable(result.evidence)}`,
        `  likely ${printable(result.cause)}`,
        `  ${printable(result.todo)}`,
      ].join('\n');
  }
}

export function probeGapText({ link, host, why }: ProbeGap, paint: Paint = plain): string {
  const what = link === undefined ? (host ?? '') : `link ${link}`;
  return `${paint('bold', what)}: ${printable(why)}`;
}

/** One line for a group of hosts of a run. */
export function groupProbedText(
  { hosts, ...counts }: { readonly hosts: readonly string[] } & ProbeCounts,
  paint: Paint = plain,
): string {
  const [first = '', ...others] = hosts;
  const who = others.length > 3 ? `${first} and ${others.length} more` : hosts.join(', ');
  return `${who}: ${countsText(counts, paint)}`;
}

/** `4 flows tried: 4 as promised`; what was not tried is said, too. */
export function countsText({ held, broken, untried }: ProbeCounts, paint: Paint = plain): string {
  const tried = held + broken;
  const left = untried === 0 ? '' : `, ${untried} could not be tried`;
  if (tried === 0) return `no flow was tried on the wire${left}`;
  const verdict = broken === 0 ? paint('green', `${held} as promised`) : paint('red', `${broken} not as promised`);
  return `${tried} ${tried === 1 ? 'flow' : 'flows'} tried on the wire: ${verdict}${left}`;
}
