/** How a finding is put together: its class and host, lists that are cut, and the commands that mend. */

import { createHash } from 'node:crypto';

import type { DriftFinding, DriftKind } from '../model/drift.js';
import type { CompareSettings, HostView } from './compare-view.js';

type Told = Omit<DriftFinding, 'host' | 'class' | 'kind' | 'since' | 'cause' | 'details'> & {
  readonly class?: DriftFinding['class'];
  readonly since?: DriftFinding['since'] | undefined;
  readonly cause?: string | undefined;
  readonly details?: readonly string[] | undefined;
};

/** Details beyond this are cut, and it is said how many. */
const MOST_DETAILS = 40;

export function finding(view: Pick<HostView, 'host'>, kind: DriftKind, told: Told): DriftFinding {
  const { since, cause, details, ...rest } = told;
  return {
    host: view.host.name,
    class: 'drift',
    kind,
    ...rest,
    ...(since === undefined ? {} : { since }),
    ...(cause === undefined ? {} : { cause }),
    ...(details === undefined || details.length === 0 ? {} : { details: cutLines(details) }),
  };
}

function cutLines(lines: readonly string[]): readonly string[] {
  if (lines.length <= MOST_DETAILS) return lines;
  return [...lines.slice(0, MOST_DETAILS), `… ${lines.length - MOST_DETAILS} more`];
}

/**
 * Several things with one cause as the subject of one finding. Another one among them makes another finding: who accepted some has not
 * accepted that one. For what comes and goes by itself, and would be told anew each time, a subject that stays is the better one.
 */
export function subjectOf(all: readonly string[]): string {
  const [first = '', ...others] = all;
  if (others.length === 0) return first;
  const names = createHash('sha256').update(JSON.stringify(all)).digest('hex').slice(0, 8);
  return `${first} and ${others.length} more (${names})`;
}

/** `1 rule`, `3 rules`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** A word as a shell takes it whole. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9._~/:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** `ipsec-deploy apply inventory.yaml --limit web1`: puts files, policy, keys and services back as the inventory asks. */
export function applyCommand(view: Pick<HostView, 'host'>, settings: Pick<CompareSettings, 'inventory'>): string {
  return toolCommand('apply', view, settings);
}

export function toolCommand(
  command: 'apply' | 'plan' | 'status' | 'rollback',
  { host }: Pick<HostView, 'host'>,
  { inventory }: Pick<CompareSettings, 'inventory'>,
): string {
  return `ipsec-deploy ${command} ${shellWord(inventory)} --limit ${shellWord(host.name)}`;
}

/** `ipsec-deploy drift release web1 inventory.yaml`. @param inventory absent: that of the working folder */
export function releaseCommand(host: string, inventory: string | undefined): string {
  return ['ipsec-deploy drift release', ...[host, ...(inventory === undefined ? [] : [inventory])].map(shellWord)].join(
    ' ',
  );
}

/** What no command of ours does by itself. */
export function onHost(...commands: readonly string[]): string {
  return `on the host, as root: ${commands.join(' && ')}`;
}
