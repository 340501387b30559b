import { expect, test } from 'vitest';

import { detectPlatform } from '../../../controller/platform/detect.js';
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
