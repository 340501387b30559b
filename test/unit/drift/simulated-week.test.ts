import { expect, test } from 'vitest';
import { simulateWeek } from './simulated-week.js';

test('clean hosts in a week: no finding, no incident, no message', () => {
  const { looks, findings, digests, memory } = simulateWeek(6);
  expect(looks).toBe(4032);
  expect(findings.slice(0, 3)).toEqual([]);
  expect(digests).toEqual([]);
  expect(memory.incidents).toEqual([]);
});
