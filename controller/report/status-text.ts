/** One host's status as it tells it itself. */

import { isHeldDrill, lastDrill } from '../model/drill.js';
import type { StatusAnswer } from '../model/run.js';
import { lastDrillText } from './drill-text.js';
import { plain, printable, type Paint } from './paint.js';
import { outcomeText } from './run-text.js';

/** The latest lines of a host's history that are worth showing. */
const MOST_HISTORY = 5;

export function statusText(answer: StatusAnswer, now: Date, paint: Paint = plain): string {
  if ('outcome' in answer) return `${outcomeText(answer.host, answer.outcome, paint)}\n`;
  const { generation, run, openTransaction, kept, history } = answer.status;
  const current =
    generation === undefined
      ? 'never applied'
      : `generation ${generation}${run === undefined ? '' : ` (run ${printable(run)})`}`;
  const lines = [`${paint('bold', answer.host)}: ${current}`];
  if (openTransaction !== undefined) {
    const { id, step, state, revertsInSeconds } = openTransaction;
    const at = new Date(now.getTime() + revertsInSeconds * 1000).toISOString();
    lines.push(
      `  ${paint('yellow', 'open')}: transaction ${printable(id)} is ${printable(state)} at step ${printable(step)}, reverts at ${at} unless confirmed`,
    );
  }
  if (kept.length > 0) lines.push(`  keeps generations ${kept.map((one) => one.generation).join(', ')}`);
  const drill = lastDrill(history);
  if (drill !== undefined) lines.push(`  ${lastDrillText(drill, paint)}`);
  // Drills on a schedule would leave nothing else to see.
  const told = history.filter((line) => !isHeldDrill(line)).slice(-MOST_HISTORY);
  lines.push(...told.map((line) => `  ${paint('dim', printable(line))}`));
  return `${lines.join('\n')}\n`;
}
