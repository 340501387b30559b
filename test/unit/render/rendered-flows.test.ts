/** What rendered policies let pass between hosts, judged by the policy evaluator: the table of the web server and its peer. */

import { describe, expect, test } from 'vitest';
import { type Address, parseAddress } from '../../../controller/model/address.js';
import type { Inventory } from '../../../controller/model/host.js';
import { flowBetween, type HostPolicy } from '../../support/flow-between.js';
import { predictLoad } from '../../../controller/policy/predict-load.js';
import { indexInventory } from '../../../controller/render/inventory-index.js';
import { dummyText } from '../../../controller/render/read-back.js';
import { renderHost } from '../../../controller/render/render-host.js';
import { templateSet } from '../../../controller/render/template-set.js';
import { builtInTemplates, host, hostNamed, inventory, link, WEB_VARS } from '../../support/render-fleet.js';

const { set } = templateSet(builtInTemplates());
const STRANGER = '192.0.2.9';
const MANAGER = '10.0.0.5';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

function policyOf(fleet: Inventory, name: string): HostPolicy {
  const one = hostNamed(fleet, name);
  const rendered = renderHost({
    host: one,
    index: indexInventory(fleet),
    templates: set,
    saFor: () => ({ spi: 4096 }),
  });
  expect(rendered.problems).toEqual([]);
  const [file] = rendered.files;
  if (file === undefined) throw new Error('no policy');
  const { accepted, messages, rules } = predictLoad(dummyText(file, rendered.keyBits));
  expect([accepted, messages]).toEqual([true, '']);
  return { rules, addresses: one.addresses };
}

/** The verdict there, and of the answer back. */
function talk(fleet: Inventory, from: string, to: string, ulp: 'tcp' | 'udp', port: number): string {
  const known = new Map(fleet.hosts.flatMap((one) => [[one.name, one] as const]));
  const end = (name: string): { readonly at: Address; readonly policy: HostPolicy | null } => {
    const [first] = known.get(name)?.addresses ?? [];
    return first === undefined ? { at: address(name), policy: null } : { at: first, policy: policyOf(fleet, name) };
  };
  const [a, b] = [end(from), end(to)];
  const ask = flowBetween(a.policy, b.policy, { source: a.at, destination: b.at, ulp, port });
  const answer = flowBetween(b.policy, a.policy, { source: b.at, destination: a.at, ulp, sourcePort: port });
  return ask.kind === answer.kind ? ask.kind : `${ask.kind} there, ${answer.kind} back`;
}

describe.each([
  ['IPv4', '10.0.1.11', '10.0.2.21'],
  ['IPv6', 'fd00:1::11', 'fd00:2::21'],
])('over %s', (_family, web, db) => {
  describe.each(['peer', 'host-to-host', 'mesh', 'web-server'])('a web server and its %s', (template) => {
    const fleet = inventory(
      [host('web1', [web], 'web-server', WEB_VARS), host('db1', [db], template)],
      [link('web1', 'db1')],
    );
    test.each<[string, string, 'tcp' | 'udp', number, string]>([
      ['db1', 'web1', 'tcp', 22, 'protected'],
      ['db1', 'web1', 'tcp', 8080, 'protected'],
      ['web1', 'db1', 'tcp', 5432, 'protected'],
      ['web1', 'db1', 'tcp', 80, 'protected'],
      ['db1', 'web1', 'tcp', 80, 'clear'],
      ['db1', 'web1', 'tcp', 443, 'clear'],
      ['db1', 'web1', 'udp', 80, 'protected'],
      ['web1', 'db1', 'udp', 53, 'clear'],
      ['web1', 'db1', 'tcp', 53, 'clear'],
      ['db1', 'web1', 'udp', 53, 'protected'],
    ])('%s → %s %s/%i', (from, to, ulp, port, expected) => {
      expect(talk(fleet, from, to, ulp, port)).toBe(expected);
    });
  });
});

describe('everyone else', () => {
  const rest = (vars = {}): Inventory =>
    inventory(
      [host('web1', ['10.0.1.11'], 'web-server', WEB_VARS), host('db1', ['10.0.2.21'], 'peer', vars)],
      [link('web1', 'db1')],
    );
  test.each<[string, string, 'tcp' | 'udp', number, string]>([
    [STRANGER, 'web1', 'tcp', 443, 'clear'],
    [STRANGER, 'web1', 'tcp', 22, 'refused'],
    [STRANGER, 'web1', 'udp', 443, 'refused'],
    ['web1', STRANGER, 'udp', 53, 'clear'],
    ['web1', STRANGER, 'tcp', 25, 'refused'],
    [MANAGER, 'web1', 'tcp', 22, 'clear'],
    [MANAGER, 'db1', 'tcp', 22, 'clear'],
    [STRANGER, 'db1', 'tcp', 22, 'clear'],
  ])('%s → %s %s/%i', (from, to, ulp, port, expected) => {
    expect(talk(rest(), from, to, ulp, port)).toBe(expected);
  });

  test('is refused by a peer with others: refuse, but never management', () => {
    const strict = rest({ others: 'refuse' });
    expect(talk(strict, STRANGER, 'db1', 'tcp', 22)).toBe('refused');
    expect(talk(strict, MANAGER, 'db1', 'tcp', 22)).toBe('clear');
    expect(talk(strict, 'web1', 'db1', 'tcp', 5432)).toBe('protected');
    expect(talk(strict, 'db1', 'web1', 'tcp', 443)).toBe('clear');
  });

  test('management from a host of the fleet itself', () => {
    const inside = inventory(
      [host('web1', ['10.0.1.11'], 'web-server', WEB_VARS), host('ops', ['10.0.2.21'], 'peer')],
      [link('web1', 'ops')],
      ['10.0.2.21'],
    );
    expect(talk(inside, 'ops', 'web1', 'tcp', 22)).toBe('clear');
    expect(talk(inside, 'web1', 'ops', 'tcp', 22)).toBe('protected');
  });

  test('links with algorithms of their own agree with the server', () => {
    const mixed = inventory(
      [
        host('web1', ['10.0.1.11'], 'web-server', WEB_VARS),
        host('a', ['10.0.2.1']),
        host('b', ['10.0.2.2']),
        host('c', ['10.0.2.3']),
      ],
      [link('web1', 'a', { suite: { encr: 'aes-gcm(256)' } }), link('web1', 'b'), link('web1', 'c')],
    );
    for (const name of ['a', 'b', 'c']) expect(talk(mixed, name, 'web1', 'tcp', 22)).toBe('protected');
  });
});
