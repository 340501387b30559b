/** What was done, or would be, to hosts that drifted: a line a host. */

import { releaseCommand } from '../drift/finding-words.js';
import type { Quarantine, RemediationRecord } from '../model/drift.js';
import { plain, printable, type Paint } from './paint.js';

export interface RemediationNews {
  readonly records: readonly RemediationRecord[];
  readonly quarantines: readonly Quarantine[];
  readonly left?: readonly { readonly host: string; readonly why: string }[];
  readonly halted?: string;
}

export interface RemediationStyle {
  /** As the command that releases a host has to name it. */
  readonly inventory?: string | undefined;
  readonly paint?: Paint;
}

/** Without those that are merely not worked on: a service that runs for months says so once, in its records. */
export function remediationLines(
  news: RemediationNews,
  { inventory, paint = plain }: RemediationStyle = {},
): readonly string[] {
  const { records, quarantines, halted, left = [] } = news;
  const told = new Set(quarantines.map(({ host }) => host));
  return [
    ...(halted === undefined ? [] : [`${paint('red', 'nothing is put right')}: ${printable(halted)}`]),
    ...records
      .filter(({ host }) => !told.has(host))
      .map(({ host, outcome }) => {
        const why = left.find((one) => one.host === host)?.why;
        return `${host}: ${why === undefined ? outcomeWords(outcome, paint) : notPutRight(why)}`;
      }),
    ...quarantines.map(
      ({ host, reason }) =>
        `${paint('red', `${host}: left alone from now on`)}: ${printable(reason)}; ${printable(releaseCommand(host, inventory))} ends it`,
    ),
  ];
}

/** All of it, for a person who asked. */
export function remediationText(news: RemediationNews, style: RemediationStyle = {}): string {
  const recorded = new Set(news.records.map(({ host }) => host));
  const left = (news.left ?? [])
    .filter(({ host }) => !recorded.has(host))
    .map(({ host, why }) => `${host}: ${notPutRight(why)}`);
  return [...left, ...remediationLines(news, style)].map((line) => `${line}\n`).join('');
}

function outcomeWords(outcome: string, paint: Paint): string {
  switch (outcome) {
    case 'confirmed':
      return paint('green', 'put right, as last confirmed');
    case 'unchanged':
      return 'nothing was found that could be put right';
    default:
      return notPutRight(outcome);
  }
}

function notPutRight(why: string): string {
  return `not put right: ${printable(why)}`;
}
