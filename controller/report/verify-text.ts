/** What a look at hosts found, host by host: as wanted, or what is not; what cannot wait comes first. */

import type { Alarm, AlarmKind } from '../model/alarm.js';
import type { FleetPlan } from '../plan/fleet-plan.js';
import { isUnchanged, type HostPlan } from '../plan/host-plan.js';
import { plain, printable, type Paint } from './paint.js';
import { outcomeText } from './run-text.js';

export function verifyText(plan: FleetPlan, alarms: readonly Alarm[] = [], paint: Paint = plain): string {
  const alarmed = new Set(alarms.map(({ host }) => host));
  const lines = alarms.map((alarm) => alarmText(alarm, paint));
  if (lines.length > 0) lines.push('');
  lines.push(...plan.hosts.map((host) => hostText(host, alarmed.has(host.host), paint)));
  lines.push(...plan.excluded.map(({ host, outcome }) => outcomeText(host, outcome, paint)));
  const right = plan.hosts.filter((host) => isUnchanged(host) && !alarmed.has(host.host)).length;
  const raised =
    alarms.length === 0
      ? ''
      : paint('red', `; ${alarms.length} ${alarms.length === 1 ? 'alarm' : 'alarms'}, see above`);
  lines.push(`${right} of ${plan.hosts.length + plan.excluded.length} hosts are as the inventory asks${raised}`);
  return `${lines.join('\n')}\n`;
}

const KIND_WORDS: Readonly<Record<AlarmKind, string>> = {
  'fail-open': 'FAILS OPEN',
  'fail-open-at-boot': 'FAILS OPEN AT THE NEXT BOOT',
  'fail-open-rendered': 'WOULD FAIL OPEN',
  'out-of-step': 'OUT OF STEP',
  'daemon-down': 'KEY DAEMON DOWN',
};

/** Details told on a terminal; JSON has all. */
const MOST_DETAILS = 5;

function alarmText({ host, kind, what, cause, mend, details = [] }: Alarm, paint: Paint): string {
  const more = details.length - MOST_DETAILS;
  const lines = [
    `${paint('red', `ALARM: ${host}: ${KIND_WORDS[kind]}`)}: ${printable(what)}`,
    ...details.slice(0, MOST_DETAILS).map((line) => `  ${printable(line)}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
    ...(cause === undefined ? [] : [`  likely cause: ${printable(cause)}`]),
    `  mend: ${printable(mend)}`,
  ];
  return lines.join('\n');
}

function hostText(host: HostPlan, isAlarmed: boolean, paint: Paint): string {
  const generation = host.expect.generation === undefined ? 'never applied' : `generation ${host.expect.generation}`;
  if (isUnchanged(host)) {
    const state = isAlarmed ? paint('red', 'as wanted, but for the alarm') : paint('green', 'as wanted');
    return `${paint('bold', host.host)}: ${state}, ${generation}, ${host.spd.length} rules loaded`;
  }
  const [rendered, loaded] = [host.spd.length, host.loaded.length];
  const found = [
    ...host.files.flatMap((file) =>
      file.kind === 'keep' || 'insteadOfFile' in file ? [] : [`${file.path} ${FILE_WORDS[file.kind]}`],
    ),
    ...host.reasons.map(printable),
    ...(rendered === loaded ? [] : [`${loaded} rules are loaded, ${rendered} are rendered`]),
    ...ruleLines(host.rulesAdded, 'not loaded'),
    ...ruleLines(host.rulesRemoved, 'loaded, not wanted'),
  ];
  return `${paint('bold', host.host)}: ${paint('yellow', 'differs')}, ${generation}\n${found.map((line) => `  ${line}`).join('\n')}`;
}

const FILE_WORDS = {
  create: 'is not there',
  update: 'has other content',
  stored: 'has other content',
  remove: 'should not be there',
} as const;

/** Enough to see what it is about. */
const MOST_RULES = 5;

function ruleLines(rules: readonly string[], word: string): string[] {
  const lines = [...new Set(rules)].slice(0, MOST_RULES).map((rule) => `${word}: ${printable(rule)}`);
  return rules.length > MOST_RULES ? [...lines, `and ${rules.length - MOST_RULES} more ${word}`] : lines;
}
