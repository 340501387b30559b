/** Inventories as values, and the built-in templates as the files edge hands them in. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultDrift } from '../../controller/inventory/drift-settings.js';
import { hostsByName } from '../../controller/keys/address-pairs.js';
import { parseAddress, parsePrefix } from '../../controller/model/address.js';
import type { Host, Inventory, Keying, Link, LinkEnd, Suite, Value } from '../../controller/model/host.js';
import type { TemplateSource } from '../../controller/render/template-set.js';

export const AT = { file: 'inventory.yaml', line: 7, column: 3 };
export const SUITE: Suite = { encr: 'aes(256)', encrAuth: 'sha256' };

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`not an ${what}`);
  return value;
}

export function host(
  name: string,
  addresses: readonly string[],
  template = 'peer',
  vars: Readonly<Record<string, Value>> = {},
): Host {
  return {
    name,
    addresses: addresses.map((text) => present(parseAddress(text), `address: ${text}`)),
    groups: [],
    platform: 'auto',
    ssh: {
      host: addresses[0] ?? name,
      port: 22,
      user: 'deploy',
      privilege: 'pfexec',
      auth: [],
      connectTimeoutSeconds: 10,
      replyTimeoutSeconds: 60,
      hostKeys: [],
      knownHosts: [],
    },
    template,
    vars,
    at: AT,
  };
}

export function external(name: string, addresses: readonly string[]): LinkEnd {
  return { kind: 'external', name, addresses: addresses.map((text) => present(parseAddress(text), 'address')) };
}

export function link(
  a: string | LinkEnd,
  b: string | LinkEnd,
  options: { readonly keying?: Keying; readonly suite?: Suite } = {},
): Link {
  const [first, second] = [a, b].map((end): LinkEnd => (typeof end === 'string' ? { kind: 'host', host: end } : end));
  const name = (end: LinkEnd): string => (end.kind === 'host' ? end.host : end.name);
  const ends = [present(first, 'end'), present(second, 'end')] as const;
  return {
    id: ends.map(name).sort().join('--'),
    ends,
    keying: options.keying ?? 'ike-psk',
    suite: options.suite ?? SUITE,
    at: { file: 'inventory.yaml', line: 20, column: 5 },
  };
}

export function inventory(
  hosts: readonly Host[],
  links: readonly Link[],
  management: readonly string[] = ['10.0.0.5'],
): Inventory {
  return {
    fleet: 'payments-dc1',
    management: management.map((text) => present(parsePrefix(text), 'prefix')),
    hosts,
    links,
    tests: [],
    settings: {
      keyStore: 'keys.age',
      recipients: [],
      forks: 10,
      confirmWindowSeconds: 60,
      keepGenerations: 10,
      drift: defaultDrift('inventory.yaml'),
    },
    groups: new Map(),
  };
}

export const WEB_VARS: Readonly<Record<string, Value>> = {
  bypass: [
    { lport: 80, ulp: 'tcp' },
    { lport: 443, ulp: 'tcp' },
  ],
  dns: true,
};

/** A web server and its remote peer. */
export function seedInventory(keying: Keying, suite: Suite = SUITE): Inventory {
  const hosts = [host('web1', ['10.0.1.11'], 'web-server', WEB_VARS), host('db1', ['10.0.2.21'], 'peer')];
  return inventory(hosts, [link('web1', 'db1', { keying, suite })]);
}

export function hostNamed(fleet: Inventory, name: string): Host {
  return present(hostsByName(fleet).get(name), `host: ${name}`);
}

export function builtInTemplates(): readonly TemplateSource[] {
  return ['solaris', 'partials'].flatMap((folder) =>
    readdirSync(join('templates', folder))
      .filter((name) => name.endsWith('.hbs'))
      .sort()
      .map((name) => {
        const path = join(folder, name);
        return { path, file: join('templates', path), text: readFileSync(join('templates', path), 'utf8') };
      }),
  );
}

/** Bytes that are the same in every run: a counter through SplitMix64, so that no key looks weak. */
export function countedBytes(seed = 1): (count: number) => Uint8Array {
  let state = BigInt(seed);
  const mask = (1n << 64n) - 1n;
  return (count) =>
    Uint8Array.from({ length: count }, () => {
      state = (state + 0x9e3779b97f4a7c15n) & mask;
      const z = ((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
      return Number((z ^ (z >> 27n)) & 0xffn);
    });
}
