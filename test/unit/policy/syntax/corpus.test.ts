import { describe, expect, test } from 'vitest';
import { formatFile } from '../../../../controller/keys/format-file.js';
import { predictLoad } from '../../../../controller/policy/predict-load.js';
import { NAMES, readCases } from '../corpus.js';

interface PolicyCase {
  readonly id: string;
  readonly input: string;
  readonly accept: boolean;
}

function installed(text: string): unknown {
  const { accepted, rules } = predictLoad(text, NAMES);
  return { accepted, rules: rules.map((rule) => ({ ...rule, source: undefined })) };
}

describe('a policy file that the real tool takes installs the same after formatting', () => {
  const cases = readCases<PolicyCase>('policy.jsonl');

  test('every accepted case of the corpus', () => {
    const accepted = cases.filter(({ accept }) => accept);
    const refused = accepted.filter(({ input }) => formatFile('policy', input, 'f').kind === 'refused');
    expect(refused.map(({ id }) => id)).toEqual([]);
    for (const { id, input } of accepted) {
      const formatted = formatFile('policy', input, 'f');
      const text = formatted.kind === 'formatted' ? formatted.text : '';
      expect({ id, ...Object(installed(text)) }).toEqual({ id, ...Object(installed(input)) });
      expect({ id, problems: formatted.problems.filter(({ code }) => code === 'FMT_UNREAD') }).toEqual({
        id,
        problems: [],
      });
    }
  });

  test('formatting what is formatted changes nothing, also where entries are refused', () => {
    for (const { id, input } of cases) {
      const once = formatFile('policy', input, 'f');
      if (once.kind === 'refused') continue;
      expect({ id, again: formatFile('policy', once.text, 'f') }).toMatchObject({ id, again: { text: once.text } });
    }
  });
});
