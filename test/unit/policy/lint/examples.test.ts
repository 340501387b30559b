import { expect, test } from 'vitest';

import { RULE_BOOK, RULES_BY_KIND, LINT_KINDS, type LintKind } from '../../../../controller/keys/lint/rule-book.js';
import { lintFile, type FileReport } from '../../../../controller/keys/lint/lint-file.js';
import { parseAddress } from '../../../../controller/model/address.js';
import type { LintExample } from '../../../../controller/policy/lint/finding.js';
import { hostLines, withHosts } from '../../../../controller/policy/name-tables.js';
import { STOCK_NAMES } from '../../../../controller/policy/stock-names.js';
import { rulesPage } from '../../../../controller/report/lint-rule-text.js';

function lintExample(kind: LintKind, text: string, { local = [], hosts = '' }: LintExample, mode: number): FileReport {
  return lintFile(kind, text, {
    names: withHosts(STOCK_NAMES, hostLines(hosts)),
    local: local.flatMap((one) => parseAddress(one) ?? []),
    today: '2026-11-22',
    mode,
  });
}

const ALL = LINT_KINDS.flatMap((kind) => RULES_BY_KIND[kind].map((rule) => ({ kind, rule })));

test.each(ALL)('the bad example of $rule.code ($kind) is found, at a line it has', ({ kind, rule }) => {
  const { bad, mode = 0o600 } = rule.example;
  const { findings } = lintExample(kind, bad, rule.example, mode);
  const found = findings.filter(({ code }) => code === rule.code);
  expect(found.map(({ code }) => code)).not.toEqual([]);
  for (const { line, column, what, todo, why } of found) {
    expect(line).toBeLessThanOrEqual(Math.max(1, bad.split('\n').length));
    expect(column).toBeGreaterThan(0);
    expect([what, todo, why].every((text) => text.length > 0)).toBe(true);
  }
  expect(found.some(({ severity }) => severity === rule.severity)).toBe(true);
});

test.each(ALL)('the good example of $rule.code ($kind) has no error, no warning, and is taken', ({ kind, rule }) => {
  const { findings, tool } = lintExample(kind, rule.example.good, rule.example, 0o600);
  expect(findings.filter(({ code, severity }) => code === rule.code || severity !== 'info')).toEqual([]);
  expect(['installs', 'accepted']).toContain(tool.verdict);
});

test('codes are upper snake case, and one of a kind of file each', () => {
  expect([...RULE_BOOK.keys()].filter((code) => !/^[A-Z]+(_[A-Z]+)+$/.test(code))).toEqual([]);
  for (const kind of LINT_KINDS) {
    const codes = RULES_BY_KIND[kind].map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
  }
});

// After a change: npx vitest run test/unit/policy/lint -u
test('docs/lint-rules.md tells of every rule', async () => {
  await expect(rulesPage()).toMatchFileSnapshot('../../../../docs/lint-rules.md');
});
