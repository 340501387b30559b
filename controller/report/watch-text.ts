/** What happens while hosts are watched, a line each for people and an object each for programs (docs/json-output.md, the events of `drift watch`). */

import { positionText, type Problem } from '../errors.js';
import type { DriftDigest } from '../model/drift.js';
import type { WatchEvent, WatchFault } from '../model/watch.js';
import { digestText, hasNews, type DigestEntry } from './digest-text.js';
import { plain, printable, type Paint } from './paint.js';
import { remediationLines } from './remediation-text.js';

/** `undefined` where there is nothing to say: the loop is alive, or works. @param now begins the line. `inventory`: as commands have to name it */
export function watchText(
  event: WatchEvent,
  now: Date,
  { inventory, paint = plain }: { readonly inventory?: string | undefined; readonly paint?: Paint } = {},
): string | undefined {
  const lines = linesOf(event, inventory, paint);
  return lines?.map((line, i) => (i === 0 ? `${time(now)} ${line}\n` : `  ${line}\n`)).join('');
}

/** Whether people should see it even where nobody reads what goes well. */
export function isTrouble(event: WatchEvent): boolean {
  return (
    event.event === 'watch-failed' ||
    event.event === 'watch-missed' ||
    event.event === 'watch-reload-refused' ||
    (event.event === 'watch-told' && !event.told)
  );
}

/** `undefined` for beats. Looks and what is remembered are not repeated: the digest is what changed. */
export function watchRecord(event: WatchEvent): object | undefined {
  if (event.event === 'watch-beat') return undefined;
  if (event.event !== 'watch-pass-ended') return event;
  const { pass, complete, digest } = event;
  const { id, begun, ended } = pass;
  const { hosts, opened, cleared, quarantined, putRight = [], accepted = [], lapsed = [] } = digest;
  const news = { opened, cleared, quarantined, putRight, accepted, lapsed };
  return { event: event.event, pass: id, begun, ended, complete, hosts, ...news };
}

function linesOf(event: WatchEvent, inventory: string | undefined, paint: Paint): readonly string[] | undefined {
  switch (event.event) {
    case 'watch-started':
      return [`watching ${watchedText(event)}`];
    case 'watch-reloaded':
      return [`the inventory was read again: watching ${watchedText(event)}`];
    case 'watch-waiting':
      return [paint('dim', `next pass at ${event.until.replace('.000Z', 'Z')}`)];
    case 'watch-missed':
      return [missedText(event, paint)];
    case 'watch-pass-ended': {
      const { pass, complete, digest } = event;
      const seconds = ((Date.parse(pass.ended) - Date.parse(pass.begun)) / 1000).toFixed(1);
      const whole = complete ? '' : paint('yellow', ', stopped before every host had its turn');
      return [`pass of ${seconds} s: ${statesText(digest.hosts)}${whole}`, ...newsLines(digest, paint)];
    }
    case 'watch-told':
      return event.told
        ? [`${printable(event.notifier)} was told`]
        : [`${paint('red', `${printable(event.notifier)} could not be told`)}: ${faultText(event.fault)}`];
    case 'watch-failed':
      return [
        `${paint('red', 'the pass could not be made')}: ${faultText(event.fault)}`,
        `${event.failures === 1 ? 'tried' : `failed ${event.failures} times in a row; tried`} again after ${event.notBefore}`,
      ];
    case 'watch-reload-refused':
      return [
        `${paint('red', 'the inventory cannot be used')}: ${faultText(event.fault)}`,
        'what was read before stays in force',
      ];
    case 'watch-remediated':
      return remediated(remediationLines(event, { inventory, paint }));
    case 'watch-stopped':
      return ['stopped'];
    case 'watch-beat':
    case 'watch-pass-begun':
      return undefined;
  }
}

function remediated(lines: readonly string[]): readonly string[] | undefined {
  return lines.length === 0 ? undefined : ['putting right:', ...lines];
}

function statesText({ clean, drift, pending, unreachable }: DriftDigest['hosts']): string {
  const parts = [
    `${clean} clean`,
    ...(drift > 0 ? [`${drift} with drift`] : []),
    ...(pending > 0 ? [`${pending} with a pending change`] : []),
    ...(unreachable > 0 ? [`${unreachable} unreachable`] : []),
  ];
  return parts.join(', ');
}

function watchedText({ hosts, schedule, timeZone }: { hosts: number; schedule: string; timeZone: string }): string {
  return `${hosts} ${hosts === 1 ? 'host' : 'hosts'}: ${schedule} (${timeZone})`;
}

const WHY = {
  late: 'this machine slept, or its clock was set',
  busy: 'the pass before took too long',
  absent: 'nobody watched',
} as const;

function missedText({ count, since, why }: WatchEvent & { event: 'watch-missed' }, paint: Paint): string {
  const runs = count === 1 ? '1 run' : `${count} runs`;
  return `${paint('yellow', `missed ${runs} since ${since.replace('.000Z', 'Z')}`)}: ${WHY[why]}`;
}

function newsLines(digest: DriftDigest, paint: Paint): readonly string[] {
  if (!hasNews(digest)) return [];
  return digestText(digest).sections.flatMap(({ entries, more }) => [
    ...entries.flatMap((entry) => entryLines(entry, paint)),
    ...(more === undefined ? [] : [more]),
  ]);
}

function entryLines({ state, severity, kind, hosts, what, mend, ids }: DigestEntry, paint: Paint): readonly string[] {
  const word = paint(
    state === 'cleared' || state === 'put right'
      ? 'green'
      : state === 'accepted'
        ? 'cyan'
        : severity === 'critical'
          ? 'red'
          : 'yellow',
    state,
  );
  const about =
    state === 'quarantined' || state === 'lapsed' ? '' : ` ${severity} ${ids.length === 1 ? (ids[0] ?? kind) : kind}`;
  return [`${word}${about} ${hosts}: ${what}`, ...(mend === undefined ? [] : [`  ${paint('dim', 'mend:')} ${mend}`])];
}

function faultText({ what, where, todo, problems = [] }: WatchFault): string {
  return [
    `${where === undefined ? '' : `${where}: `}${what}${todo === undefined ? '' : `; ${todo}`}`,
    ...listed(problems),
  ]
    .flatMap((line) => line.split('\n'))
    .map(printable)
    .join('\n    ');
}

/** More than a screen of them says no more. */
const MOST_PROBLEMS = 20;

function listed(problems: readonly Problem[]): readonly string[] {
  const lines = problems.slice(0, MOST_PROBLEMS).map(({ at, severity, what, code, todo }) => {
    const where = at === undefined ? '' : `${positionText(at)}: `;
    return `${where}${severity}: ${what} [${code}]; ${todo}`;
  });
  const left = problems.length - lines.length;
  return [...lines, ...(left > 0 ? [`… and ${left} more: ipsec-deploy validate`] : [])];
}

function time(now: Date): string {
  return now.toISOString().replace(/\.\d+Z$/, 'Z');
}
