import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InputProblems } from '../../../controller/errors.js';
import { parseInventory } from '../../../controller/inventory/parse.js';

const reference = readFileSync('inventory/reference.yaml', 'utf8');
// without comments, so that nearly every mutation hits something that matters
const bare = reference.replace(/(^|\s)#.*$/gm, '').replace(/\n\s*\n/g, '\n');

type Mutation = { readonly at: number; readonly cut: number; readonly put: string };

const fragments = fc.oneof(
  fc.string({ maxLength: 4 }),
  fc.constantFrom(
    '[',
    ']',
    '{',
    '}',
    ': ',
    '- ',
    '\n',
    '\t',
    '&a ',
    '*a',
    '<<: ',
    'null',
    '~',
    '!x ',
    '---\n',
    '"',
    "'",
    '|',
    '>',
  ),
  fc.constantFrom(
    'web01',
    'db',
    '10.0.1.11',
    'fd00::',
    '[1:9]',
    '[9:1]',
    '0x10',
    '1e999',
    '-1',
    'true',
    'no',
    'classic',
    'manual',
  ),
);
const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(
  fc.record({ at: fc.nat(bare.length), cut: fc.oneof(fc.constant(0), fc.nat(30)), put: fragments }),
  { minLength: 1, maxLength: 4 },
);

/** Either an inventory, or problems that each have a place, a complaint and an advice. */
function readOrRefuse(text: string): void {
  try {
    parseInventory({ path: 'i.yaml', readFile: () => text });
  } catch (error) {
    if (!(error instanceof InputProblems)) throw error;
    for (const { what, todo, at, code } of error.problems) {
      expect([what, todo, at?.file].includes('')).toBe(false);
      expect(code).toMatch(/^[A-Z][A-Z_]+$/);
      expect(at?.line).toBeGreaterThanOrEqual(1);
      expect(at?.line).toBeLessThanOrEqual(text.split('\n').length);
      expect(at?.column).toBeGreaterThanOrEqual(1);
    }
  }
}

test('a mutated inventory is read or refused, never a crash', () => {
  fc.assert(
    fc.property(mutations, (steps) => {
      readOrRefuse(steps.reduce((text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut), bare));
    }),
    { numRuns: 120 },
  );
});

test('whole values exchanged for others are read or refused, never a crash', () => {
  const lines = bare.split('\n');
  const values = fc.constantFrom(
    '',
    ' 1',
    ' x',
    ' []',
    ' {}',
    ' [x]',
    ' [[]]',
    ' { a: b }',
    ' null',
    ' -1.5',
    ' "*"',
    ' true',
  );
  fc.assert(
    fc.property(fc.nat(lines.length - 1), values, fc.nat(lines.length - 1), (at, value, other) => {
      const changed = lines.map((line, i) => (i === at ? line.replace(/:( .*)?$/, `:${value}`) : line));
      changed.splice(other, 1);
      readOrRefuse(changed.join('\n'));
    }),
    { numRuns: 120 },
  );
});

test.each([
  ['brackets without end', '['.repeat(200_000)],
  ['braces without end', '{a: '.repeat(50_000)],
  ['dashes without end', '- '.repeat(100_000)],
  ['indentation without end', Array.from({ length: 2000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ['ten million characters', `version: 1\n# ${'x'.repeat(10_000_000)}`],
  ['control characters', 'version: \u0000\u0007\uFFFF'],
  ['a lone surrogate', 'version: "\uD800"'],
])('%s is refused in time', (_, text) => {
  expect(() => parseInventory({ path: 'i.yaml', readFile: () => text })).toThrow(InputProblems);
});

test('a thousand hosts with twenty thousand links are read', () => {
  const { inventory } = parseInventory({
    path: 'i.yaml',
    readFile: () => `version: 1
fleet: large
management: [10.255.0.5]
defaults: { ssh: { user: u } }
groups: { core: { hosts: ['core*'] }, leaf: { hosts: ['leaf*'] } }
hosts:
  core[001:200]: { address: '10.0.0.[1:200]', groups: [core] }
${Array.from({ length: 800 }, (_, i) => `  leaf${i}: { address: 10.1.${i >> 8}.${i & 255}, groups: [leaf], vars: { n: ${i} } }`).join('\n')}
links:
  - mesh: core
  - between: [core001, leaf]
`,
  });
  expect(inventory.hosts.length).toBe(1000);
  expect(inventory.links.length).toBe((200 * 199) / 2 + 800);
});
