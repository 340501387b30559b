import { expect, test } from 'vitest';
import { allCells, FAULTS, sample } from './cells.js';

const cells = allCells(['solaris-smf', 'solaris-legacy']);

test('there are more than a thousand cells, each with a name of its own', () => {
  expect(cells.length).toBeGreaterThan(1000);
  expect(new Set(cells.map(({ id }) => id)).size).toBe(cells.length);
});

test('a sample has every fault, and the same seed draws it again', () => {
  const drawn = sample(cells, 64, 7);
  expect(new Set(drawn.map(({ fault }) => fault))).toEqual(new Set(FAULTS));
  expect(drawn.map(({ id }) => id)).toEqual(sample(cells, 64, 7).map(({ id }) => id));
  expect(drawn.map(({ id }) => id)).not.toEqual(sample(cells, 64, 8).map(({ id }) => id));
  expect(drawn).toHaveLength(64);
});

test('a sample of more than there are is all of them', () => {
  expect(sample(cells, 100_000, 1)).toHaveLength(cells.length);
});
