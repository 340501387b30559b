import { describe, expect, test } from 'vitest';

import { parseInventory } from '../../../controller/inventory/parse.js';
import type { LoadedRule } from '../../../controller/model/policy.js';
import { predictLoad } from '../../../controller/policy/predict-load.js';
import { isProtectingLine } from '../../../controller/proof/protecting-rules.js';
import { proveFleet } from '../../../controller/run/prove-fleet.js';
import { fleetText } from '../../support/fleet-text.js';

const UNLINKED = fleetText(['web1', 'db1', 'db2']);
const LINKED = fleetText(['web1', 'db1', 'db2'], '{ between: [web1, db1] }');

const BYPASS = '{ lport 22 ulp tcp dir both } bypass {}\n';
const PROTECT =
  '{ laddr 10.0.1.11 raddr 10.0.2.21 dir both } ipsec { encr_algs aes encr_auth_algs sha256 sa shared }\n';

/** Codes of the objections to web1 having this policy; `undefined`: none at all. */
function objections(inventoryText: string, policy: string | undefined): readonly string[] {
  const { inventory } = parseInventory({ path: 'inventory.yaml', readFile: () => inventoryText });
  const policies = new Map<string, readonly LoadedRule[]>();
  if (policy !== undefined) policies.set('web1', predictLoad(policy).rules);
  const web1 = inventory.hosts.filter(({ name }) => name === 'web1');
  return proveFleet(inventory, web1, policies).flatMap(({ risk, problem }) =>
    risk === 'unprotected' ? `${problem.severity} ${problem.code}` : [],
  );
}

describe('a push that would leave an end of a link open is refused', () => {
  const cases: readonly [string, string | undefined, string][] = [
    ['without a policy', undefined, 'POLICY_EMPTY'],
    ['with an empty policy', '', 'POLICY_EMPTY'],
    ['with comments alone', '# nothing yet\n', 'POLICY_EMPTY'],
    ['with bypass rules alone', BYPASS, 'POLICY_PROTECTS_NOTHING'],
    ['with drop rules alone', '{ raddr 10.9.9.9 dir both } drop {}\n', 'POLICY_PROTECTS_NOTHING'],
  ];
  test.each(cases)('%s', (_name, policy, code) => {
    expect(objections(LINKED, policy)).toEqual([`error ${code}`]);
  });
});

test('an end of a link whose policy protects something, if only one way, stands this proof', () => {
  expect(objections(LINKED, BYPASS + PROTECT)).toEqual([]);
  expect(objections(LINKED, PROTECT.replace('both', 'in'))).toEqual([]);
});

test('a host that was taken out of all links may be left with bypass rules; to be left with none has to be meant', () => {
  expect(objections(UNLINKED, BYPASS)).toEqual([]);
  expect(objections(UNLINKED, '')).toEqual(['error POLICY_EMPTY']);
});

test('the link is named by which the host should protect', () => {
  const { inventory } = parseInventory({
    path: 'inventory.yaml',
    readFile: () => fleetText(['web1', 'db1', 'db2'], '{ mesh: [web1, db1, db2] }'),
  });
  const rules = predictLoad(BYPASS).rules;
  const found = proveFleet(inventory, inventory.hosts, new Map(inventory.hosts.map(({ name }) => [name, rules])));
  expect(found.filter(({ risk }) => risk === 'unprotected').map(({ problem }) => problem.what)).toEqual([
    'no rule of the policy of web1 protects anything, and it is an end of links db1--web1, db2--web1: what these promise to protect would pass in the clear',
    'no rule of the policy of db1 protects anything, and it is an end of links db1--web1, db1--db2: what these promise to protect would pass in the clear',
    'no rule of the policy of db2 protects anything, and it is an end of links db2--web1, db1--db2: what these promise to protect would pass in the clear',
  ]);
});

test('a listed rule protects by its actions, and one in words that are not known by its words', () => {
  expect(isProtectingLine('{ raddr 10.0.2.21/32 dir out } ipsec { encr_algs aes-cbc(256) sa shared }')).toBe(true);
  expect(isProtectingLine('{ new_word 7 dir out } ipsec { encr_algs aes-cbc(256) sa shared }')).toBe(true);
  expect(isProtectingLine('{ ulp 6 lport 80 dir out } pass { }')).toBe(false);
  expect(isProtectingLine('{ raddr 10.0.2.21/32 dir in } drop { }')).toBe(false);
});
