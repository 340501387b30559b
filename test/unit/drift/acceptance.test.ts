import { describe, expect, test } from 'vitest';
import { checkReason, parseUntil, splitAccepted } from '../../../controller/drift/acceptance.js';
import { findingId } from '../../../controller/drift/finding-id.js';
import { OperatorError } from '../../../controller/errors.js';
import { acceptance, after, finding, START } from './memory-support.js';

function codeOf(work: () => unknown): string {
  try {
    return `no error: ${String(work())}`;
  } catch (error) {
    return error instanceof OperatorError ? error.code : String(error);
  }
}

describe('until when', () => {
  test.each([
    ['14d', '2026-12-06T10:00:00.000Z'],
    ['12h', '2026-11-22T22:00:00.000Z'],
    ['8w', '2027-01-17T10:00:00.000Z'],
    [' 1d ', '2026-11-23T10:00:00.000Z'],
    ['2026-11-22', '2026-11-23T00:00:00.000Z'],
    ['2027-02-28', '2027-03-01T00:00:00.000Z'],
    ['2026-12-01T08:30Z', '2026-12-01T08:30:00.000Z'],
    ['2026-12-01T08:30:00+02:00', '2026-12-01T06:30:00.000Z'],
    ['365d', '2027-11-22T10:00:00.000Z'],
    ['2027-11-22', '2027-11-23T00:00:00.000Z'],
  ])('%j is %s', (text, until) => {
    expect(parseUntil(text, START).toISOString()).toBe(until);
  });

  test.each([
    ['', 'UNTIL_MALFORMED'],
    ['soon', 'UNTIL_MALFORMED'],
    ['14', 'UNTIL_MALFORMED'],
    ['-1d', 'UNTIL_MALFORMED'],
    ['1.5d', 'UNTIL_MALFORMED'],
    ['10m', 'UNTIL_MALFORMED'],
    ['999999d', 'UNTIL_MALFORMED'],
    ['2027-02-30', 'UNTIL_MALFORMED'],
    ['2027-13-01', 'UNTIL_MALFORMED'],
    ['01/02/2027', 'UNTIL_MALFORMED'],
    ['2027-01-01T10:00', 'UNTIL_MALFORMED'],
    ['2027-02-30T10:00Z', 'UNTIL_MALFORMED'],
    ['2027-01-01T25:00Z', 'UNTIL_MALFORMED'],
    ['２０２７-01-01', 'UNTIL_MALFORMED'],
    ['x'.repeat(100_000), 'UNTIL_MALFORMED'],
    ['0d', 'UNTIL_PAST'],
    ['2026-11-21', 'UNTIL_PAST'],
    ['2026-11-22T10:00Z', 'UNTIL_PAST'],
    ['99999d', 'UNTIL_TOO_FAR'],
    ['2028-01-01', 'UNTIL_TOO_FAR'],
  ])('%.20j is refused: %s', (text, code) => {
    expect(codeOf(() => parseUntil(text, START))).toBe(code);
  });
});

test.each([
  ['', 'REASON_MISSING'],
  [' \t', 'REASON_MISSING'],
  ['two\nlines', 'REASON_MALFORMED'],
  ['\u001b[2Jgone', 'REASON_MALFORMED'],
  ['x'.repeat(501), 'REASON_MALFORMED'],
])('the reason %.10j is refused', (text, code) => {
  expect(codeOf(() => checkReason(text))).toBe(code);
});

test('a reason is kept as it was said', () => {
  expect(checkReason(' Wartung läuft 🛠 ')).toBe('Wartung läuft 🛠');
});

test('what is accepted does not count on that host until the acceptance ends', () => {
  const here = finding();
  const there = finding({ host: 'web2' });
  const until = after(60).toISOString();
  const accepted = [acceptance({ id: findingId(here), until })];
  expect(splitAccepted([here, there], accepted, START)).toEqual({ counted: [there], accepted: [here] });
  expect(splitAccepted([here, there], accepted, after(60))).toEqual({ counted: [here, there], accepted: [] });
});
