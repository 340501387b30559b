/** Findings that a person has accepted until a day: how the day and the reason are read, and what still counts. */

import { OperatorError } from '../errors.js';
import type { Acceptance, DriftFinding } from '../model/drift.js';
import { findingId } from './finding-id.js';

const SECONDS: Readonly<Record<string, number>> = { h: 3600, d: 86_400, w: 7 * 86_400 };
const DAY_MS = 86_400_000;
/** Longer than that nobody remembers why. */
const MOST_DAYS = 366;
const MOST_REASON = 500;

/**
 * When an acceptance ends: a day, which is included (UTC), a time with its zone, or a duration such as `12h`, `14d`, `8w`.
 * @throws OperatorError UNTIL_MALFORMED, UNTIL_PAST, or UNTIL_TOO_FAR beyond a year
 */
export function parseUntil(text: string, now: Date): Date {
  const word = text.trim();
  const until = fromDuration(word, now) ?? fromDay(word) ?? fromTime(word);
  if (until === undefined || Number.isNaN(until.getTime())) {
    throw refusal('UNTIL_MALFORMED', `"${cut(word)}" is neither a day nor a duration`);
  }
  if (until.getTime() <= now.getTime()) throw refusal('UNTIL_PAST', `${cut(word)} is over already`);
  if (until.getTime() > now.getTime() + (MOST_DAYS + 1) * DAY_MS) {
    throw refusal('UNTIL_TOO_FAR', `${cut(word)} is more than a year away`);
  }
  return until;
}

function fromDuration(word: string, now: Date): Date | undefined {
  const [, number, unit] = /^(\d{1,5})([hdw])$/.exec(word) ?? [];
  const seconds = SECONDS[unit ?? ''];
  return seconds === undefined ? undefined : new Date(now.getTime() + Number(number) * seconds * 1000);
}

/** The whole of the day belongs to it. A day that the calendar does not have is none. */
function fromDay(word: string): Date | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(word)) return undefined;
  const begin = new Date(`${word}T00:00:00Z`);
  if (Number.isNaN(begin.getTime()) || begin.toISOString().slice(0, 10) !== word) return undefined;
  return new Date(begin.getTime() + DAY_MS);
}

/** Without a zone nobody knows which hour is meant. */
function fromTime(word: string): Date | undefined {
  const day = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/.exec(word)?.[1];
  return day === undefined || fromDay(day) === undefined ? undefined : new Date(word);
}

function refusal(code: string, what: string): OperatorError {
  return new OperatorError(code, {
    what,
    where: '--until',
    todo: 'give a day of the coming year such as 2027-01-31, or a duration such as 12h, 14d or 8w',
  });
}

/** @throws OperatorError REASON_MISSING, REASON_MALFORMED */
export function checkReason(text: string): string {
  const reason = text.trim();
  if (reason === '') {
    const todo = 'say why this may stay as it is: whoever reads it in a month has only this sentence';
    throw new OperatorError('REASON_MISSING', { what: 'an acceptance needs a reason', where: '--reason', todo });
  }
  if (/[\p{Cc}\u2028\u2029]/u.test(reason) || Array.from(reason).length > MOST_REASON) {
    throw new OperatorError('REASON_MALFORMED', {
      what: 'the reason is not one line of text',
      where: '--reason',
      todo: `give one line without control characters, of ${MOST_REASON} characters at most`,
    });
  }
  return reason;
}

export function isInForce({ until }: Pick<Acceptance, 'until'>, now: Date): boolean {
  return Date.parse(until) > now.getTime();
}

/** What counts, and what a person has accepted for now. */
export function splitAccepted(
  findings: readonly DriftFinding[],
  acceptances: readonly Acceptance[],
  now: Date,
): { readonly counted: readonly DriftFinding[]; readonly accepted: readonly DriftFinding[] } {
  const keys = new Set(acceptances.filter((one) => isInForce(one, now)).map(({ host, id }) => `${host} ${id}`));
  const isAccepted = (finding: DriftFinding): boolean => keys.has(`${finding.host} ${findingId(finding)}`);
  return {
    counted: findings.filter((finding) => !isAccepted(finding)),
    accepted: findings.filter(isAccepted),
  };
}

function cut(word: string): string {
  return word.length > 40 ? `${word.slice(0, 40)}…` : word;
}
