/** Differences without steps: in meaning, as flows; or in text, as patches. */

import { createTwoFilesPatch } from 'diff';

import type { FlowChangeSummary } from '../plan/flow-changes.js';
import { isUnchanged, type HostPlan } from '../plan/host-plan.js';
import { flowChangeLines } from './flow-change-text.js';
import { plain, printable, type Paint } from './paint.js';
import { count, fileLines, keyChangeText } from './plan-text.js';

/** Flows that a host treats otherwise than the inventory wants; files that differ without a flow are named. */
export function semanticText(plan: HostPlan, paint: Paint = plain): string {
  const head = paint('bold', printable(plan.host));
  if (isUnchanged(plan)) return `${head}: as wanted\n`;
  const notes = plan.flowNotes.map((note) => `  ${paint('yellow', 'note')}: ${printable(note)}`);
  if (plan.flowChanges.length === 0) {
    const files = plan.files.filter(({ kind }) => kind !== 'keep').map(({ path }) => path);
    const what = files.length === 0 ? '' : ` (${files.join(', ')} ${files.length === 1 ? 'differs' : 'differ'})`;
    return `${[`${head}: every flow is treated as wanted${what}`, ...notes].join('\n')}\n`;
  }
  const lines = flowChangeLines(plan.flowChanges, paint).map((line) => `  ${line}`);
  return `${[`${head}: from what is loaded to what is wanted`, ...lines, ...notes].join('\n')}\n`;
}

export function patchText(plan: HostPlan, paint: Paint = plain): string {
  const head = paint('bold', printable(plan.host));
  if (isUnchanged(plan)) return `${head}: as wanted\n`;
  const lines = [
    ...plan.files.flatMap((file) => fileLines(file, paint)),
    ...plan.keyChanges.map((change) => `  ${paint('cyan', 'key')} ${keyChangeText(change)}`),
    ...plan.rulesAdded.map((rule) => `  ${paint('green', '+ loaded')} ${printable(rule)}`),
    ...plan.rulesRemoved.map((rule) => `  ${paint('red', '- loaded')} ${printable(rule)}`),
    ...plan.reasons.map((reason) => `  ${paint('yellow', '~')} ${printable(reason)}`),
  ];
  return `${[head, ...lines].join('\n')}\n`;
}

/** Two policy files compared in meaning. */
export function fileFlowsText(changes: readonly FlowChangeSummary[], paint: Paint = plain): string {
  if (changes.length === 0) return 'both files treat every packet alike\n';
  return `${flowChangeLines(changes, paint).join('\n')}\n${count(changes.length, 'change')} of treatment\n`;
}

/** A unified diff, without the line of equals signs that the library puts first. */
export function filesPatch(before: NamedText, after: NamedText): string {
  const { path: from, text: old } = before;
  const { path: to, text } = after;
  return createTwoFilesPatch(from, to, old, text, undefined, undefined, { context: 3 }).replace(/^=+\n/, '');
}

export interface NamedText {
  readonly path: string;
  readonly text: string;
}
