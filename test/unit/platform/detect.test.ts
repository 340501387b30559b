import { expect, test } from 'vitest';

import { detectPlatform } from '../../../controller/platform/detect.js';
import { SOLARIS_SMF } from '../../../controller/platform/solaris-smf.js';

const facts = (entries: Record<string, string>): Map<string, string> => new Map(Object.entries(entries));

test('a host that says solaris-smf is taken at its word', () => {
  expect(detectPlatform(facts({ platform: 'solaris-smf' }), 'auto')).toEqual({ adapter: SOLARIS_SMF });
  expect(detectPlatform(facts({ platform: 'solaris-smf' }), 'solaris-smf')).toEqual({ adapter: SOLARIS_SMF });
});

test('a host of another kind is refused by the fact that is missing, also when the inventory insists', () => {
  const seen = facts({ platform: 'unknown', missing: 'ipsecconf', os: 'Linux 6.1' });
  for (const wanted of ['auto', 'solaris-smf'] as const) {
    expect(detectPlatform(seen, wanted)).toMatchObject({
      refusal: 'the platform is not one this version knows: ipsecconf is missing (Linux 6.1)',
    });
  }
});

test('a host that says nothing of its kind is not guessed at', () => {
  expect(detectPlatform(facts({}), 'auto')).toMatchObject({ refusal: expect.stringContaining('no system name') });
});
