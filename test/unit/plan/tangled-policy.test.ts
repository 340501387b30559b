import { expect, test } from 'vitest';
import { policyChange, TANGLED } from '../../../controller/plan/policy-change.js';
import { predictLoad } from '../../../controller/policy/predict-load.js';

const WANTED = predictLoad('{ lport 22 ulp tcp dir both } bypass { }\n').rules;
const told = (listing: readonly string[]) =>
  policyChange('db1', WANTED, { listing, text: undefined, naming: undefined });

test('rules that a host claims to have, made to be slow to compare, end as a note', () => {
  const listing = Array.from({ length: 300 }, (_, i) =>
    i % 2 === 0
      ? `{ lport ${i + 1} ulp 6 dir out } pass { }`
      : `{ laddr 10.${i % 250}.0.0/16 rport ${i + 1} ulp 6 dir out } drop { }`,
  );
  expect(told(listing)).toMatchObject({ loaded: listing, flowChanges: [], flowNotes: [TANGLED] });
});

test('many rules that do not overlap are compared to the last', () => {
  const listing = Array.from(
    { length: 1000 },
    (_, i) => `{ raddr 10.0.${i >> 8}.${i & 255}/32 lport 25 ulp 6 dir out } drop { }`,
  );
  const { flowChanges, flowNotes } = told(listing);
  expect(flowNotes).not.toContain(TANGLED);
  expect(flowChanges).not.toEqual([]);
});
