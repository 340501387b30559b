import { expect, test } from 'vitest';

import type { LoadedRule } from '../../../../controller/model/policy.js';
import { meet } from '../../../../controller/policy/region.js';
import { partition } from '../../../../controller/policy/partition.js';
import { predictLoad } from '../../../../controller/policy/predict-load.js';
import { LISTS, shadowedRules } from '../../../../controller/policy/lint/reach.js';
import { regionsOf } from '../../../../controller/policy/lint/overlap.js';
import { clash, oneWayRules, treatment } from '../../../../controller/policy/lint/one-way.js';

const CASES = 150;

/** xorshift32: the same draws on every machine. */
function draws(seed: number): (below: number) => number {
  let state = seed * 2654435761 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const HARD = 'encr_algs aes(256) encr_auth_algs sha256';
const DOES = [
  'bypass {}',
  'drop {}',
  `ipsec { ${HARD} }`,
  'ipsec { auth_algs sha256 }',
  `pass {} or ipsec { ${HARD} }`,
  `ipsec { ${HARD} } or drop {}`,
];

function drawPolicy(seed: number): readonly LoadedRule[] {
  const draw = draws(seed);
  const oneOf = (words: readonly string[]): string => words[draw(words.length)] ?? '';
  const lines = Array.from({ length: 2 + draw(7) }, () => {
    const words = [
      draw(2) === 0 ? `raddr 10.0.0.${draw(4)}/${30 + draw(3)}` : '',
      draw(4) === 0 ? `laddr 10.0.1.${draw(2)}/${31 + draw(2)}` : '',
      oneOf(['ulp tcp', 'ulp tcp lport 22', 'ulp tcp lport 23', 'ulp icmp', 'ulp icmp type 3-8', '', '', '']),
      `dir ${oneOf(['in', 'out', 'both', 'both'])}`,
    ];
    return `{ ${words.join(' ')} } ${oneOf(DOES)}\n`;
  });
  return predictLoad(lines.join('')).rules;
}

test(`a rule is told of as shadowed exactly when it decides no packet, in ${CASES} drawn policies`, () => {
  let shadowed = 0;
  for (let seed = 1; seed <= CASES; seed++) {
    const rules = drawPolicy(seed);
    const found = shadowedRules(rules);
    const deciding = new Set(
      LISTS.flatMap(([dir, family]) => partition(rules, dir, family).flatMap(({ rule }) => rule ?? [])),
    );
    for (const rule of rules) {
      if (regionsOf(rule).length > 0)
        expect([seed, rule.text, found.has(rule)]).toEqual([seed, rule.text, !deciding.has(rule)]);
    }
    for (const [rule, by] of found) {
      shadowed++;
      expect(
        by.every((one) => one.dir === rule.dir && one.family === rule.family && one.priority > rule.priority),
      ).toBe(true);
    }
  }
  expect(shadowed).toBeGreaterThan(CASES / 4);
});

test(`answers go another way exactly where a rule is told of as one-way, in ${CASES} drawn policies`, () => {
  let clashes = 0;
  for (let seed = 1; seed <= CASES; seed++) {
    const rules = drawPolicy(seed);
    const told = oneWayRules(rules);
    for (const family of [4, 6] as const) {
      const inbound = partition(rules, 'in', family);
      const outbound = partition(rules, 'out', family);
      const differs = inbound.some((a) =>
        outbound.some(
          (b) => clash(treatment(a.rule, 'in'), treatment(b.rule, 'out')) && meet(a.region, b.region) !== undefined,
        ),
      );
      if (differs) clashes++;
      expect([seed, family, told.some(({ rule }) => rule.family === family)]).toEqual([seed, family, differs]);
    }
  }
  expect(clashes).toBeGreaterThan(CASES / 4);
});
