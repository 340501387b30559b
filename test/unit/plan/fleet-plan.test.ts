import { createHash } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import { parseAddress, type Address } from '../../../controller/model/address.js';
import type { Link } from '../../../controller/model/host.js';
import { groupsOf, neighbours, scopeOf } from '../../../controller/plan/fleet-plan.js';
import type { HostPlan } from '../../../controller/plan/host-plan.js';
import { looksLikePlan, parsePlan, printPlan } from '../../../controller/plan/plan-file.js';
import { hostPlan } from '../../support/host-plan.js';

const ADDRESSES: Record<string, string> = { web1: '10.0.1.11', db1: '10.0.2.21', db2: '10.0.2.22', lone: '10.0.9.9' };

function addresses(host: string): readonly Address[] {
  const found = parseAddress(ADDRESSES[host] ?? '');
  return found === undefined ? [] : [found];
}

function link(a: string, b: string): Link {
  return {
    id: [a, b].sort().join('--'),
    ends: [
      { kind: 'host', host: a },
      { kind: 'host', host: b },
    ],
    keying: 'ike-psk',
    suite: { encr: 'aes(256)', encrAuth: 'sha256' },
    at: { file: 'inventory.yaml', line: 1, column: 1 },
  };
}

function plan(host: string, changes: Partial<HostPlan> = {}): HostPlan {
  const files = [{ path: '/etc/inet/ike/config', sha256: undefined }];
  const expect = { generation: 1, files, spd: '0'.repeat(64) };
  return hostPlan(host, { generation: 2, expect, steps: ['policy'], ...changes });
}

const near = neighbours([link('web1', 'db1'), link('web1', 'db2')]);
const ruleFor = (host: string): string =>
  `{ raddr ${ADDRESSES[host] ?? ''}/32 dir out } ipsec { encr_algs aes-cbc(256..256) }`;
const pskChange = { label: 'PSK db1–web1', id: 'psk:db1--web1', before: undefined, after: 'aaaa', bits: 256 };

function scope(selected: string[], plans: HostPlan[]) {
  return scopeOf(selected, new Map(plans.map((one) => [one.host, one])), near, addresses);
}

describe('choosing one end of a link', () => {
  test('pulls the peer in when the change concerns their key, and says because of whom', () => {
    const { included, pulledIn } = scope(
      ['db1'],
      [plan('db1', { keyChanges: [pskChange] }), plan('web1'), plan('db2')],
    );
    expect([...included]).toEqual(['db1', 'web1']);
    expect(pulledIn).toEqual([{ host: 'web1', because: 'db1' }]);
  });

  test('pulls the peer in when a rule covers its address', () => {
    expect(scope(['db1'], [plan('db1', { rulesAdded: [ruleFor('web1')] }), plan('web1')]).pulledIn).toEqual([
      { host: 'web1', because: 'db1' },
    ]);
  });

  test('pulls the peer in when it is the peer whose change concerns the chosen host', () => {
    expect(scope(['db1'], [plan('db1'), plan('web1', { rulesRemoved: [ruleFor('db1')] })]).pulledIn).toHaveLength(1);
  });

  test('leaves the peer alone when the change is a matter of the host by itself', () => {
    const own = '{ raddr 192.0.2.0/24 dir out } pass { }';
    expect(scope(['db1'], [plan('db1', { rulesAdded: [own] }), plan('web1')]).pulledIn).toEqual([]);
  });

  test('leaves a peer alone that has nothing to do', () => {
    expect(scope(['db1'], [plan('db1', { keyChanges: [pskChange] }), plan('web1', { steps: [] })]).pulledIn).toEqual(
      [],
    );
  });

  test('goes on through the peer to the peers that its change concerns', () => {
    const plans = [
      plan('db1', { keyChanges: [pskChange] }),
      plan('web1', { rulesAdded: [ruleFor('db2')] }),
      plan('db2'),
    ];
    expect([...scope(['db1'], plans).included]).toEqual(['db1', 'web1', 'db2']);
  });

  test('is blocked when the change concerns a peer that could not be looked at', () => {
    expect(scope(['db1'], [plan('db1', { keyChanges: [pskChange] })]).blocked).toEqual(new Map([['db1', 'web1']]));
  });
});

