import fc from 'fast-check';
import { expect, test } from 'vitest';
import { jsonText } from '../../../controller/report/json-text.js';

const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

test('what a host says reaches a terminal by JSON as it said it, and is not obeyed', () => {
  const said = { text: '\u001b[2J\u009b31m\u007f\u0085\u202e\u2066\u2028\u061c\ufeff' };
  expect(jsonText(said)).not.toMatch(OBEYED);
  expect(JSON.parse(jsonText(said))).toEqual(said);
});

test('whatever the value, a parser gives it back', () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.stringMatching(/^[\u0080-\u009f\u2028-\u202e]*$/),
  );
  fc.assert(
    fc.property(fc.dictionary(word, fc.array(word, { maxLength: 3 }), { maxKeys: 3 }), (value) => {
      const text = jsonText(value, 2);
      expect(text).not.toMatch(OBEYED);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
    { seed: 5, numRuns: 25 },
  );
});
