/** What the agent makes of a listing of the loaded policy that does not come to its end. */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentFolder } from '../../controller/cli/package-files.js';
import { isCutOff } from '../../controller/policy/canonical-listing.js';

const RULES = ['{ ulp 6 lport 80 dir in } pass { }', '{ raddr 10.0.2.21/32 dir in } ipsec { encr_algs aes-cbc(256) }'];
const listing = (...rules: readonly string[]): string =>
  rules.map((rule, i) => `#INDEX ${i * 2 + 1}\n${rule} \n`).join('');

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'listing-'));
  fs.writeFileSync(join(folder, 'wanted'), RULES.map((rule) => `${rule}\n`).join(''));
});
afterAll(() => fs.rmSync(folder, { recursive: true }));

/** The words of the comparison; none and exit 0 where the listing is what is wanted. */
function compare(text: string): readonly [number | null, string] {
  const file = join(folder, 'listing');
  fs.writeFileSync(file, text);
  const program = join(agentFolder, 'lib', 'ipsec.awk');
  const names = ['-v', 'job=policy', '-v', `listing=${file}`, '-v', `wanted=${join(folder, 'wanted')}`];
  const { status, stdout } = spawnSync('awk', [...names, '-f', program], { encoding: 'utf8' });
  return [status, stdout];
}

const whole = listing(...RULES);

test('a whole listing is taken as it is', () => {
  expect(compare(whole)).toEqual([0, '']);
  expect(isCutOff(whole)).toBe(false);
  expect(isCutOff('')).toBe(false);
});

const cut: readonly [string, string][] = [
  ['after the number of a further rule', `${whole}#INDEX 7\n`],
  ['within the number', `${whole}#INDEX `],
  ['within the word', `${whole}#IN`],
];
test.each(cut)('one that was cut off %s is not taken for all that is loaded', (_where, text) => {
  expect(compare(text)).toEqual([
    1,
    'problem the listing of the loaded policy was cut off after 2 rules, 2 expected\n',
  ]);
  expect(isCutOff(text)).toBe(true);
});

test('one that was cut off within a rule, or between two, has another rule or too few', () => {
  expect(compare(whole.slice(0, -12))[1]).toContain('rule not loaded: { raddr 10.0.2.21/32 dir in }');
  expect(compare(listing(...RULES.slice(0, 1)))[1]).toContain('problem 1 rules loaded, 2 expected');
});
