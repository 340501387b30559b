/** The inventory of a lab that plays an operator's own fleet: everything resolved, and SSH turned to the lab. */

import { resolve } from 'node:path';
import { formatAddress, formatPrefix } from '../model/address.js';
import type { FlowPeer, Inventory, Link, LinkEnd } from '../model/host.js';
import type { SeedHost } from './seed-inventory.js';

/** YAML, one line of JSON for each host, link and test. Keys come from a store of the lab's own, never from the fleet's. */
export function rehearsalInventory(inventory: Inventory, hosts: readonly SeedHost[], source: string): string {
  const line = (value: unknown): string => JSON.stringify(value);
  const list = (key: string, items: readonly unknown[]): string =>
    items.length === 0 ? '' : `${key}:\n${items.map((item) => `  - ${line(item)}\n`).join('')}`;
  const played = new Map(hosts.map((host) => [host.name, host]));
  const hostLines = inventory.hosts.flatMap((host) => {
    const lab = played.get(host.name);
    if (lab === undefined) return [];
    const { template, vars, platform } = host;
    const addresses = host.addresses.map(formatAddress);
    const ssh = { port: lab.port };
    return [
      `  ${host.name}: ${line({ address: addresses, template, vars, platform, ssh, hostKey: lab.hostKeyLine })}\n`,
    ];
  });
  const groups = [...inventory.groups].map(([name, members]) => `  ${name}: ${line({ hosts: members })}\n`);
  const templates = inventory.settings.templates;
  return `# What ${source} asks for, on hosts of the lab. Made by \`ipsec-deploy lab up --from\`.
version: 1
fleet: ${line(`${inventory.fleet}-lab`)}
management: ${line(['127.0.0.1', ...inventory.management.map(formatPrefix)])}
settings: ${line({
    keyStore: 'keys.age',
    identityFile: 'identity.txt',
    ...(templates === undefined ? {} : { templates: resolve(templates) }),
    confirmWindowSeconds: inventory.settings.confirmWindowSeconds,
    keepGenerations: inventory.settings.keepGenerations,
  })}
defaults:
  ssh: { host: 127.0.0.1, user: deploy, privilege: pfexec, auth: [{ key: client_ed25519 }], config: none }
${groups.length === 0 ? '' : `groups:\n${groups.join('')}`}hosts:
${hostLines.join('')}${list('links', inventory.links.map(linkLine))}${list(
    'tests',
    inventory.tests.map(({ from, to, ulp, port, expect }) => ({ from: peer(from), to: peer(to), ulp, port, expect })),
  )}`;
}

function linkLine({ ends, keying, suite }: Link): unknown {
  return { between: ends.map(end), keying, suite };
}

function end(value: LinkEnd): unknown {
  return value.kind === 'host' ? value.host : { external: value.name, address: value.addresses.map(formatAddress) };
}

function peer(value: FlowPeer): string {
  switch (value.kind) {
    case 'host':
      return value.address === undefined ? value.host : formatAddress(value.address);
    case 'external':
      return value.name;
    case 'address':
      return formatAddress(value.address);
    case 'prefixes': {
      const [only] = value.prefixes;
      return only === undefined || value.prefixes.length > 1 ? 'any' : formatPrefix(only);
    }
  }
}
