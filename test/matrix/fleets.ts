/** What the matrix's hosts are to have: two contents for each way of keying, one with a peer more, rendered as for any operator. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { makeKeyStore } from '../../controller/cli/commands/init.js';
import { templatesFolder } from '../../controller/cli/package-files.js';
import { readTemplates } from '../../controller/files/workspace.js';
import { parseInventory } from '../../controller/inventory/parse.js';
import type { Inventory, Keying } from '../../controller/model/host.js';
import type { KeyStore } from '../../controller/ports.js';
import { desireFleet, type DesiredFleet } from '../../controller/run/desire-fleet.js';
import { supplyKeys } from '../../controller/run/supply-keys.js';
import { openVault } from '../../controller/vault/age-vault.js';
import { generateIdentity, writeIdentityFile } from '../../controller/vault/identity.js';

export interface FleetHost {
  readonly name: string;
  readonly keying: Keying;
  readonly port: number;
  readonly hostKeyLine: string;
}

/** Content 0 has one link a host, content 1 two: SAs, IKE rules and policy rules come, and go again. */
export type Content = 0 | 1;

export interface MatrixFleet {
  readonly folder: string;
  readonly store: KeyStore;
  readonly contents: readonly [OneContent, OneContent];
}

export interface OneContent {
  /** Base name of the inventory. */
  readonly file: string;
  readonly inventory: Inventory;
  readonly fleet: DesiredFleet;
}

export function other(content: Content): Content {
  return content === 0 ? 1 : 0;
}

export async function makeFleet(folder: string, hosts: readonly FleetHost[]): Promise<MatrixFleet> {
  await writeIdentityFile(join(folder, 'identity.txt'), await generateIdentity(), new Date());
  await makeKeyStore(folder, false);
  const files = (['one.yaml', 'two.yaml'] as const).map((file, links) => {
    fs.writeFileSync(join(folder, file), inventoryText(hosts, links + 1));
    return file;
  });
  const read = (file: string): Inventory =>
    parseInventory({ path: join(folder, file), readFile: (path) => fs.readFileSync(path, 'utf8') }).inventory;
  const [one = '', two = ''] = files;
  const inventories = [read(one), read(two)] as const;
  const vault = openVault(inventories[1].settings, undefined);
  const clock = { now: () => new Date(), after: () => Promise.resolve() };
  const { store } = await supplyKeys(inventories[1], vault, randomBytes, clock);
  const templates = await readTemplates(templatesFolder);
  const content = (file: string, inventory: Inventory): OneContent => ({
    file,
    inventory,
    fleet: desireFleet(inventory, inventory.hosts, templates, store),
  });
  return { folder, store, contents: [content(one, inventories[0]), content(two, inventories[1])] };
}

function inventoryText(hosts: readonly FleetHost[], links: number): string {
  const hostLine = ({ name, port, hostKeyLine }: FleetHost, at: number): string =>
    `  ${name}: { address: 10.0.${at}.1, ssh: { port: ${port} }, hostKey: ${hostKeyLine} }\n`;
  const linkLines = ({ name, keying }: FleetHost, at: number): string =>
    Array.from(
      { length: links },
      (_, n) =>
        `  - { between: [${name}, { external: ${name}-peer${n}, address: 10.9.${at}.${n + 1} }], keying: ${keying} }\n`,
    ).join('');
  return `version: 1
fleet: matrix
management: [127.0.0.1]
settings: { keyStore: keys.age, identityFile: identity.txt, confirmWindowSeconds: 10, keepGenerations: 3 }
defaults:
  template: peer
  ssh: { host: 127.0.0.1, user: deploy, privilege: pfexec, replyTimeoutSeconds: 20, auth: [{ key: client_ed25519 }] }
hosts:
${hosts.map(hostLine).join('')}links:
${hosts.map(linkLines).join('')}`;
}
