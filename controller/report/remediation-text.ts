/** What was done, or would be, to hosts that drifted: a line a host. */

import type { Quarantine, RemediationRecord } from '../model/drift.js';
import { plain, printable, type Paint } from './paint.js';

export interface RemediationNews {
  readonly records: readonly RemediationRecord[];
  readonly quarantines: readonly Quarantine[];
  readonly left?: readonly { readonly host: string; readonly why: string }[];
  readonly halted?: string;
}

/** Without those that are merely not worked on: a service that runs for months says so once, in its records. */
export function remediationLines(news: RemediationNews, paint: Paint = plain): readonly string[] {
  const { records, quarantines, halted } = news;
  const told = new Set(quarantines.map(({ host }) => host));
  return [
    ...(halted === undefined ? [] : [`${paint('red', 'nothing is put right')}: ${printable(halted)}`]),
    ...records
      .filter(({ host }) => !told.has(host))
      .map(({ host, outcome }) => `${host}: ${outcomeWords(outcome, paint)}`),
    ...quarantines.map(
      ({ host, reason }) =>
        `${paint('red', `${host}: left alone from now on`)}: ${printable(reason)}; ipsec-deploy drift release ${host} ends it`,
    ),
  ];
}

/** All of it, for a person who asked. */
export function remediationText(news: RemediationNews, paint: Paint = plain): string {
  const left = (news.left ?? []).map(({ host, why }) => `${host}: not put right: ${printable(why)}`);
  return [...left, ...remediationLines(news, paint)].map((line) => `${line}\n`).join('');
}

function outcomeWords(outcome: string, paint: Paint): string {
  switch (outcome) {
    case 'confirmed':
      return paint('green', 'put right, as last confirmed');
    case 'unchanged':
      return 'nothing was found that could be put right';
    default:
      return `not put right: ${printable(outcome)}`;
  }
}
