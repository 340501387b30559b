/** What proof-bench.mjs measures: a fleet as a value, and each stage of its proof as a function of it. */

import { missingKeys, withKeys } from '../../controller/keys/generate.js';
import { parseInventory } from '../../controller/inventory/parse.js';
import type { Inventory } from '../../controller/model/host.js';
import type { KeyStore } from '../../controller/ports.js';
import { proveLinks } from '../../controller/proof/pair-findings.js';
import { fleetPictures } from '../../controller/proof/pair-pictures.js';
import { desireFleet, type DesiredFleet } from '../../controller/run/desire-fleet.js';
import { builtInTemplates, repeatableBytes } from '../support/seed-case.js';

/** Hosts in a ring, each linked with its next neighbours: one in ten a web server, one link in four with manual keys. */
export function ring(hosts: number, neighbours: number): Inventory {
  const name = (at: number): string => `h${at % hosts}`;
  const lines = [
    'version: 1',
    'fleet: bench',
    'management: [10.255.0.5]',
    'defaults: { ssh: { user: deploy }, suite: { encr: aes(256), encrAuth: sha256 } }',
    'groups:',
    '  web: { template: web-server, vars: { bypass: [ { lport: 80, ulp: tcp }, { lport: 443, ulp: tcp } ], dns: true } }',
    '  db: { template: peer }',
    'hosts:',
  ];
  for (let at = 0; at < hosts; at++) {
    lines.push(`  ${name(at)}: { address: 10.${at >> 8}.${at & 255}.7, groups: [${at % 10 === 0 ? 'web' : 'db'}] }`);
  }
  lines.push('links:');
  for (let at = 0; at < hosts; at++) {
    for (let step = 1; step <= neighbours; step++) {
      const keying = step % 4 === 0 ? 'manual' : 'ike-psk';
      lines.push(`  - { between: [${name(at)}, ${name(at + step)}], keying: ${keying} }`);
    }
  }
  const text = `${lines.join('\n')}\n`;
  return parseInventory({ path: 'inventory.yaml', readFile: () => text }).inventory;
}

export function keysFor(inventory: Inventory): KeyStore {
  const empty: KeyStore = { salt: '00112233445566778899aabbccddeeff', keys: new Map() };
  return withKeys(empty, missingKeys(inventory, empty, repeatableBytes(), new Date(0)));
}

export function desired(inventory: Inventory, store: KeyStore): DesiredFleet {
  return desireFleet(inventory, inventory.hosts, builtInTemplates(), store);
}

/** Findings of all links. */
export function pairs(inventory: Inventory, { rendered, policies }: DesiredFleet): number {
  return proveLinks(inventory.links, fleetPictures(inventory, rendered, policies)).length;
}