test('hosts whose changes concern each other move together, others by themselves', () => {
  const plans = [plan('web1', { rulesAdded: [ruleFor('db1')] }), plan('db1'), plan('db2'), plan('lone')];
  const groups = groupsOf(
    ['web1', 'db1', 'db2', 'lone'],
    new Map(plans.map((one) => [one.host, one])),
    near,
    addresses,
  );
  expect(groups).toEqual([['web1', 'db1'], ['db2'], ['lone']]);
});

describe('a saved plan', () => {
  const fleet = {
    run: 'run-1',
    fleet: 'test',
    made: '2026-11-22T10:00:00.000Z',
    hosts: [
      plan('web1', {
        files: [
          {
            kind: 'create',
            path: '/etc/inet/ike/config',
            mode: '0400',
            sha256: 'a'.repeat(64),
            patch: '+x\n',
            file: {
              path: '/etc/inet/ike/config',
              mode: '0400',
              parts: ['x', { generation: true }, { key: 'psk:db1--web1', part: 'psk' }],
            },
          },
          { kind: 'keep', path: '/etc/inet/ipsecinit.conf', mode: '0400', sha256: 'b'.repeat(64) },
        ],
        keyChanges: [pskChange],
        loaded: ['{ dir in } drop { }'],
        flowChanges: [
          {
            direction: 'both',
            families: [4, 6],
            before: { kind: 'protected', protections: ['encr_algs aes-cbc(256)'], doubtful: false },
            after: { kind: 'clear', protections: [], doubtful: false },
            flows: ['web1 ↔ db1 tcp/22'],
            regions: [{ family: 4, remote: '10.0.2.21', protocols: '6', remotePorts: '22' }],
            example: '0.0.0.0 port 49152 → 10.0.2.21 port 22 tcp',
            ruleBefore: { text: '{ dir out } pass { }', line: 4 },
            ruleAfter: { text: '{ dir out } drop { }' },
            exposed: true,
          },
        ],
        flowNotes: ['a note'],
      }),
    ],
    groups: [['web1']],
    pulledIn: [],
    excluded: [],
  };
  const text = printPlan({ plan: fleet, inventory: 'inventory.yaml', accepted: ['lock-out'] });

  test('comes back as it was', () => {
    expect(parsePlan(text, 'plan.json')).toEqual({
      plan: fleet,
      inventory: 'inventory.yaml',
      accepted: ['lock-out'],
    });
    expect(looksLikePlan(text)).toBe(true);
  });

  const broken: [string, string, RegExp][] = [
    ['cut short', text.slice(0, -40), /not complete JSON/],
    ['edited', text.replace('"mode": "0400"', '"mode": "0600"'), /changed after it was made/],
    ['without digest', '{}', /no digest/],
    ['not JSON', 'hello', /not complete JSON/],
    ['empty', '', /not complete JSON/],
  ];
  test('of another version is refused as such, its digest being right', () => {
    const body = JSON.stringify({ format: 'ipsec-deploy plan 1', inventory: 'inventory.yaml' }, undefined, 2);
    const digest = createHash('sha256').update(body).digest('hex');
    const old = `${body.slice(0, -2)},\n  "digest": "${digest}"\n}\n`;
    expect(() => parsePlan(old, 'plan.json')).toThrow(/written by another version/);
  });

  test('that would give a host a key of a link between others is refused, its digest being right', () => {
    const path = '/etc/inet/secret/ike.preshared';
    const given = (id: string): string => {
      const file = { path, mode: '0600', parts: ['{ key ', { key: id, part: 'psk' }, ' }\n'] } as const;
      const files = [{ kind: 'create', path, mode: '0600', sha256: '0'.repeat(64), file, patch: '' }] as const;
      return printPlan({
        plan: { ...fleet, hosts: [plan('web1', { files })] },
        inventory: 'inventory.yaml',
        accepted: [],
      });
    };
    expect(parsePlan(given('psk:db1--web1'), 'plan.json').plan.hosts).toHaveLength(1);
    for (const id of ['psk:db1--db2', 'psk:found-db1-ike.preshared-1', 'psk:web1', 'psk:web1--', 'web1'])
      expect(() => parsePlan(given(id), 'plan.json'), id).toThrow(/which is for others/);
  });

  for (const [name, input, message] of broken) {
    test(`${name} is refused by name`, () => {
      expect(() => parsePlan(input, 'plan.json')).toThrow(message);
    });
  }
});
