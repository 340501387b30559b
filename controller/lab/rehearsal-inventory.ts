/** The inventory of a lab that plays an operator's own fleet: everything resolved, and SSH turned to the lab. */

import { resolve } from 'node:path';
import { formatAddress, formatPrefix, type Prefix } from '../model/address.js';
import type { FlowPeer, HostNames, Inventory, Link, LinkEnd } from '../model/host.js';
import { PLAIN_ACCESS, type LabAccess } from './lab-access.js';
import type { SeedHost } from './seed-inventory.js';

/** YAML, one line of JSON for each host, link and test. Keys come from a store of the lab's own, never from the fleet's. */
export function rehearsalInventory(
  inventory: Inventory,
  hosts: readonly SeedHost[],
  source: string,
  access: LabAccess = PLAIN_ACCESS,
): string {
  const line = (value: unknown): string => JSON.stringify(value);
  const list = (key: string, items: readonly unknown[]): string =>
    items.length === 0 ? '' : `${key}:\n${items.map((item) => `  - ${line(item)}\n`).join('')}`;
  const played = new Map(hosts.map((host) => [host.name, host]));
  const hostLines = inventory.hosts.flatMap((host) => {
    const lab = played.get(host.name);
    if (lab === undefined) return [];
    const { template, vars, platform, syntax, files, modes } = host;
    const address = host.addresses.map(formatAddress);
    const rendered = { template, vars, platform, syntax, files, modes, names: nameLines(host.names) };
    const ssh = { port: lab.port };
    return [`  ${host.name}: ${line({ address, ...rendered, ssh, hostKey: lab.hostKeyLine })}\n`];
  });
  const groups = [...inventory.groups].map(([name, members]) => `  ${name}: ${line({ hosts: members })}\n`);
  const templates = inventory.settings.templates;
  return `# What ${source} asks for, on hosts of the lab. Made by \`ipsec-deploy lab up --from\`.
version: 1
fleet: ${line(`${inventory.fleet}-lab`)}
management: ${line([...new Set([...access.management, ...inventory.management.map(sourceText)])])}
settings: ${line({
    keyStore: 'keys.age',
    identityFile: 'identity.txt',
    ...(templates === undefined ? {} : { templates: resolve(templates) }),
    confirmWindowSeconds: inventory.settings.confirmWindowSeconds,
    keepGenerations: inventory.settings.keepGenerations,
  })}
defaults:
  ssh: ${access.ssh}
${groups.length === 0 ? '' : `groups:\n${groups.join('')}`}hosts:
${hostLines.join('')}${list('links', inventory.links.map(linkLine))}${list(
    'tests',
    inventory.tests.map(({ from, to, ulp, port, expect }) => ({ from: peer(from), to: peer(to), ulp, port, expect })),
  )}`;
}

/** As a person writes it: an address alone has no length behind it. */
function sourceText({ address, length }: Prefix): string {
  return length === (address.family === 4 ? 32 : 128) ? formatAddress(address) : formatPrefix({ address, length });
}

function nameLines(names: HostNames | undefined): Readonly<Record<string, readonly string[]>> | undefined {
  return names === undefined
    ? undefined
    : Object.fromEntries([...names].map(([name, addresses]) => [name, addresses.map(formatAddress)]));
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
