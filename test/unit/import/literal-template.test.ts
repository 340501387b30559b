import fc from 'fast-check';
import { expect, test } from 'vitest';
import { literalTemplate, type Slot } from '../../../controller/import/literal-template.js';
import { fileText } from '../../../controller/model/managed-file.js';
import { evaluateTemplate } from '../../../controller/render/evaluate-template.js';
import { Placeholder, RawLine } from '../../../controller/render/template-helpers.js';
import { templateSet } from '../../../controller/render/template-set.js';

const KEY = 'ab12';

/** What the template renders, each slot's key being `ab12`. */
function rendered(text: string, slots: readonly Slot[] = []): string {
  const template = literalTemplate(text, slots);
  const { set, problems } = templateSet([{ path: 'found.hbs', file: 'found.hbs', text: template }]);
  expect(problems).toEqual([]);
  const found = set.templates.get('found');
  if (found === undefined) throw new Error('no template');
  const data = {
    cr: new RawLine('\r'),
    keys: { 'psk:db1--web1': { key: new Placeholder({ key: 'psk:db1--web1', part: 'psk' }) } },
  };
  const { parts } = evaluateTemplate(found, set, data);
  return fileText({ path: '/etc/inet/ipsecinit.conf', mode: '0400', parts }, { generation: 1, key: () => KEY });
}

const piece = fc.constantFrom(
  '{',
  '}',
  '{{',
  '}}',
  '\\',
  '\n',
  '\r\n',
  ' ',
  'a',
  '#',
  '"',
  '~',
  '!--',
  '>',
  '{{!',
  'é',
  '\t',
  '{{{{',
);
const text = fc.array(piece, { maxLength: 40 }).map((pieces) => `${pieces.join('')}\n`);

test('a template made of a text renders that text', () => {
  fc.assert(
    fc.property(text, (whole) => {
      expect(rendered(whole)).toBe(whole);
    }),
    { seed: 3, numRuns: 500 },
  );
});

test('keys stand where they stood, whatever is beside them', () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const head = before.slice(0, -1);
      const slot = { from: head.length, to: head.length + 3, expression: 'keys.[psk:db1--web1].key' };
      expect(rendered(`${head}KEY${after}`, [slot])).toBe(`${head}${KEY}${after}`);
    }),
    { seed: 3, numRuns: 500 },
  );
});

test('keys are written in capitals or in quotes where the file had them so', () => {
  const slots = [
    { from: 2, to: 5, expression: 'upper keys.[psk:db1--web1].key' },
    { from: 6, to: 9, expression: 'quoted keys.[psk:db1--web1].key' },
  ];
  // 0xab12 is no plain text, so it is not quoted.
  expect(rendered('0xKEY KEY\n', slots)).toBe('0xAB12 ab12\n');
});
