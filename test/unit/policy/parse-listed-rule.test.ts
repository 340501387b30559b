import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import type { Action, LoadedRule } from '../../../controller/model/policy.js';
import { parseListedRule } from '../../../controller/policy/parse-listed-rule.js';
import { predictLoad } from '../../../controller/policy/predict-load.js';
import { ruleText } from '../../../controller/policy/rule-text.js';

interface Case {
  readonly id: string;
  readonly input: string;
  readonly loaded: string | readonly string[] | null;
}

const CASES = readFileSync('test/fixtures/corpus/policy.jsonl', 'utf8')
  .trimEnd()
  .split('\n')
  .map((line): Case => JSON.parse(line) as Case);

/** Every rule line that the real command printed, each once. */
function listedLines(): readonly string[] {
  const lines = CASES.flatMap(({ loaded }) => (typeof loaded === 'string' ? loaded.split('\n') : (loaded ?? [])));
  return [...new Set(lines.map((line) => line.trimEnd()))].filter((line) => line.startsWith('{'));
}

test('every rule that the real command lists is read, and prints as it was', () => {
  const lines = listedLines();
  expect(lines.length).toBeGreaterThan(300);
  for (const line of lines) {
    const read = parseListedRule(line);
    const again = read?.families.map((family) => ruleText({ ...read, selector: { family, ...read.selector } }));
    expect(again?.[0], line).toBe(line);
  }
});

/** A listing does not say that integrity was asked for beside `any` cipher. */
function listed(action: Action): Action {
  if (action.kind !== 'protect' || action.esp === undefined) return action;
  const { sealed: _sealed, ...esp } = action.esp;
  return { ...action, esp };
}

function selectorOf({ selector }: LoadedRule): object {
  return Object.fromEntries(Object.entries(selector).filter(([key]) => key !== 'family'));
}

test('a rule is read back with the selectors, actions and family it was loaded with', () => {
  let compared = 0;
  for (const { id, input } of CASES) {
    for (const rule of predictLoad(input).rules) {
      const read = parseListedRule(rule.text);
      expect(read, `${id}: ${rule.text}`).toMatchObject({ dir: rule.dir, actions: rule.actions.map(listed) });
      expect(read?.families, rule.text).toContain(rule.family);
      expect(read?.tunnel, rule.text).toEqual(rule.tunnel);
      if (read?.families.length === 1 || (rule.selector.local ?? rule.selector.remote) === undefined) {
        expect(read?.selector, rule.text).toEqual(selectorOf(rule));
        compared++;
      }
    }
  }
  expect(compared).toBeGreaterThan(700);
});

test.each([
  '',
  'pass { }',
  '{ dir in }',
  '{ } pass { }',
  '{ dir both } pass { }',
  '{ laddr 10.0.0.1 dir in } pass { }',
  '{ laddr 10.0.0.1/33 dir in } pass { }',
  '{ laddr 10.0.0.300/8 dir in } pass { }',
  '{ lport http dir in } pass { }',
  '{ lport 70000 dir in } pass { }',
  '{ ulp 6 ulp 6 dir in } pass { }',
  '{ tunnel ip.tun0 dir in } pass { }',
  '{ dir in } pass { } or',
  '{ dir in } pass { } pass { }',
  '{ dir in } pass { sa shared }',
  '{ dir in } ipsec { }',
  '{ dir in } ipsec { sa shared }',
  '{ dir in } ipsec { encr_auth_algs hmac-sha1(160) sa shared }',
  '{ dir in } ipsec { encr_algs aes-cbc(x) sa shared }',
  '{ zone 3 dir in } pass { }',
])('what no listing says is not read: %s', (text) => {
  expect(parseListedRule(text)).toBeUndefined();
});
