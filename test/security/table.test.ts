import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const page = readFileSync('docs/security.md', 'utf8');
const table = page.slice(page.indexOf('## What was attacked, and by which test'));
const rows = [...table.matchAll(/^\| (.+) \| `(test\/[^`]+)` \|$/gm)].map(([, attack = '', file = '']) => ({
  attack,
  file,
}));

test('every attack that the security page speaks of has a test', () => {
  expect(rows.length).toBeGreaterThan(30);
  // Each row of the table, but its head and the line under that.
  expect(table.split('\n').filter((line) => line.startsWith('|'))).toHaveLength(rows.length + 2);
  expect(new Set(rows.map(({ attack }) => attack)).size).toBe(rows.length);
});

test.each(rows)('$attack: $file', ({ file }) => {
  expect(existsSync(file)).toBe(true);
  expect(readFileSync(file, 'utf8')).toMatch(/^\s*(test|it)[.(]/m);
});
