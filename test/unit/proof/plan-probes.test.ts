import { describe, expect, test } from 'vitest';

import { parseAddress, type Address } from '../../../controller/model/address.js';
import { DEFAULT_PROBES } from '../../../controller/model/link-probe.js';
import { mutedTests } from '../../../controller/proof/mute-protocols.js';
import {
  planStrangerProbes,
  planTestProbes,
  type OutsideInput,
  type Sight,
} from '../../../controller/proof/plan-outside-probes.js';
import { planLinkProbes, ProbeEnds, withinLimits, type PlannedProbe } from '../../../controller/proof/plan-probes.js';
import { desiredFleet, seedInventory } from '../../support/seed-case.js';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

/** The seed case, with a database that refuses whom it does not know. */
function fleet(extra = '', settings = DEFAULT_PROBES, edit = (text: string): string => text) {
  const text = seedInventory({ extra }).replace(
    'db: { template: peer }',
    'db: { template: peer, vars: { others: refuse } }',
  );
  const { inventory, fleet: desired } = desiredFleet(edit(text));
  const ends = new ProbeEnds(
    inventory.hosts.map(({ name, addresses, ssh }) => ({
      name,
      addresses,
      rules: desired.policies.get(name) ?? [],
      sshPort: ssh.port,
    })),
  );
  const outside = (sights: readonly Sight[], concerned = ['web1', 'db1']): OutsideInput => ({
    ends,
    sights,
    concerned: new Set(concerned),
    settings,
  });
  return { inventory, ends, outside, links: planLinkProbes(inventory.links, ends, settings) };
}

function sight(host: string, destination: string, source = '10.0.0.5'): Sight {
  return { host, source: address(source), destination: address(destination), sshPort: 22 };
}

function said(probes: readonly PlannedProbe[]): readonly string[] {
  return probes.map(({ from, to, flow, expect: kind, because }) => `${from} ${to} ${flow} ${kind} ${because}`);
}

describe('the flows of a link', () => {
  test('are SSH both ways, and a ping where that is not answered', () => {
    const { links } = fleet();
    expect(said(links.probes)).toEqual(['db1 web1 tcp/22 protected policy', 'web1 db1 tcp/22 protected policy']);
    expect(links.probes.map(({ second, link }) => [second?.protocol, link])).toEqual([
      ['icmp', 'db1--web1'],
      ['icmp', 'db1--web1'],
    ]);
    expect(links.gaps).toEqual([]);
  });

  test('go to another port where the policy lets the preferred one pass in the clear', () => {
    const { links } = fleet('', { ...DEFAULT_PROBES, ports: [443] });
    expect(said(links.probes)).toEqual(['db1 web1 tcp/22 protected policy', 'web1 db1 tcp/443 protected policy']);
  });

  test('go one by one for each pair of addresses of a family', () => {
    const { links } = fleet('', DEFAULT_PROBES, (text) =>
      text
        .replace('address: 10.0.1.11', "address: [10.0.1.11, 'fd00:1::11']")
        .replace('address: 10.0.2.21', "address: [10.0.2.21, 'fd00:2::21']"),
    );
    expect(links.probes.map(({ source, destination }) => `${source} ${destination}`)).toEqual([
      '10.0.2.21 10.0.1.11',
      '10.0.1.11 10.0.2.21',
      'fd00:2::21 fd00:1::11',
      'fd00:1::11 fd00:2::21',
    ]);
  });

  test('to an end that is not ours are not tried, and that is said', () => {
    const { links } = fleet('  - between: [db1, { external: mainframe, address: 10.9.0.7 }]\n');
    expect(links.gaps).toEqual([
      { link: 'db1--mainframe', why: 'mainframe is not ours: nobody there can be asked what arrived' },
    ]);
    expect(links.probes).toHaveLength(2);
  });

  test('are not tried where the line of the link says so', () => {
    const { links } = fleet('', DEFAULT_PROBES, (text) =>
      text.replace('  - between: [web, db]\n', '  - { between: [web, db], probes: off }\n'),
    );
    expect(links.probes).toEqual([]);
    expect(links.gaps).toEqual([{ link: 'db1--web1', why: 'its line of the inventory says probes: off' }]);
  });

  test('that no rule protects are missed, and that is said', () => {
    const { inventory } = fleet();
    const open = new ProbeEnds(inventory.hosts.map(({ name, addresses }) => ({ name, addresses, rules: [] })));
    expect(planLinkProbes(inventory.links, open, DEFAULT_PROBES)).toEqual({
      probes: [],
      gaps: [{ link: 'db1--web1', why: 'the rules of its ends protect no TCP connection and no ping between them' }],
    });
  });

  test('of UDP alone are not tried, and that is said, with the reason', () => {
    const { inventory, ends } = fleet();
    const only = (protocol: number): ProbeEnds =>
      new ProbeEnds(
        [...ends.values()].map((end) => ({
          ...end,
          rules: end.rules
            .filter(({ actions }) => actions.some(({ kind }) => kind === 'protect'))
            .map((rule) => ({ ...rule, selector: { ...rule.selector, protocol } })),
        })),
      );
    expect(planLinkProbes(inventory.links, only(17), DEFAULT_PROBES)).toEqual({
      probes: [],
      gaps: [
        {
          link: 'db1--web1',
          why: 'the rules of its ends protect no TCP connection and no ping between them; udp is not tried: nothing has to answer it',
        },
      ],
    });
    expect(planLinkProbes(inventory.links, only(6), DEFAULT_PROBES).gaps).toEqual([]);
    expect(planLinkProbes(inventory.links, ends, DEFAULT_PROBES).gaps).toEqual([]);
  });

  test('of a host with many links are as many as the settings allow, and the rest is counted', () => {
    const { inventory, ends } = fleet();
    const [link] = inventory.links;
    if (link === undefined) throw new Error('no link');
    const many = [link, { ...link, id: 'x' }, { ...link, id: 'y' }];
    const { probes, gaps } = planLinkProbes(many, ends, { ...DEFAULT_PROBES, mostLinks: 1 });
    expect(probes).toHaveLength(2);
    expect(gaps.map(({ why }) => why)).toEqual(['2 more links are not tried: settings.probes.links is 1']);
  });
});

