import { expect, test } from 'vitest';

import { parseAddress, type Address } from '../../../controller/model/address.js';
import { policyChange } from '../../../controller/plan/policy-change.js';
import { canonicalListing } from '../../../controller/policy/canonical-listing.js';
import { predictLoad } from '../../../controller/policy/predict-load.js';
import { flowChangeLines } from '../../../controller/report/flow-change-text.js';

const NAMES: Readonly<Record<string, string>> = { '10.0.1.11': 'web1', '10.0.2.21': 'db1' };
const ADDRESSES: ReadonlyMap<string, { readonly address: Address; readonly name: string }> = new Map(
  Object.entries(NAMES).flatMap(([text, name]) => {
    const address = parseAddress(text);
    return address === undefined ? [] : [[`${address.family} ${address.value}`, { address, name }] as const];
  }),
);

/** What a plan says of web1 when its policy changes. */
function change(before: string, after: string) {
  const own = [...ADDRESSES.values()].filter(({ name }) => name === 'web1').map(({ address }) => address);
  const naming = {
    nameOf: ({ family, value }: { family: number; value: bigint }) => ADDRESSES.get(`${family} ${value}`)?.name,
    addresses: own,
  };
  const listing = canonicalListing(predictLoad(before).rules);
  return policyChange('web1', predictLoad(after).rules, { listing, text: before, naming });
}

const said = (before: string, after: string): readonly string[] => flowChangeLines(change(before, after).flowChanges);

const ESP = '{ encr_algs aes(256) encr_auth_algs sha256 }';
const LINK = `{ laddr 10.0.1.11 raddr 10.0.2.21 } ipsec ${ESP}\n`;

test('a plan says of each flow what it was and what it will be, worst first', () => {
  expect(said('', LINK)).toEqual(['web1 ↔ db1 anything: clear → protected']);
  expect(said(LINK, '{ raddr 10.9.9.9 dir in } drop {}\n')).toEqual([
    'web1 ↔ db1 anything: protected → clear',
    '10.9.9.9 → web1 anything: clear → refused',
  ]);
  expect(said(LINK, `${LINK}{ raddr 10.0.2.0/24 lport 22 ulp tcp dir in } drop {}\n`)).toEqual([
    '10.0.2.0–10.0.2.20, 10.0.2.22–10.0.2.255 → web1 tcp/22: clear → refused',
    'db1 → web1 at other addresses tcp/22: clear → refused',
  ]);
});

test('other algorithms are said beside each other', () => {
  const other = LINK.replace('aes(256)', 'aes(128..128)');
  expect(said(LINK, other)).toEqual([
    'web1 ↔ db1 anything: protected, by aes-cbc(256) hmac-sha256(256) → aes-cbc(128) hmac-sha256(256)',
  ]);
});

test('what both families say alike is said once', () => {
  expect(said('', '{ lport 23 ulp tcp dir in } drop {}\n')).toEqual(['any → web1 tcp/23: clear → refused']);
  expect(change('', '{ lport 23 ulp tcp dir in } drop {}\n').flowChanges).toMatchObject([
    { families: [4, 6], regions: [{ family: 4, protocols: '6', localPorts: '23' }, { family: 6 }] },
  ]);
});

test('a port that is opened names the rule that protected it and the one that lets it pass, with their lines', () => {
  const all = `{} ipsec ${ESP}\n`;
  expect(change(all, `{ lport 8443 ulp tcp dir both } bypass {}\n${all}`).flowChanges).toMatchObject([
    {
      direction: 'both',
      flows: ['any ↔ web1 tcp/8443'],
      example: '192.0.2.1 port 49152 → 10.0.1.11 port 8443 tcp',
      ruleBefore: { line: 1 },
      ruleAfter: { text: '{ ulp 6 lport 8443 dir out } pass { }', line: 1 },
      exposed: true,
    },
  ]);
});

test('rules that were loaded by hand are compared in the order listed, and the plan says that it is a guess', () => {
  const { rules } = predictLoad(LINK);
  const listing = ['{ raddr 10.9.9.9/32 dir in } drop { }', ...canonicalListing(rules), 'gibberish'];
  const { flowChanges, flowNotes } = policyChange('web1', rules, { listing, text: LINK, naming: undefined });
  expect(flowChangeLines(flowChanges)).toEqual(['10.9.9.9 → web1 anything: refused → clear']);
  expect(flowNotes).toEqual([
    expect.stringContaining('as if they were loaded in one run'),
    '1 loaded rules could not be read, and are left out of flows',
  ]);
});

test('a host that stays as it is has nothing to say', () => {
  const rules = predictLoad(LINK).rules;
  const unchanged = policyChange('web1', rules, {
    listing: canonicalListing(rules),
    text: undefined,
    naming: undefined,
  });
  expect(unchanged).toMatchObject({ flowChanges: [], flowNotes: [] });
});

test('many flows are cut for a person and whole for a program', () => {
  const drops = Array.from(
    { length: 60 },
    (_, at) => `{ raddr 10.7.${at}.1 lport ${1000 + at} ulp tcp dir in } drop {}\n`,
  );
  const { flowChanges } = change('', drops.join(''));
  const lines = flowChangeLines(flowChanges);
  expect(lines.length).toBeLessThan(10);
  expect(lines.at(-1)).toBe('and 55 more: clear → refused');
  expect(flowChanges[0]?.regions).toHaveLength(60);
});
