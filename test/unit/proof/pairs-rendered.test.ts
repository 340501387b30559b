/** What the built-in templates render has nothing wrong between the ends of its links, whatever the keying and family. */

import { describe, expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseInventory } from '../../../controller/inventory/parse.js';
import type { Inventory } from '../../../controller/model/host.js';
import { proveLinks, type PairFinding } from '../../../controller/proof/pair-findings.js';
import { pairProblem } from '../../../controller/proof/pair-texts.js';
import { fleetPictures } from '../../../controller/proof/pair-pictures.js';
import { desireFleet } from '../../../controller/run/desire-fleet.js';
import { builtInTemplates, keysFor, readInventory, seedInventory } from '../../support/seed-case.js';

type Templates = ReturnType<typeof builtInTemplates>;

function findingsOf(inventory: Inventory, templates: Templates = builtInTemplates()): readonly PairFinding[] {
  const fleet = desireFleet(inventory, inventory.hosts, templates, keysFor(inventory));
  expect(fleet.rendered.size).toBeGreaterThanOrEqual(inventory.hosts.length);
  return proveLinks(inventory.links, fleetPictures(inventory, fleet.rendered, fleet.policies));
}

const MIXED = `version: 1
fleet: mixed
management: [10.0.0.5, 10.1.0.0/24]
defaults: { keying: KEYING, suite: { encr: aes(256), encrAuth: sha256 }, ssh: { user: deploy } }
groups:
  web: { template: web-server, vars: { bypass: [ { lport: 80, ulp: tcp }, { lport: 443, ulp: tcp, dir: both }, { rport: 25, ulp: tcp }, { ulp: icmp } ], dns: true } }
  peers: { template: peer, vars: { bypass: [ { lport: 22, ulp: tcp, raddr: 10.1.0.0/24 } ] } }
  mesh: { template: mesh, vars: { others: refuse } }
  pair: { template: host-to-host }
hosts:
  web1: { address: [10.1.0.11, 'fd00:1::11'], groups: [web] }
  web2: { address: [10.1.0.12, 'fd00:1::12'], groups: [web] }
  db1: { address: [10.2.0.21, 'fd00:2::21', 10.2.0.22], groups: [peers] }
  db2: { address: 10.2.0.31, groups: [peers], vars: { others: refuse } }
  m1: { address: ['fd00:3::1', 10.3.0.1], groups: [mesh] }
  m2: { address: ['fd00:3::2', 10.3.0.2], groups: [mesh] }
  m3: { address: 'fd00:3::3', groups: [mesh] }
  h1: { address: 10.4.0.1, groups: [pair] }
links:
  - between: [web, peers]
  - mesh: mesh
  - between: [web1, web2]
    keying: ike-psk
    suite: { encr: aes-gcm(256) }
  - between: [web1, m1]
    keying: manual
  - between: [h1, m2]
    suite: { encr: 'null', encrAuth: sha512 }
  - between: [db1, { external: mainframe, address: [10.9.0.7, 'fd00:9::7'] }]
  - between: [web1, { external: mainframe, address: [10.9.0.7, 'fd00:9::7'] }]
    keying: manual
`;

describe('rendered by the built-in templates', () => {
  test.each(['ike-psk', 'manual'] as const)('the seed case with %s', (keying) => {
    expect(findingsOf(readInventory(seedInventory({ keying })))).toEqual([]);
  });

  test.each(['ike-psk', 'manual'])('every template, both families, ends of others, with %s', (keying) => {
    const findings = findingsOf(readInventory(MIXED.replace('KEYING', keying)));
    expect(findings.map((one) => pairProblem(one).what)).toEqual([]);
  });

  test.each(['example/inventory.yaml', 'reference.yaml', 'scaffold.yaml'])('inventory/%s', (path) => {
    const readFile = (name: string): string => readFileSync(name, 'utf8');
    const { inventory } = parseInventory({ path: join('inventory', path), readFile });
    expect(findingsOf(inventory).map((one) => pairProblem(one).what)).toEqual([]);
  });
});

test('a template that forgets the mirrored bypasses is found out, at the lines of both templates', () => {
  const templates = builtInTemplates().map((one) =>
    one.path.endsWith('peer.hbs') ? { ...one, text: one.text.replace('{{> mirrored-bypasses}}\n', '') } : one,
  );
  const findings = findingsOf(readInventory(seedInventory()), templates);
  expect(findings.map(({ verdict, phrases }) => `${verdict} ${phrases.join()}`)).toEqual([
    'protected-meets-bypass db1 → web1 tcp/80',
    'protected-meets-bypass db1 → web1 tcp/443',
    'protected-meets-bypass db1 → web1 udp from 53',
    'protected-meets-bypass db1 → web1 tcp/0-79,81-442,444-65535 from 53',
    'clear-meets-protected web1 → db1 tcp from 80',
    'clear-meets-protected web1 → db1 tcp from 443',
    'clear-meets-protected web1 → db1 udp/53',
    'clear-meets-protected web1 → db1 tcp/53 but tcp/53 from 80,443',
  ]);
  const [first] = findings.map(pairProblem);
  expect(first).toMatchObject({ code: 'PAIR_PROTECTED_MEETS_BYPASS', severity: 'error' });
  expect(first?.what).toMatch(
    /^db1 → web1 tcp\/80, such as 10\.0\.2\.21 port 49152 → 10\.0\.1\.11 port 80 tcp: db1 sends it protected, and web1 takes it only in the clear; db1 has \{ .* \} at \/etc\/inet\/ipsecinit\.conf:\d+ \(templates\/partials\/link-rules\.hbs:\d+:\d+\); web1 has \{ .* \} at \/etc\/inet\/ipsecinit\.conf:\d+ \(templates\/partials\/bypasses\.hbs:\d+:\d+\)$/,
  );
  expect(first?.at?.file).toBe('templates/partials/link-rules.hbs');
});
