import { expect, test } from 'vitest';

import { countProbes, type ProbeResult } from '../../../controller/model/link-probe.js';
import { probeJunit } from '../../../controller/report/probe-junit.js';
import { countsText, groupProbedText, probeText } from '../../../controller/report/probe-text.js';

const FLOW = {
  link: 'db1--web1',
  from: 'web1',
  to: 'db1',
  source: '10.0.1.11',
  destination: '10.0.2.21',
  flow: 'tcp/22',
  expect: 'protected',
  because: 'policy',
} as const;
const HELD: ProbeResult = { ...FLOW, state: 'held', evidence: 'SPI 0x1 moved 84 bytes out at web1 and in at db1' };
const BROKEN: ProbeResult = {
  ...FLOW,
  state: 'broken',
  fault: 'key-mismatch',
  evidence: 'no answer within 10 s',
  cause: 'other <keys>',
  todo: 'compare them',
};
const UNTRIED: ProbeResult = { ...FLOW, state: 'untried', why: 'there is no nc\u001b[2J' };

test('each flow is a line that says what was promised and what shows it; a broken one says what to do', () => {
  expect([HELD, BROKEN, UNTRIED].map((one) => probeText(one))).toEqual([
    'web1 → db1 tcp/22 (link db1--web1) protected: as promised; SPI 0x1 moved 84 bytes out at web1 and in at db1',
    [
      'web1 → db1 tcp/22 (link db1--web1) protected: BROKEN, key-mismatch; no answer within 10 s',
      '  likely other <keys>',
      '  compare them',
    ].join('\n'),
    'web1 → db1 tcp/22 (link db1--web1) protected: not tried; there is no nc\\x1b[2J',
  ]);
});

test('a group of hosts is one line of a run', () => {
  const counts = countProbes([HELD, HELD, UNTRIED]);
  expect(groupProbedText({ hosts: ['web1', 'db1'], ...counts })).toBe(
    'web1, db1: 2 flows tried on the wire: 2 as promised, 1 could not be tried',
  );
  expect(countsText(countProbes([HELD, BROKEN]))).toBe('2 flows tried on the wire: 1 not as promised');
  expect(countsText(countProbes([UNTRIED]))).toBe('no flow was tried on the wire, 1 could not be tried');
});

test('JUnit has a suite a link: what is broken is a failure, what was not tried is skipped', () => {
  const text = probeJunit([HELD, BROKEN, UNTRIED], [{ host: 'web1', why: 'a "jump" host' }], 'lab');
  expect(text).toContain('<testsuites name="ipsec-deploy probe lab" tests="4" failures="1" errors="0" skipped="2">');
  expect(text).toContain('<testsuite name="db1--web1" tests="3" failures="1" errors="0" skipped="1">');
  expect(text).toContain('<failure message="no answer within 10 s" type="key-mismatch">');
  expect(text).toContain('likely other &lt;keys&gt;');
  expect(text).toContain('<skipped message="a &quot;jump&quot; host"/>');
});
