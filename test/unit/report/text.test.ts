import { describe, expect, test } from 'vitest';

import { OperatorError, type ExitStatus } from '../../../controller/errors.js';
import { outcomeExit, runExit, type HostOutcome } from '../../../controller/model/run.js';
import { plain, printable } from '../../../controller/report/paint.js';
import { operatorErrorText, problemsText } from '../../../controller/report/problem-text.js';
import { eventText, outcomeText, summaryText } from '../../../controller/report/run-text.js';
import { statusText } from '../../../controller/report/status-text.js';
import { verifyText } from '../../../controller/report/verify-text.js';

const OUTCOMES: readonly [HostOutcome, ExitStatus, string][] = [
  [{ status: 'unchanged', generation: 4 }, 0, 'web1: unchanged, generation 4'],
  [{ status: 'confirmed', generation: 5 }, 0, 'web1: confirmed, generation 5 is in force'],
  [
    { status: 'reverted', step: 'verify', reason: '1 rule is missing', generation: 4 },
    3,
    'web1: reverted at step verify, generation 4 is in force: 1 rule is missing',
  ],
  [
    { status: 'failed', touched: false, reason: 'the host has moved', todo: 'make a new plan' },
    4,
    'web1: failed, nothing was changed: the host has moved\n  make a new plan',
  ],
  [
    { status: 'failed', touched: true, reason: 'revert did not verify', todo: 'log in' },
    4,
    'web1: failed: revert did not verify\n  log in',
  ],
  [
    { status: 'unreachable', reason: 'connection refused', todo: 'look' },
    4,
    'web1: unreachable, nothing was changed: connection refused\n  look',
  ],
  [
    { status: 'unknown', transaction: 'run-1.web1', revertsAt: '2026-11-22T10:01:00.000Z', reason: 'lost' },
    5,
    'web1: unknown: transaction run-1.web1 is open and reverts at 2026-11-22T10:01:00.000Z unless it is confirmed: lost\n' +
      '  after that time run `ipsec-deploy status --limit web1`',
  ],
  [{ status: 'skipped', reason: 'interrupted' }, 4, 'web1: skipped, nothing was changed: interrupted'],
];

test.each(OUTCOMES)('each outcome has its own word and exit status: $status', (outcome, exit, text) => {
  expect(outcomeText('web1', outcome)).toBe(text);
  expect(outcomeExit(outcome)).toBe(exit);
});

test('the worst outcome of a run wins, and no revert hides behind exit 0', () => {
  const by = (...wanted: HostOutcome['status'][]): ExitStatus =>
    runExit(OUTCOMES.map(([outcome]) => outcome).filter((outcome) => wanted.includes(outcome.status)));
  expect(by('unchanged', 'confirmed')).toBe(0);
  expect(by('confirmed', 'reverted')).toBe(3);
  expect(by('reverted', 'unreachable', 'confirmed')).toBe(4);
  expect(by('failed', 'unknown', 'reverted')).toBe(5);
  expect(runExit([])).toBe(0);
});

test('the last line counts outcomes and says what the exit status means', () => {
  const outcomes = new Map<string, HostOutcome>([
    ['a', { status: 'confirmed', generation: 1 }],
    ['b', { status: 'reverted', step: 'verify', reason: '', generation: undefined }],
  ]);
  expect(summaryText(outcomes, 3)).toBe('1 confirmed, 1 reverted: some host went back to what it had (exit 3)');
});

describe('what a host says cannot play with the terminal', () => {
  const EVIL = 'ok\u001b[2J\u0007\r\u202e done\u009b31m';

  test('control characters and text direction marks are shown, not obeyed', () => {
    expect(printable(EVIL)).toBe('ok\\x1b[2J\\x07\\x0d\\u{202e} done\\x9b31m');
  });

  const texts: [string, string][] = [
    ['an outcome', outcomeText('web1', { status: 'reverted', step: 'verify', reason: EVIL, generation: 1 })],
    [
      'a step',
      eventText({ event: 'step', host: 'web1', name: 'policy', state: 'failed', text: EVIL, output: [EVIL] }) ?? '',
    ],
    [
      'an alarm',
      verifyText(
        { run: 'R', fleet: 'F', made: '', hosts: [], groups: [], pulledIn: [], excluded: [] },
        [{ host: 'web1', kind: 'fail-open', what: EVIL, cause: EVIL, mend: EVIL, details: [EVIL] }],
        plain,
      ),
    ],
    ['an error', operatorErrorText(new OperatorError('X', { what: EVIL, where: EVIL, todo: EVIL }), plain)],
    [
      'a status',
      statusText(
        {
          host: 'web1',
          status: {
            generation: 1,
            run: EVIL,
            kept: [],
            history: [EVIL],
            outcome: undefined,
            openTransaction: { id: EVIL, state: EVIL, step: EVIL, generation: 2, revertsInSeconds: 5 },
          },
        },
        new Date('2026-11-22T10:00:00Z'),
      ),
    ],
  ];
  test.each(texts)('in %s', (_name, text) => {
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  });
});

test('lines that a tool says once for each address family are shown once', () => {
  const text = eventText({
    event: 'step',
    host: 'web1',
    name: 'verify',
    state: 'failed',
    text: '',
    output: ['rule not loaded: x', 'rule not loaded: x'],
  });
  expect(text?.split('\n')).toHaveLength(2);
});

test('a finding ends with its code, and a long one has a line for each of its parts', () => {
  const at = { file: 'a.hbs', line: 3, column: 1 };
  const end = `web1 has ${'x'.repeat(160)}`;
  const problem = { severity: 'error', code: 'PAIR_MISSING_END', at, todo: 'mend it' } as const;
  expect(problemsText([{ ...problem, what: 'short; still a line' }], plain)).toBe(
    'a.hbs:3:1: error: short; still a line [PAIR_MISSING_END]\n  mend it\n',
  );
  expect(problemsText([{ ...problem, what: `refused; ${end}; db1 has no rule` }], plain)).toBe(
    `a.hbs:3:1: error: refused;\n  ${end};\n  db1 has no rule [PAIR_MISSING_END]\n  mend it\n`,
  );
});
