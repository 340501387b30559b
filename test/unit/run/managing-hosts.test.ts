/** Lock-out where SSH comes from a host of the inventory, whose own policy may be what changes. */

import { describe, expect, test } from 'vitest';

import { predictLoad } from '../../../controller/policy/predict-load.js';
import { lockOutObjections, proveFleet, unchanging, type LockOutScope } from '../../../controller/run/prove-fleet.js';
import { desiredFleet, readInventory, seedInventory } from '../../support/seed-case.js';

/** web1 is where SSH comes from. */
const inventory = readInventory(seedInventory().replace('[10.0.0.5]', '[10.0.1.11]'));

const OPEN = '{ lport 22 ulp tcp dir both } bypass {}\n';
const SHUT = '{ lport 22 ulp tcp dir both } drop {}\n';
const NO_SSH = '{ rport 22 ulp tcp dir out } drop {}\n';
const load = (text: string) => predictLoad(text).rules;
const changing = (before: string, after: string) => ({ before: load(before), after: load(after) });

function objections(
  rules: { web1: ReturnType<typeof changing>; db1: ReturnType<typeof changing> },
  pushed: readonly string[],
  scope: LockOutScope,
) {
  const hosts = inventory.hosts.filter(({ name }) => pushed.includes(name));
  return lockOutObjections(inventory, hosts, new Map(Object.entries(rules)), new Map(), scope).map(
    ({ host, others, problem }) => ({ host, others, severity: problem.severity, what: problem.what }),
  );
}

describe('a place that SSH comes from', () => {
  const db1 = unchanging(load(OPEN));

  test('must not lose its way to a host that nothing is pushed to', () => {
    const web1 = unchanging(load(NO_SSH));
    expect(objections({ web1, db1 }, ['web1'], 'after')).toEqual([
      {
        host: 'db1',
        others: ['web1'],
        severity: 'error',
        what: expect.stringContaining('web1 has { ulp 6 rport 22 dir out } drop { }') as unknown,
      },
    ]);
  });

  test('is not asked about hosts when nothing is pushed to it', () => {
    const web1 = unchanging(load(NO_SSH));
    expect(objections({ web1, db1: unchanging(load(OPEN)) }, [], 'after')).toEqual([]);
  });

  test('may get back its way to a host that nothing is pushed to', () => {
    expect(objections({ web1: changing(NO_SSH, OPEN), db1 }, ['web1'], 'until-then')).toEqual([]);
  });
});

test('a push that opens SSH to a place that does not change is not refused for what is closed today', () => {
  const web1 = unchanging(load(OPEN));
  expect(objections({ web1, db1: changing(SHUT, OPEN) }, ['db1'], 'until-then')).toMatchObject([
    { host: 'db1', severity: 'warning', what: expect.stringMatching(/^db1 cuts off today SSH from web1/) as unknown },
  ]);
});

test('a host that is itself a place of management has no rule for itself, and its files lint clean', () => {
  const seed = desiredFleet(seedInventory().replace('[10.0.0.5]', '[10.0.0.5, 10.0.1.11]'));
  const { fleet } = seed;
  const [web1] = seed.inventory.hosts;
  if (web1 === undefined) throw new Error('no host');
  expect(proveFleet(seed.inventory, [web1], fleet.policies, fleet.rendered, '2026-11-22')).toEqual([]);
  const texts = fleet.policies.get('web1')?.map(({ text }) => text) ?? [];
  expect(texts).toContain('{ ulp 6 lport 22 raddr 10.0.0.5/32 dir in } pass { }');
  expect(texts.filter((text) => text.includes('raddr 10.0.1.11'))).toEqual([]);
});
