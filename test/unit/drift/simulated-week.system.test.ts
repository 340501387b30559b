import { expect, test } from 'vitest';
import { simulateWeek } from './simulated-week.js';

test('a hundred clean hosts in a week: no finding, no incident, no message', { timeout: 120_000 }, () => {
  const { looks, findings, digests, memory } = simulateWeek(100);
  expect(looks).toBe(67_200);
  expect(findings.slice(0, 3)).toEqual([]);
  expect(digests).toEqual([]);
  expect(memory.incidents).toEqual([]);
});
