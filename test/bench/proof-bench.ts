/** What proof-bench.mjs measures: a fleet as a value, and each stage of its proof as a function of it. */

import { missingKeys, withKeys } from '../../controller/keys/generate.js';
import { parseInventory } from '../../controller/inventory/parse.js';
import type { Inventory } from '../../controller/model/host.js';
import { fileText } from '../../controller/model/managed-file.js';
import type { LoadedRule } from '../../controller/model/policy.js';
import { policyChange } from '../../controller/plan/policy-change.js';
import { canonicalListing, predictLoad } from '../../controller/policy/predict-load.js';
import type { KeyStore } from '../../controller/ports.js';
import { addressNames } from '../../controller/proof/address-names.js';
import { flowTestFailures } from '../../controller/proof/flow-tests.js';
import { proveLinks } from '../../controller/proof/pair-findings.js';
import { fleetPictures } from '../../controller/proof/pair-pictures.js';
import type { Rendered } from '../../controller/render/render-host.js';
import { desireFleet, type DesiredFleet } from '../../controller/run/desire-fleet.js';
import { lockOutObjections, unchanging } from '../../controller/run/prove-fleet.js';
import { builtInTemplates, repeatableBytes } from '../support/seed-case.js';

/**
 * Hosts in a ring, each linked with its next neighbours: one in ten a web server, one link in four with manual keys, and a
 * test or two for every third host. SSH comes from `management`.
 */
export function ring(hosts: number, neighbours: number, management = '10.255.0.5'): Inventory {
  const name = (at: number): string => `h${at % hosts}`;
  const lines = [
    'version: 1',
    'fleet: bench',
    `management: [${management}]`,
    `defaults: { ssh: { user: deploy }, suite: { encr: aes(256), encrAuth: sha256 } }`,
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
  lines.push('tests:');
  for (let at = 0; at < hosts; at += 3) {
    lines.push(`  - { from: ${name(at)}, to: ${name(at + 1)}, ulp: tcp, port: 5432, expect: protected }`);
    if (at % 10 === 0) lines.push(`  - { from: 192.0.2.0/24, to: ${name(at)}, ulp: tcp, port: 443, expect: clear }`);
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

/** What a host had before: the rules loaded, and its policy file. */
interface FormerHost {
  readonly rules: readonly LoadedRule[];
  readonly text: string;
}

export type FormerFleet = ReadonlyMap<string, FormerHost>;

/** The fleet before the change: every rule with a shorter key. */
export function formerFleet({ rendered }: DesiredFleet): FormerFleet {
  return new Map(
    [...rendered].map(([name, files]) => {
      const text = policyText(files).replaceAll('aes(256)', 'aes(128)');
      return [name, { rules: predictLoad(text).rules, text }];
    }),
  );
}

function policyText({ files }: Rendered): string {
  const file = files.find(({ path }) => path === '/etc/inet/ipsecinit.conf');
  return file === undefined ? '' : fileText(file, { generation: 1, key: () => '' });
}

/** Findings of all links. */
export function pairs(inventory: Inventory, { rendered, policies }: DesiredFleet): number {
  return proveLinks(inventory.links, fleetPictures(inventory, rendered, policies)).length;
}

/** Hosts that SSH cannot reach after the change, and those it cannot reach while some have the one policy and some the other. */
export function lockedOut(inventory: Inventory, { policies, rendered }: DesiredFleet, former: FormerFleet): number {
  const { hosts } = inventory;
  const later = new Map([...policies].map(([name, rules]) => [name, unchanging(rules)] as const));
  const changing = new Map(
    [...policies].map(([name, after]) => [name, { before: former.get(name)?.rules ?? [], after }] as const),
  );
  return (
    lockOutObjections(inventory, hosts, later, rendered, 'after').length +
    lockOutObjections(inventory, hosts, changing, rendered, 'until-then').length
  );
}

export function failedTests({ hosts, tests }: Inventory, { policies }: DesiredFleet): number {
  const byName = new Map(hosts.map((host) => [host.name, host]));
  return tests.filter((test) => flowTestFailures(test, byName, policies).length > 0).length;
}

/** Changes of flows that a plan would tell of, over all hosts. */
export function changes(inventory: Inventory, { policies }: DesiredFleet, former: FormerFleet): number {
  const nameOf = addressNames(inventory);
  let found = 0;
  for (const { name, addresses } of inventory.hosts) {
    const before = former.get(name);
    const listing = canonicalListing(before?.rules ?? []);
    const installed = { listing, text: before?.text, naming: { nameOf, addresses } };
    found += policyChange(name, policies.get(name) ?? [], installed).flowChanges.length;
  }
  return found;
}
