import { expect, test } from 'vitest';

import { beyondPlatform, detectPlatform } from '../../../controller/platform/detect.js';
import { SOLARIS_LEGACY } from '../../../controller/platform/solaris-legacy.js';
import { SOLARIS_SMF } from '../../../controller/platform/solaris-smf.js';

const facts = (entries: Record<string, string>): Map<string, string> => new Map(Object.entries(entries));

test('a host is taken at its word, whatever kind it says it is', () => {
  for (const adapter of [SOLARIS_SMF, SOLARIS_LEGACY]) {
    expect(detectPlatform(facts({ platform: adapter.name }), 'auto')).toEqual({ adapter });
    expect(detectPlatform(facts({ platform: adapter.name }), adapter.name)).toEqual({ adapter });
  }
});

test('a host of another kind than the inventory says is refused with the fact that decides, and what to write', () => {
  expect(detectPlatform(facts({ platform: 'solaris-legacy' }), 'solaris-smf')).toEqual({
    refusal: 'the host is solaris-legacy (it has no service network/ipsec/policy), the inventory says solaris-smf',
    todo: 'write platform: solaris-legacy to the host, or take the line out: the host is asked',
  });
  expect(detectPlatform(facts({ platform: 'solaris-smf' }), 'solaris-legacy')).toMatchObject({
    refusal: expect.stringContaining('it has the service network/ipsec/policy'),
  });
});

test('a host of an unknown kind is refused by the fact that is missing, also when the inventory insists', () => {
  const seen = facts({ platform: 'unknown', missing: 'ipsecconf', os: 'Linux 6.1' });
  for (const wanted of ['auto', 'solaris-smf', 'solaris-legacy'] as const) {
    expect(detectPlatform(seen, wanted)).toMatchObject({
      refusal: 'the platform is not one this version knows: ipsecconf is missing (Linux 6.1)',
    });
  }
});

test('a host that says nothing of its kind is not guessed at', () => {
  expect(detectPlatform(facts({}), 'auto')).toMatchObject({ refusal: expect.stringContaining('no system name') });
});

test.each([
  [
    SOLARIS_LEGACY,
    '{ tunnel ip.tun0 negotiate tunnel raddr 10.7.0.0/16 dir in } ipsec { encr_algs aes-cbc(256) }',
    true,
  ],
  [SOLARIS_SMF, '{ tunnel ip.tun0 negotiate tunnel raddr 10.7.0.0/16 dir in } ipsec { encr_algs aes-cbc(256) }', false],
  [SOLARIS_LEGACY, '{ raddr 10.7.0.0/16 dir in } ipsec { encr_algs aes-cbc(256) }', false],
])('rules that a host does not list are refused before anything is touched: $name %s', (adapter, rule, isRefused) => {
  const found = beyondPlatform(adapter, ['{ ulp 6 lport 22 dir in } pass { }', rule]);
  expect(found === undefined).toBe(!isRefused);
  if (isRefused) expect(found?.refusal).toContain(rule);
});
