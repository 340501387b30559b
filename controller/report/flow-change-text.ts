/** Flows that change their treatment, as a person reads them: `10.0.2.0/24 → web1 tcp/22: protected → refused`. */

import type { FlowChangeSummary, FlowTreatment } from '../plan/flow-changes.js';
import { plain, printable, type Paint } from './paint.js';

/** Lines of one change, and of one host, before the rest is only counted; `--output json` has all. */
const MOST_FLOWS = 6;
const MOST_LINES = 24;

/** One line a phrase, worst first; none when nothing changes. */
export function flowChangeLines(changes: readonly FlowChangeSummary[], paint: Paint = plain): readonly string[] {
  const lines = changes.flatMap((change) => changeLines(change, paint));
  if (lines.length <= MOST_LINES) return lines;
  return [...lines.slice(0, MOST_LINES - 1), `and ${lines.length - MOST_LINES + 1} more`];
}

function changeLines(change: FlowChangeSummary, paint: Paint): readonly string[] {
  const { flows, exposed, after } = change;
  const words = changeWords(change);
  const colour = exposed ? 'red' : after.kind === 'refused' ? 'yellow' : 'cyan';
  const shown = flows.slice(0, flows.length > MOST_FLOWS ? MOST_FLOWS - 1 : MOST_FLOWS);
  const lines = shown.map((flow) => `${printable(flow)}: ${paint(colour, words)}`);
  return shown.length < flows.length
    ? [...lines, `and ${flows.length - shown.length} more: ${paint(colour, words)}`]
    : lines;
}

/** `protected → refused`; algorithms only where both are protection. */
function changeWords({ before, after }: FlowChangeSummary): string {
  const [was, is] = [treatmentWords(before), treatmentWords(after)];
  if (was !== is) return `${was} → ${is}`;
  return `${was}, by ${protectionWords(before)} → ${protectionWords(after)}`;
}

function treatmentWords({ kind, doubtful }: FlowTreatment): string {
  const words = kind === 'either' ? 'protected or clear' : kind;
  return doubtful ? `${words} (in doubt: it hangs on what was loaded before)` : words;
}

/** Without the words that every protection has. */
function protectionWords({ protections }: FlowTreatment): string {
  return protections.map((one) => one.replace(/\b(encr|encr_auth|auth)_algs /g, '')).join(' or ');
}
