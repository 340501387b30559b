/** Collects what we know of a host's key: from the inventory, else from known_hosts files, each read once in a run. */

import { readFile } from 'node:fs/promises';
import { knownKeys } from './host-keys.js';
import type { KnownKeys } from './host-keys.js';
import { knownHostsName, parseHostKeys, parseKnownHosts } from './known-hosts.js';
import type { HostKeyList } from './known-hosts.js';
import { expandHome } from './ssh-credentials.js';
import type { Environment } from './ssh-credentials.js';
import { errorCode } from './ssh-failures.js';
import type { Hop } from './ssh-hop.js';

export type ReadTrustedKeys = (hop: Hop, isJump: boolean) => Promise<KnownKeys>;

export function trustedKeysReader(env: Environment): ReadTrustedKeys {
  const files = new Map<string, Promise<HostKeyList>>();
  const readOnce = (file: string): Promise<HostKeyList> => {
    const list = files.get(file) ?? readKnownHosts(file, env);
    files.set(file, list);
    return list;
  };
  return async ({ name, settings, hostKeyAlias }, isJump) => {
    // ssh(1) looks an alias up as it is, without the port
    const lookFor = hostKeyAlias?.toLowerCase() ?? knownHostsName(settings.host, settings.port);
    const belongs = isJump ? 'to its map in ssh.proxyJump of the inventory' : 'to the host in the inventory';
    if (settings.hostKeys.length > 0) {
      return knownKeys(name, lookFor, parseHostKeys(settings.hostKeys, 'hostKey in the inventory'), {
        looked: 'the inventory has another host’s key',
        belongs,
      });
    }
    const lists = await Promise.all(settings.knownHosts.map(readOnce));
    const all: HostKeyList = {
      entries: lists.flatMap(({ entries }) => entries),
      ignored: lists.flatMap(({ ignored }) => ignored),
    };
    const looked =
      settings.knownHosts.length === 0
        ? 'no hostKey in the inventory'
        : `no hostKey in the inventory, no line for ${lookFor} in ${settings.knownHosts.join(', ')}`;
    return knownKeys(name, lookFor, all, { looked, belongs });
  };
}

async function readKnownHosts(file: string, env: Environment): Promise<HostKeyList> {
  try {
    return parseKnownHosts(await readFile(expandHome(file, env), 'utf8'), file);
  } catch (error) {
    // Nobody has to have one; one that is there and cannot be read is told.
    if (errorCode(error) === 'ENOENT') return { entries: [], ignored: [] };
    return { entries: [], ignored: [{ where: file, why: error instanceof Error ? error.message : String(error) }] };
  }
}
