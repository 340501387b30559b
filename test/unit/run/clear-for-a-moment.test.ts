import { expect, test } from 'vitest';

import type { LoadedRule } from '../../../controller/model/policy.js';
import type { FlowChangeSummary } from '../../../controller/plan/flow-changes.js';
import type { HostPlan } from '../../../controller/plan/host-plan.js';
import { ruleByRuleWords, type RuleByRule } from '../../../controller/plan/rule-by-rule.js';
import { transactionText } from '../../../controller/remote/agent-request.js';
import { proveChange } from '../../../controller/run/prove-change.js';
import { seedInventory } from '../../support/render-fleet.js';
import { hostPlan } from '../../support/host-plan.js';

const KNOWN = { unread: [], uncertain: false };

const FLOW: FlowChangeSummary = {
  direction: 'both',
  families: [4],
  before: { kind: 'protected', protections: ['encr_algs aes-cbc(256)'], doubtful: false },
  after: { kind: 'clear', protections: [], doubtful: false },
  flows: ['web1 ↔ db1 tcp/5432'],
  regions: [],
  example: '10.0.1.11 port 49152 → 10.0.2.21 port 5432 tcp',
  exposed: true,
};

function planWith(ruleByRule: RuleByRule): HostPlan {
  return hostPlan('web1', { platform: 'solaris-legacy', steps: ['policy'], ruleByRule });
}

function objections(ruleByRule: RuleByRule) {
  const inventory = { ...seedInventory('manual'), management: [] };
  const plan = { run: 'r', fleet: 'f', made: '', groups: [['web1']], pulledIn: [], excluded: [] };
  const policies = new Map<string, readonly LoadedRule[]>([['web1', []]]);
  return proveChange(inventory, { ...plan, hosts: [planWith(ruleByRule)] }, policies);
}

test('what would be in the clear for a moment is refused unless it is asked for, with its flows', () => {
  const gap: RuleByRule = { changes: [], gaps: [FLOW], interruptions: [] };
  expect(objections(gap)).toMatchObject([
    {
      risk: 'gap',
      host: 'web1',
      problem: {
        code: 'CLEAR_FOR_A_MOMENT',
        severity: 'error',
        what: expect.stringContaining('web1 ↔ db1 tcp/5432 (such as 10.0.1.11 port 49152'),
        todo: expect.stringContaining('--accept-risk gap'),
      },
    },
  ]);
  expect(ruleByRuleWords(gap, KNOWN)).toEqual([
    'in the clear for a moment, while rules are changed one by one: web1 ↔ db1 tcp/5432',
  ]);
});

test('what is dropped for a moment is told and refuses nothing', () => {
  const dropped: FlowChangeSummary = { ...FLOW, after: { ...FLOW.after, kind: 'refused' }, exposed: false };
  const change: RuleByRule = { changes: [], gaps: [], interruptions: [dropped] };
  expect(objections(change)).toEqual([]);
  expect(ruleByRuleWords(change, KNOWN)).toEqual([
    'dropped for a moment, while rules are changed one by one: web1 ↔ db1 tcp/5432',
  ]);
});

test('where the order of the loaded rules is a guess, so is what is said of a deletion', () => {
  const change: RuleByRule = {
    changes: [{ kind: 'delete', rule: '{ dir in } pass { }' }],
    gaps: [],
    interruptions: [],
  };
  expect(ruleByRuleWords(change, { unread: [], uncertain: true })).toEqual([
    'rules are changed one by one in 1 run of ipsecconf: at each moment a packet is treated as before or as after',
    expect.stringContaining('this holds if they were loaded in the order they are listed'),
  ]);
});

test('a host is sent the changes in their order, and none when it is to rebuild', () => {
  const request = {
    ...{
      id: 'r.web1',
      nonce: 'n',
      windowSeconds: 60,
      generation: 8,
      expectGeneration: 7,
      run: 'r',
      keepGenerations: 10,
    },
    ...{
      steps: ['policy'] as const,
      ike: 'none' as const,
      expectFiles: [],
      expectSpd: 'a'.repeat(64),
      files: [],
      spd: [],
    },
    manifest: { generation: 8, run: 'r', made: '2026-11-22T10:00:00Z', files: [], keys: [] },
  };
  const change = [
    { kind: 'add', rule: '{ dir in } drop { }' },
    { kind: 'delete', rule: '{ dir in } pass { }' },
  ] as const;
  expect(transactionText({ ...request, change }).toString()).toContain(
    '\n@change\n|add { dir in } drop { }\n|delete { dir in } pass { }\n@manifest\n',
  );
  expect(transactionText(request).toString()).not.toContain('@change');
});
