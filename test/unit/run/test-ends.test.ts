/** Lines of `tests:` about ends that are not ours, and about single addresses of an end. */

import { expect, test } from 'vitest';

import { proveFleet } from '../../../controller/run/prove-fleet.js';
import { desiredFleet, seedInventory } from '../../support/seed-case.js';

/** The verdict on `from: FROM, to: TO, tcp PORT`; `undefined` when it is as expected. */
function refusal(from: string, to: string, port: number, expected: string): string | undefined {
  const extra = `  - between: [db1, { external: mainframe, address: [10.9.0.7, 10.9.0.8] }]
tests:
  - { from: ${from}, to: ${to}, ulp: tcp, port: ${port}, expect: ${expected} }
`;
  const { inventory, fleet } = desiredFleet(seedInventory({ extra }));
  return proveFleet(inventory, inventory.hosts, fleet.policies, fleet.rendered)
    .map(({ problem }) => problem.what)
    .at(0);
}

test.each([
  ['mainframe', 'db1', 5432, 'protected'],
  ['db1', 'mainframe', 22, 'protected'],
  ['10.9.0.8', 'db1', 5432, 'protected'],
  ['mainframe', 'web1', 22, 'refused'],
  ['10.1.0.1', 'db1', 5432, 'clear'],
  ['10.0.1.11', 'db1', 5432, 'protected'],
  ['web1', '10.0.2.21', 5432, 'protected'],
] as const)('%s to %s port %i is %s', (from, to, port, expected) => {
  expect(refusal(from, to, port, expected)).toBeUndefined();
});

test('a test that refuses an end with keys of ours does not hold, at any of its addresses', () => {
  const said = refusal('mainframe', 'db1', 5432, 'refused');
  expect(said).toContain('tcp port 5432 is protected, expected refused');
  expect(said).toContain('10.9.0.7');
  expect(said).toContain('10.9.0.8');
});

test('the address of a host is that host', () => {
  expect(refusal('10.0.1.11', 'db1', 5432, 'refused')).toContain('is protected, expected refused');
});

test('a test is not answered where what the end was handed is not at hand', () => {
  const extra = `  - between: [db1, { external: mainframe, address: 10.9.0.7 }]
tests:
  - { from: mainframe, to: db1, ulp: tcp, expect: protected }
`;
  const { inventory, fleet } = desiredFleet(seedInventory({ extra }));
  expect(proveFleet(inventory, inventory.hosts, fleet.policies)).toEqual([]);
});
