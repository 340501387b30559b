/** Which hosts a lab is to have, by the options of `lab up` and by what was kept; and the files that an operator reaches them with. */

import { join, resolve } from 'node:path';
import { OperatorError } from '../../errors.js';
import { readTextNow, writeNewFile } from '../../files/workspace.js';
import { parseInventory } from '../../inventory/parse.js';
import { MOST_ENFORCED } from '../../lab/enforce/enforcing-lab.js';
import { controllerAddresses } from '../../lab/enforce/network-plan.js';
import { enforcedAccess, PLAIN_ACCESS } from '../../lab/lab-access.js';
import type { LabHostPlan } from '../../lab/lab.js';
import { folderOption } from '../../lab/lab-state.js';
import type { LabNodes } from '../../lab/lab-node.js';
import { readLabState } from '../../lab/lab-state.js';
import { rehearsalInventory } from '../../lab/rehearsal-inventory.js';
import { outsiders, SEED_HOSTS, seedHosts, seedInventory } from '../../lab/seed-inventory.js';
import type { Address } from '../../model/address.js';
import type { Inventory, Keying } from '../../model/host.js';
import type { PlatformName } from '../../platform/adapter.js';
import { generateIdentity, writeIdentityFile } from '../../vault/identity.js';
import { makeKeyStore } from './init.js';

export interface LabWishes {
  readonly folder: string;
  readonly hosts: number | undefined;
  readonly keying: Keying;
  readonly platform: PlatformName;
  readonly from: string | undefined;
  readonly enforce: boolean;
  readonly outsiders: number;
}

export interface WantedLab {
  readonly source: { readonly path: string; readonly inventory: Inventory } | undefined;
  readonly hosts: readonly LabHostPlan[];
  /** Of an enforcing lab: the controller's addresses on the wire. */
  readonly controller: readonly Address[] | undefined;
}

/** The hosts of a kept lab are taken as they were; other wishes need a new folder. */
export function wantedLab(wishes: LabWishes): WantedLab {
  const kept = readLabState(wishes.folder);
  const source = wishes.from === undefined ? undefined : readSource(wishes.from);
  const isEnforcing = kept === undefined ? wishes.enforce : kept.controller !== undefined;
  if (wishes.enforce && !isEnforcing) refuseKept(wishes.folder, 'plain hosts', 'enforcing ones');
  const hosts =
    source === undefined ? seedOrKept(wishes, kept?.hosts) : sourceHosts(source.inventory, wishes, kept?.hosts);
  if (!isEnforcing) return { source, hosts, controller: undefined };
  const all = kept === undefined ? [...hosts, ...outsiders(wishes.outsiders, hosts)] : hosts;
  if (all.length > MOST_ENFORCED) {
    throw new OperatorError('LAB_TOO_LARGE', {
      what: `an enforcing lab has at most ${MOST_ENFORCED} hosts, outsiders among them; this one would have ${all.length}`,
      todo: 'ask for fewer, or leave --enforce away: a plain lab takes more',
    });
  }
  const families = new Set(hosts.flatMap((host) => host.addresses.map(({ family }) => family)));
  const addresses = all.flatMap((host) => host.addresses).filter(({ family }) => families.has(family));
  const controller = kept?.controller ?? controllerAddresses(source?.inventory.management ?? [], addresses);
  return { source, hosts: all, controller };
}

function readSource(path: string): WantedLab['source'] {
  const { inventory } = parseInventory({ path, readFile: readTextNow });
  return { path: resolve(path), inventory };
}

function seedOrKept(wishes: LabWishes, kept: readonly LabHostPlan[] | undefined): readonly LabHostPlan[] {
  const known = kept?.filter((host) => host.isOutsider !== true).length;
  if (known !== undefined && wishes.hosts !== undefined && wishes.hosts !== known) {
    refuseKept(wishes.folder, known === 1 ? '1 host' : `${known} hosts`, String(wishes.hosts));
  }
  const { platform } = wishes;
  return kept ?? seedHosts(wishes.hosts ?? SEED_HOSTS.least).map((host) => ({ ...host, platform }));
}

function refuseKept(folder: string, has: string, wanted: string): never {
  throw new OperatorError('LAB_HAS_OTHER_HOSTS', {
    what: `the lab in ${folder} has ${has}, not ${wanted}`,
    todo: `remove it first: ipsec-deploy lab down ${folderOption(folder)}`,
  });
}

function sourceHosts(
  inventory: Inventory,
  wishes: LabWishes,
  kept: readonly LabHostPlan[] | undefined,
): readonly LabHostPlan[] {
  const ports = new Map(kept?.map((host) => [host.name, host.port]));
  const hosts = inventory.hosts.map(({ name, addresses, platform: said }) => {
    const port = ports.get(name);
    const platform = said === 'auto' ? wishes.platform : said;
    return { name, addresses, platform, ...(port === undefined ? {} : { port }) };
  });
  return [...hosts, ...(kept ?? []).filter((host) => host.isOutsider === true)];
}

/** What is there already was kept on purpose, and may have been edited. */
export async function writeLabFiles(lab: LabNodes, keying: Keying, source: WantedLab['source']): Promise<void> {
  const hosts = [...lab.hosts.values()].filter((host) => host.isOutsider !== true);
  const access = lab.cables === undefined ? PLAIN_ACCESS : enforcedAccess(lab.cables.controller);
  const text =
    source === undefined
      ? seedInventory(hosts, keying, access)
      : rehearsalInventory(source.inventory, hosts, source.path, access);
  if (await writeUnlessThere(join(lab.folder, 'inventory.yaml'), text)) await prepareKeyStore(lab.folder);
}

async function writeUnlessThere(path: string, text: string): Promise<boolean> {
  try {
    await writeNewFile(path, text, 0o644);
    return true;
  } catch (error) {
    if (error instanceof OperatorError && error.code === 'FILE_EXISTS') return false;
    throw error;
  }
}

async function prepareKeyStore(folder: string): Promise<void> {
  await writeIdentityFile(join(folder, 'identity.txt'), await generateIdentity(), new Date());
  await makeKeyStore(folder, false);
}
