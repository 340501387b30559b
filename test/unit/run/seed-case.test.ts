import { describe, expect, test } from 'vitest';

import { parseAddress, type Address } from '../../../controller/model/address.js';
import { fileText } from '../../../controller/model/managed-file.js';
import { flowBetween, type HostPolicy } from '../../support/flow-between.js';
import { proveFleet } from '../../../controller/run/prove-fleet.js';
import { desiredFleet, seedInventory } from '../../support/seed-case.js';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

const WEB = '10.0.1.11';
const DB = '10.0.2.21';
const STRANGER = '192.0.2.9';

function policiesOf(text: string): Record<string, HostPolicy | null> {
  const { inventory, fleet } = desiredFleet(text);
  const of = (name: string): HostPolicy => ({
    rules: fleet.policies.get(name) ?? [],
    addresses: inventory.hosts.find((host) => host.name === name)?.addresses ?? [],
  });
  return { [WEB]: of('web1'), [DB]: of('db1'), [STRANGER]: null };
}

interface Row {
  readonly flow: string;
  readonly from: string;
  readonly to: string;
  readonly ulp: 'tcp' | 'udp';
  readonly port?: number;
  readonly sourcePort?: number;
  readonly result: 'clear' | 'protected' | 'refused';
}

/** What passes between a web server, the peer that mirrors its bypasses, and the rest of the world. */
const ROWS: readonly Row[] = [
  { flow: 'a stranger reads web pages', from: STRANGER, to: WEB, ulp: 'tcp', port: 80, result: 'clear' },
  { flow: 'a stranger reads web pages over TLS', from: STRANGER, to: WEB, ulp: 'tcp', port: 443, result: 'clear' },
  {
    flow: 'the server answers a stranger',
    from: WEB,
    to: STRANGER,
    ulp: 'tcp',
    sourcePort: 80,
    port: 50000,
    result: 'clear',
  },
  { flow: 'the peer logs in', from: DB, to: WEB, ulp: 'tcp', port: 22, result: 'protected' },
  {
    flow: 'the server answers the peer',
    from: WEB,
    to: DB,
    ulp: 'tcp',
    sourcePort: 22,
    port: 50000,
    result: 'protected',
  },
  { flow: 'the peer reads web pages', from: DB, to: WEB, ulp: 'tcp', port: 80, result: 'clear' },
  {
    flow: 'the server answers the peer from port 80',
    from: WEB,
    to: DB,
    ulp: 'tcp',
    sourcePort: 80,
    port: 50000,
    result: 'clear',
  },
  { flow: 'the server asks a name server', from: WEB, to: STRANGER, ulp: 'udp', port: 53, result: 'clear' },
  { flow: 'the server asks the peer for names', from: WEB, to: DB, ulp: 'udp', port: 53, result: 'clear' },
  { flow: 'the server asks the peer for names over TCP', from: WEB, to: DB, ulp: 'tcp', port: 53, result: 'clear' },
  { flow: 'the peer answers with names', from: DB, to: WEB, ulp: 'udp', sourcePort: 53, port: 50000, result: 'clear' },
  { flow: 'the server asks the database', from: WEB, to: DB, ulp: 'tcp', port: 5432, result: 'protected' },
  {
    flow: 'the server speaks to a host without IPsec',
    from: WEB,
    to: STRANGER,
    ulp: 'tcp',
    port: 25,
    result: 'refused',
  },
  {
    flow: 'a stranger tries another port of the server',
    from: STRANGER,
    to: WEB,
    ulp: 'tcp',
    port: 25,
    result: 'refused',
  },
];

describe.each(['ike-psk', 'manual'] as const)('with %s', (keying) => {
  const policies = policiesOf(seedInventory({ keying }));
  test.each(ROWS)('$flow: $result', ({ from, to, ulp, port, sourcePort, result }) => {
    const verdict = flowBetween(policies[from], policies[to], {
      source: address(from),
      destination: address(to),
      ulp,
      ...(port === undefined ? {} : { port }),
      ...(sourcePort === undefined ? {} : { sourcePort }),
    });
    expect(`${verdict.kind}${verdict.kind === result ? '' : ` (${verdict.reason ?? ''})`}`).toBe(result);
  });

  test('no proof objects to it', () => {
    const { inventory, fleet } = desiredFleet(seedInventory({ keying }));
    expect(proveFleet(inventory, inventory.hosts, fleet.policies)).toEqual([]);
  });
});

test('the peer asks for protection as the remote side, never as the local one', () => {
  const { fleet } = desiredFleet(seedInventory());
  const policy = fleet.desired.get('db1')?.files[0];
  const text = policy === undefined ? '' : fileText(policy, { generation: 1, key: () => '' });
  expect(text).toContain(`laddr ${DB} raddr ${WEB}`);
  expect(text).not.toMatch(/saddr|daddr/);
});

test('the classic suite renders as asked and is warned of by its weakness', () => {
  const { fleet } = desiredFleet(seedInventory({ suite: 'classic', keying: 'manual' }));
  const text = (fleet.desired.get('web1')?.files ?? [])
    .map((file) => fileText(file, { generation: 1, key: () => 'aa' }))
    .join('');
  expect(text).toMatch(/encr_algs blowfish encr_auth_algs sha1/);
  expect(text).toMatch(/encr_alg blowfish/);
});

describe('a proof objects, by name and place,', () => {
  const objections = (extra: string, base: Parameters<typeof seedInventory>[0] = {}) => {
    const { inventory, fleet } = desiredFleet(seedInventory({ ...base, extra }));
    return proveFleet(inventory, inventory.hosts, fleet.policies).map(({ risk, host, problem }) => ({
      risk,
      host,
      line: problem.at?.line,
      what: problem.what,
    }));
  };

  test('to a test that does not hold', () => {
    const [objection] = objections('tests:\n  - { from: 192.0.2.9, to: web1, ulp: tcp, port: 25, expect: clear }\n');
    expect(objection).toMatchObject({ risk: 'failed-tests', host: 'web1', line: 17 });
    expect(objection?.what).toContain('is refused, expected clear');
  });

  test('to nothing when the tests hold', () => {
    expect(objections('tests:\n  - { from: web1, to: db1, ulp: tcp, port: 5432, expect: protected }\n')).toEqual([]);
  });

  test('to a policy that cuts the management address off', () => {
    const text = seedInventory().replace(
      'vars: { bypass',
      "vars: { extraRules: ['{ raddr 10.0.0.5 dir in } pass {} or ipsec { encr_algs aes encr_auth_algs sha256 }', '{ raddr 10.0.0.5 dir out } ipsec { encr_algs aes encr_auth_algs sha256 } or pass {}'], bypass",
    );
    const { inventory, fleet } = desiredFleet(text);
    const cut = proveFleet(inventory, inventory.hosts, fleet.policies);
    expect(cut.map(({ risk, host }) => ({ risk, host }))).toContainEqual({ risk: 'lock-out', host: 'web1' });
    expect(cut[0]?.problem.what).toContain('web1 would cut off SSH from 10.0.0.5 to port 22');
  });
});
