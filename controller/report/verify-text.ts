/** What a look at hosts found, host by host: as wanted, or what is not. */

import type { FleetPlan } from '../plan/fleet-plan.js';
import { isUnchanged, type HostPlan } from '../plan/host-plan.js';
import { plain, printable, type Paint } from './paint.js';
import { outcomeText } from './run-text.js';

export function verifyText(plan: FleetPlan, paint: Paint = plain): string {
  const lines = plan.hosts.map((host) => hostText(host, paint));
  lines.push(...plan.excluded.map(({ host, outcome }) => outcomeText(host, outcome, paint)));
  const right = plan.hosts.filter(isUnchanged).length;
  lines.push(`${right} of ${plan.hosts.length + plan.excluded.length} hosts are as the inventory asks`);
  return `${lines.join('\n')}\n`;
}

function hostText(host: HostPlan, paint: Paint): string {
  const generation = host.expect.generation === undefined ? 'never applied' : `generation ${host.expect.generation}`;
  if (isUnchanged(host))
    return `${paint('bold', host.host)}: ${paint('green', 'as wanted')}, ${generation}, ${host.spd.length} rules loaded`;
  const found = [
    ...host.files.flatMap((file) => (file.kind === 'keep' ? [] : [`${file.path} ${FILE_WORDS[file.kind]}`])),
    ...host.reasons.map(printable),
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
