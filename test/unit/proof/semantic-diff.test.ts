import { expect, test } from 'vitest';

import { findRule } from '../../../controller/policy/match-flow.js';
import { predictLoad } from '../../../controller/policy/predict-load.js';
import { holds, samplePacket } from '../../../controller/policy/region.js';
import { semanticDiff } from '../../../controller/proof/semantic-diff.js';
import { treatmentKey, treatmentOf } from '../../../controller/proof/treatment.js';
import { draws, randomRule, showPacket, smallSpace } from './random-policies.js';

const CASES = 500;
const SEED = Number(process.env['POLICY_SEED'] ?? 1);

test('every packet that is treated otherwise is in exactly one change with what was and what is, and no other packet in any', () => {
  const draw = draws(SEED + 3);
  const spaces = { 4: smallSpace(4), 6: smallSpace(6) };
  let differing = 0;
  for (let round = 0; round < CASES; round++) {
    const family = round % 4 === 0 ? 6 : 4;
    const dir = round % 2 === 0 ? 'in' : 'out';
    const before = Array.from({ length: draw(6) }, (_, index) => randomRule(draw, family, dir, index));
    // Mostly the same policy with a rule or two of its own, as changes are.
    const kept = draw(3) === 0 ? [] : before.filter(() => draw(3) > 0);
    const own = Array.from({ length: draw(3) }, (_, index) => randomRule(draw, family, dir, 10 + index));
    const after = [...kept, ...own];
    const changes = semanticDiff(before, after);
    for (const packet of spaces[family]) {
      const was = treatmentOf(findRule(before, dir, packet), dir);
      const is = treatmentOf(findRule(after, dir, packet), dir);
      const found = changes.flatMap((change) =>
        change.direction === dir ? change.regions.filter((region) => holds(region, packet)).map(() => change) : [],
      );
      const differs = treatmentKey(was) !== treatmentKey(is);
      if (differs) differing++;
      const [change] = found;
      const right =
        found.length === (differs ? 1 : 0) &&
        (change === undefined ||
          (treatmentKey(change.before) === treatmentKey(was) && treatmentKey(change.after) === treatmentKey(is)));
      if (!right) expect.fail(`round ${round}: ${showPacket(packet)} is in ${found.length} changes`);
    }
    for (const { example: region, ruleBefore, ruleAfter, direction } of changes) {
      const example = samplePacket(region);
      const decided =
        findRule(before, direction, example) === ruleBefore && findRule(after, direction, example) === ruleAfter;
      if (!decided) expect.fail(`round ${round}: ${showPacket(example)} is decided by other rules`);
    }
  }
  expect(differing).toBeGreaterThan(5_000);
});

function kinds(before: string, after: string): string[] {
  const [old, next] = [predictLoad(before), predictLoad(after)];
  for (const { accepted, messages } of [old, next]) if (!accepted) throw new Error(messages);
  return semanticDiff(old.rules, next.rules).map(
    ({ direction, family, before: was, after: is, exposed }) =>
      `${direction}${family} ${was.kind} → ${is.kind}${exposed ? ' exposed' : ''}`,
  );
}

const ESP = 'encr_algs aes encr_auth_algs sha256';

test('a policy changes nothing against itself, whatever the order and the words of its rules', () => {
  const policy = `{raddr 10.0.2.0/24} ipsec {${ESP}}\n{lport 80 ulp tcp dir both} bypass {}\n`;
  const reordered = `{ulp tcp lport 80 dir both} pass {}\n{raddr 10.0.2.7/24} ipsec {${ESP} sa shared}\n`;
  expect(kinds(policy, reordered)).toEqual([]);
});

test('the first policy of a host changes what was clear', () => {
  expect(kinds('# none\n', `{raddr 10.0.2.21} ipsec {${ESP}}\n`)).toEqual([
    'out4 clear → protected',
    'in4 clear → protected',
  ]);
});

test('a link that is taken away exposes its flows, and they come first', () => {
  const change = kinds(
    `{raddr 10.0.2.21} ipsec {${ESP}}\n{raddr 10.0.2.22 dir in} drop {}\n`,
    `{raddr 10.0.2.23 dir in} drop {}\n`,
  );
  expect(change).toEqual([
    'out4 protected → clear exposed',
    'in4 protected → clear exposed',
    'in4 refused → clear',
    'in4 clear → refused',
  ]);
});

test.each([
  ['a rule that also takes clear packets', `{dir in} pass {} or ipsec {${ESP}}`, ['in4 protected → either exposed']],
  [
    'a rule that may send clear by what was loaded before',
    `{dir out} pass {} or ipsec {${ESP}}`,
    ['out4 protected → protected exposed'],
  ],
  [
    'integrity without encryption',
    '{} ipsec {auth_algs sha256}',
    ['out4 protected → protected exposed', 'in4 protected → protected exposed'],
  ],
  [
    'other algorithms',
    '{} ipsec {encr_algs aes(256) encr_auth_algs sha512}',
    ['out4 protected → protected', 'in4 protected → protected'],
  ],
])('%s in place of ESP', (_what, rule, expected) => {
  const dir = expected[0]?.startsWith('in') ? 'dir in' : 'dir out';
  const strict = expected.length > 1 ? `{} ipsec {${ESP}}\n` : `{${dir}} ipsec {${ESP}}\n`;
  expect(kinds(strict, `${rule}\n`).filter((one) => one.includes('4 '))).toEqual(expected);
});

test('rules of tunnels are not the host’s', () => {
  expect(kinds('# none\n', '{tunnel ip.tun0 negotiate tunnel dir both} drop {}\n')).toEqual([]);
});

test('a mesh of a thousand peers whose algorithms change is one change a direction', () => {
  const policy = (algorithm: string): string =>
    Array.from(
      { length: 1000 },
      (_, at) => `{raddr 10.${at >> 8}.${at & 255}.1} ipsec {encr_algs ${algorithm} encr_auth_algs sha256}\n`,
    ).join('');
  const [old, next] = [predictLoad(policy('aes')).rules, predictLoad(policy('aes(256)')).rules];
  const changes = semanticDiff(old, next);
  expect(
    changes.map(({ direction, regions }) => `${direction} ${new Set(regions.map((one) => one.remote.from)).size}`),
  ).toEqual(['out 1000', 'in 1000']);
});