describe('what strangers may do', () => {
  const linked = (one: string, other: string): boolean => [one, other].sort().join() === 'db1,web1';

  test('is played by this machine: one flow that must be refused, and the open ones of a web server', () => {
    const { outside } = fleet();
    const probes = planStrangerProbes(outside([sight('web1', '10.0.1.11'), sight('db1', '10.0.2.21')]), linked);
    expect(said(probes)).toEqual([
      'controller web1 tcp/49152 refused policy',
      'controller web1 tcp/80 clear policy',
      'controller web1 tcp/443 clear policy',
      'controller db1 tcp/49152 refused policy',
    ]);
  });

  test('is played by no host that has a link with it', () => {
    const { outside } = fleet();
    expect(planStrangerProbes(outside([]), linked)).toEqual([]);
  });

  test('is played by a host without a link, where this machine does not reach it directly', () => {
    const { outside } = fleet('', DEFAULT_PROBES, (text) =>
      text.replace('links:', '  app1: { address: 10.0.3.31, groups: [db] }\nlinks:'),
    );
    expect(said(planStrangerProbes(outside([]), linked))).toEqual(['app1 db1 tcp/22 refused policy']);
  });

  test('is not tried of hosts that the change does not concern', () => {
    const { outside } = fleet();
    const probes = planStrangerProbes(outside([sight('web1', '10.0.1.11')], ['db1']), linked);
    expect(probes).toEqual([]);
  });
});

describe('lines of tests:', () => {
  test('are tried by the host they name, and by this machine where its address is among the sources', () => {
    const { inventory, outside } = fleet(`tests:
  - { from: web1, to: db1, ulp: tcp, port: 5432, expect: protected }
  - { from: any, to: web1, ulp: tcp, port: 443, expect: clear }
  - { from: 10.0.0.0/24, to: db1, ulp: tcp, expect: refused }
`);
    const input = outside([sight('web1', '10.0.1.11'), sight('db1', '10.0.2.21')]);
    expect(said(planTestProbes(inventory.tests, input))).toEqual([
      'web1 db1 tcp/5432 protected tests',
      'controller web1 tcp/443 clear tests',
      'controller db1 tcp/49152 refused tests',
    ]);
  });

  test('that nobody here can play, or that the rules do not bear out, are left to the proof', () => {
    const { inventory, outside } = fleet(`tests:
  - { from: 192.0.2.9, to: db1, ulp: tcp, port: 22, expect: refused }
  - { from: web1, to: db1, ulp: udp, port: 53, expect: protected }
  - { from: web1, to: db1, ulp: tcp, port: 5432, expect: clear }
`);
    expect(planTestProbes(inventory.tests, outside([sight('db1', '10.0.2.21')]))).toEqual([]);
  });

  test('that ask for protected UDP are told as not tried', () => {
    const { inventory, outside } = fleet(`tests:
  - { from: web1, to: db1, ulp: udp, port: 514, expect: protected }
  - { from: web1, to: db1, ulp: 132, expect: protected }
  - { from: web1, to: db1, ulp: tcp, port: 5432, expect: protected }
  - { from: any, to: web1, ulp: udp, port: 53, expect: clear }
`);
    const gaps = mutedTests(inventory.tests, outside([]));
    expect(gaps.map(({ host }) => host)).toEqual(['web1', 'web1']);
    expect(gaps[0]?.why).toMatch(/^the test of udp\/514 to db1 \(\S+:\d+\) is not tried: nothing has to answer udp$/);
    expect(gaps[1]?.why).toContain('IP protocol 132 to db1');
    expect(mutedTests(inventory.tests, outside([], ['db9']))).toEqual([]);
  });
});

test('a flow that two ask for is tried once, and no host tries more than its agent takes', () => {
  const { links } = fleet();
  const [one] = links.probes;
  if (one === undefined) throw new Error('no probe');
  expect(withinLimits([one, one]).probes).toEqual([one]);
  const many = Array.from({ length: 62 }, (_, at) => ({ ...one, id: `p${at}` }));
  const { probes, gaps } = withinLimits(many);
  expect(probes).toHaveLength(60);
  expect(gaps).toEqual([{ host: 'db1', why: '2 more flows are not tried from it: 60 in one run are the most' }]);
});
