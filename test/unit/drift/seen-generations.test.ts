import { expect, test } from 'vitest';
import { confirmedAt, isBehind, rememberGenerations } from '../../../controller/drift/seen-generations.js';
import { driftReportOf } from '../../support/fake-fleet.js';
import { finding, look, pass, START, unreachable } from './memory-support.js';

const HOSTS = ['web1', 'web2', 'db1'];
const [EARLY, LATE] = ['2026-11-20T10:00:00Z', '2026-11-21T10:00:00Z'];
const after = (...looks: Parameters<typeof pass>[0]) =>
  rememberGenerations([{ host: 'web1', generation: 4, confirmed: EARLY }], pass(looks, START), HOSTS);

test('a host is remembered on the generation it was last seen on', () => {
  expect(after(look('web1', [], { generation: 5, confirmed: LATE }), look('db1', [], { generation: 1 }))).toEqual([
    { host: 'web1', generation: 5, confirmed: LATE },
    { host: 'db1', generation: 1 },
  ]);
});

test('a look that cannot tell, or that found the host set back, changes nothing that is remembered', () => {
  const same = [{ host: 'web1', generation: 4, confirmed: EARLY }];
  expect(after()).toEqual(same);
  expect(after(unreachable('web1'))).toEqual(same);
  expect(after(look('web1', [], { generation: 5, openTransaction: true }))).toEqual(same);
  expect(after(look('web1', [finding({ kind: 'generation-moved' })], { generation: 3 }))).toEqual(same);
  expect(after(look('web1', [], { generation: undefined }))).toEqual(same);
});

test('a host that left the inventory is forgotten', () => {
  expect(rememberGenerations([{ host: 'gone', generation: 4 }], pass([look('gone')], START), HOSTS)).toEqual([]);
});

test('an earlier generation is one set back, unless it was confirmed after the later one: the host was made anew', () => {
  const seen = { generation: 7, confirmed: LATE };
  expect(isBehind({ generation: 6, confirmed: EARLY }, seen)).toBe(true);
  expect(isBehind({ generation: 0, confirmed: undefined }, seen)).toBe(true);
  expect(isBehind({ generation: 1, confirmed: '2026-11-22T00:00:00Z' }, seen)).toBe(false);
  expect(isBehind({ generation: 7, confirmed: EARLY }, seen)).toBe(false);
  expect(isBehind({ generation: 8, confirmed: undefined }, seen)).toBe(false);
});

test('when a generation was confirmed is what the record says of that one, the last time', () => {
  const history = [
    `${EARLY} T1 confirmed generation=1 run=R1`,
    `${LATE} T2 confirmed generation=1 run=R2`,
    '2026-11-22T10:00:00Z T3 confirmed generation=12 run=R3',
  ];
  expect(confirmedAt(driftReportOf({ generation: 1, history }))).toBe(LATE);
  expect(confirmedAt(driftReportOf({ generation: 2, history: [], manifest: undefined }))).toBeUndefined();
  expect(confirmedAt(driftReportOf({ generation: 1, history: ['never confirmed generation=1'] }))).toBeUndefined();
});
