/** A fleet plan as a person reads it: per host the files, the keys by fingerprint, the steps, and what traffic may notice. */

import type { FleetPlan } from '../plan/fleet-plan.js';
import { flowChangeLines } from './flow-change-text.js';
import { isUnchanged, type FileChange, type HostPlan, type KeyChange } from '../plan/host-plan.js';
import { adapterOf } from '../platform/detect.js';
import { plain, printable, type Paint } from './paint.js';

/** `windowSeconds` of a group of a size: how long an unconfirmed change lasts. */
export function planText(plan: FleetPlan, windowSeconds: (groupSize: number) => number, paint: Paint = plain): string {
  const changing = plan.hosts.filter((host) => !isUnchanged(host));
  const parts = changing.map((host) => hostText(host, paint));
  for (const { host, outcome } of plan.excluded) {
    const reason = 'reason' in outcome ? outcome.reason : '';
    parts.push(
      `${paint('bold', host)}: ${paint('red', outcome.status)}: ${printable(reason)}\n${'todo' in outcome ? `  ${printable(outcome.todo)}\n` : ''}`,
    );
  }
  for (const { host, because } of plan.pulledIn) {
    parts.push(
      `${paint('yellow', 'note')}: ${host} is included because the change on ${because} concerns their link\n`,
    );
  }
  for (const group of plan.groups.filter((one) => one.length > 1)) {
    parts.push(`${listOf(group)} move together: all are confirmed, or all go back\n`);
  }
  parts.push(summary(plan, changing, windowSeconds));
  return parts.join('\n');
}

function summary(plan: FleetPlan, changing: readonly HostPlan[], windowSeconds: (groupSize: number) => number): string {
  const unchanged = plan.hosts.length - changing.length;
  const counts = [`${count(changing.length, 'host')} to change`, `${unchanged} unchanged`];
  if (plan.excluded.length > 0) counts.push(`${plan.excluded.length} not possible`);
  const longest = Math.max(0, ...plan.groups.map((group) => windowSeconds(group.length)));
  const window =
    changing.length === 0 ? '' : ` Each change reverts by itself unless it is confirmed within ${longest} s.`;
  return `Plan: ${counts.join(', ')}.${window}\n`;
}

function hostText(plan: HostPlan, paint: Paint): string {
  const was = plan.expect.generation === undefined ? 'first contact' : `now ${plan.expect.generation}`;
  const lines = [`${paint('bold', plan.host)}: generation ${plan.generation} (${was})`];
  lines.push(...flowLines(plan, paint));
  for (const file of plan.files) lines.push(...fileLines(file, paint));
  for (const reason of plan.reasons) lines.push(`  ${paint('yellow', '~')} ${printable(reason)}`);
  for (const change of plan.keyChanges) lines.push(`  ${paint('cyan', 'key')} ${keyChangeText(change)}`);
  lines.push(`  steps: ${plan.steps.map((step) => stepText(step, plan)).join(' → ')} → verify → confirm`);
  for (const gap of plan.gaps) lines.push(`  ${paint('yellow', 'note')}: ${gap}`);
  return `${lines.join('\n')}\n`;
}

function flowLines({ flowChanges, flowNotes }: HostPlan, paint: Paint): string[] {
  if (flowChanges.length === 0 && flowNotes.length === 0) return [];
  return [
    ...(flowChanges.length === 0 ? [] : ['  flows that change:']),
    ...flowChangeLines(flowChanges, paint).map((line) => `    ${line}`),
    ...flowNotes.map((note) => `  ${paint('yellow', 'note')}: ${note}`),
  ];
}

function stepText(step: HostPlan['steps'][number], plan: HostPlan): string {
  const { words } = adapterOf(plan.platform);
  switch (step) {
    case 'keys':
      return 'keys (ipseckey -f, new SAs only)';
    case 'policy':
      return `policy (${words.policy})`;
    case 'ike':
      return plan.ike === 'none' ? 'ike' : `ike (${words.ike[plan.ike]})`;
    default:
      return step;
  }
}

/** `PSK web1–db1: 9f3c… → 51de…, 256 bits` */
export function keyChangeText({ label, before, after, bits }: KeyChange): string {
  const short = (fingerprint: string | undefined): string =>
    fingerprint === undefined ? 'none' : `${fingerprint.slice(0, 8)}…`;
  return `${printable(label)}: ${short(before)} → ${short(after)}, ${bits} bits`;
}

const SIGN = {
  create: ['green', '+'],
  update: ['yellow', '~'],
  stored: ['yellow', '~'],
  remove: ['red', '-'],
} as const;

/** A changed file and its patch; none for one that stays. */
export function fileLines(file: FileChange, paint: Paint): string[] {
  if (file.kind === 'keep') return [];
  const [colour, sign] = SIGN[file.kind];
  const detail =
    file.kind === 'remove'
      ? ''
      : `  mode ${file.mode}${file.kind === 'stored' ? `, from generation ${file.from}` : ''}`;
  return [`  ${paint(colour, sign)} ${file.path}${detail}`, ...patchLines(file.patch, paint)];
}

function patchLines(patch: string, paint: Paint): string[] {
  return patch
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const text = `    ${printable(line)}`;
      if (line.startsWith('+++') || line.startsWith('---')) return paint('bold', text);
      if (line.startsWith('@@')) return paint('cyan', text);
      if (line.startsWith('+')) return paint('green', text);
      if (line.startsWith('-')) return paint('red', text);
      return text;
    });
}

/** `1 host`, `2 hosts`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function listOf(names: readonly string[]): string {
  if (names.length > 8) return `${names.slice(0, 6).join(', ')} and ${names.length - 6} more`;
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
}
