import { expect, test } from 'vitest';

import { advance } from '../../../controller/drift/incidents.js';
import { InputProblems, type Problem } from '../../../controller/errors.js';
import { EMPTY_MEMORY } from '../../../controller/model/drift.js';
import type { WatchEvent } from '../../../controller/model/watch.js';
import { isTrouble, watchRecord, watchText } from '../../../controller/report/watch-text.js';
import { faultOf } from '../../../controller/run/tell-digest.js';
import { after, finding, look, pass, START } from '../drift/memory-support.js';

const now = new Date('2026-11-22T10:15:04.400Z');
const fault = { code: 'NOTIFIER_FAILED', what: 'no answer\u001b[2J', where: 'notifier chat', todo: 'see to it' };

function passEnded(complete: boolean): WatchEvent {
  const seen = pass([look('web1', [finding()]), look('db1')], START);
  const rules = { fleet: 'test', hosts: ['web1', 'db1'], confirmLooks: 1, dampingSeconds: 0 };
  const { memory, digest } = advance(EMPTY_MEMORY, seen, rules, START);
  const ended = { ...seen, ended: after(4.2).toISOString() };
  return { event: 'watch-pass-ended', pass: ended, complete, memory, digest };
}

test('a pass is a line, and what is new in it one for each cause with what mends it', () => {
  expect(watchText(passEnded(true), now)).toMatch(
    new RegExp(
      '^2026-11-22T10:15:04Z pass of 4.2 s: 1 clean, 1 with drift\\n' +
        '  new warning file-mode-[0-9a-f]{6} web1: .*has mode 0644, not 0400\\n' +
        '    mend: ipsec-deploy apply inventory.yaml --limit web1\\n$',
    ),
  );
  expect(watchText(passEnded(false), now)).toContain('stopped before every host had its turn');
});

test.each<[WatchEvent, string]>([
  [
    { event: 'watch-missed', count: 3, since: '2026-11-22T09:30:00.000Z', why: 'late' },
    'missed 3 runs since 2026-11-22T09:30:00Z: this machine slept, or its clock was set',
  ],
  [
    { event: 'watch-told', notifier: 'chat', told: false, fault },
    'chat could not be told: notifier chat: no answer\\x1b[2J; see to it',
  ],
  [
    { event: 'watch-failed', fault, failures: 2, notBefore: '2026-11-22T10:17:04.400Z' },
    'failed 2 times in a row; tried again after 2026-11-22T10:17:04.400Z',
  ],
  [{ event: 'watch-reload-refused', fault }, 'what was read before stays in force'],
])('trouble is told as such, without control characters: %j', (event, words) => {
  expect(isTrouble(event)).toBe(true);
  expect(watchText(event, now)).toContain(words);
});

test('an inventory that cannot be read again is refused with the place of each fault', () => {
  const problem = (line: number): Problem => ({
    code: 'UNKNOWN_HOST',
    severity: 'error',
    what: `there is no host "db${line}"`,
    at: { file: 'inventory.yaml', line, column: 3 },
    todo: 'did you mean "db1"?',
  });
  const found = faultOf(new InputProblems(Array.from({ length: 22 }, (_, i) => problem(i + 1))));
  const lines = watchText({ event: 'watch-reload-refused', fault: found }, now)?.split('\n') ?? [];
  expect(lines[0]).toMatch(/the inventory cannot be used: 22 problems in the input$/);
  expect(lines[1]?.trim()).toBe(
    'inventory.yaml:1:3: error: there is no host "db1" [UNKNOWN_HOST]; did you mean "db1"?',
  );
  expect(lines.slice(-4).map((line) => line.trim())).toEqual([
    expect.stringMatching(/^inventory\.yaml:20:3: /),
    '… and 2 more: ipsec-deploy validate',
    'what was read before stays in force',
    '',
  ]);
});

test('that the loop is alive is for health checks alone', () => {
  const beat: WatchEvent = { event: 'watch-beat', at: START.toISOString() };
  expect([watchText(beat, now), watchRecord(beat)]).toEqual([undefined, undefined]);
});

test('programs get what changed, not every look again', () => {
  const record = watchRecord(passEnded(true));
  expect(record).toMatchObject({ event: 'watch-pass-ended', hosts: { clean: 1, drift: 1 }, cleared: [] });
  expect(Object.keys(record ?? {})).not.toContain('memory');
});
