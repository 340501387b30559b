/** The seed case: a web server and its remote peer, as an inventory and as what it renders to. */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parseInventory } from '../../controller/inventory/parse.js';
import { missingKeys, withKeys } from '../../controller/keys/generate.js';
import type { Inventory } from '../../controller/model/host.js';
import type { KeyStore, RandomBytes } from '../../controller/ports.js';
import { desireFleet, type DesiredFleet } from '../../controller/run/desire-fleet.js';

export function seedInventory(changes: { keying?: 'ike-psk' | 'manual'; suite?: string; extra?: string } = {}): string {
  const { keying = 'ike-psk', suite = '{ encr: aes(256), encrAuth: sha256 }', extra = '' } = changes;
  return `version: 1
fleet: seed
management: [10.0.0.5]
defaults:
  keying: ${keying}
  suite: ${suite}
  ssh: { user: deploy, privilege: pfexec }
groups:
  web: { template: web-server, vars: { bypass: [ { lport: 80, ulp: tcp }, { lport: 443, ulp: tcp } ], dns: true } }
  db: { template: peer }
hosts:
  web1: { address: 10.0.1.11, groups: [web] }
  db1: { address: 10.0.2.21, groups: [db] }
links:
  - between: [web, db]
${extra}`;
}

export function readInventory(text: string): Inventory {
  return parseInventory({ path: 'inventory.yaml', readFile: () => text }).inventory;
}

/** Bytes that look random and are the same in every run. */
export function repeatableBytes(seed = 'seed'): RandomBytes {
  let count = 0;
  return (length) => {
    const bytes: number[] = [];
    while (bytes.length < length) bytes.push(...createHash('sha256').update(`${seed} ${count++}`).digest());
    return Uint8Array.from(bytes.slice(0, length));
  };
}

export function keysFor(inventory: Inventory, random = repeatableBytes()): KeyStore {
  const empty: KeyStore = { salt: '00112233445566778899aabbccddeeff', keys: new Map() };
  return withKeys(empty, missingKeys(inventory, empty, random, new Date('2026-11-22T10:00:00Z')));
}

const TEMPLATES = join(import.meta.dirname, '..', '..', 'templates');

export function builtInTemplates() {
  return readdirSync(TEMPLATES, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.hbs'))
    .map((path) => ({ path, file: `templates/${path}`, text: readFileSync(join(TEMPLATES, path), 'utf8') }));
}

export function desiredFleet(text: string): { inventory: Inventory; store: KeyStore; fleet: DesiredFleet } {
  const inventory = readInventory(text);
  const store = keysFor(inventory);
  return { inventory, store, fleet: desireFleet(inventory, inventory.hosts, builtInTemplates(), store) };
}
