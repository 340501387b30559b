import { expect, test } from 'vitest';
import { brokenCases, problemsOf } from './broken-cases.js';

const cases = brokenCases();

test('there are at least sixty broken inventories', () => {
  expect(cases.length).toBeGreaterThanOrEqual(60);
  expect(new Set(cases.map((broken) => broken.title)).size).toBe(cases.length);
});

test.each(cases)('$title', ({ files, expected }) => {
  expect(expected).toContain('error');
  expect(problemsOf(files)).toBe(expected);
  expect(expected).not.toContain('PLANTED');
});
