/** Which hosts a command works on: `--limit`, and who sits at the other end of their links. */

import { OperatorError } from '../errors.js';
import type { Host, Inventory } from '../model/host.js';
import { type Directory, findHosts, nearestName } from './directory.js';
import { nearest } from './suggest.js';

/**
 * Hosts named by a limit, in inventory order. Parts are separated by commas; a part is a host, group, range or
 * pattern (`web*`), `@web` means the group alone, and `!` in front leaves hosts out, wherever it stands. Only
 * exclusions start from all hosts; no expression means all hosts.
 * @param where what the words stand in, for errors
 * @throws OperatorError LIMIT_EMPTY, LIMIT_NO_MATCH (a part that means nothing) or LIMIT_NO_HOSTS (nothing is left)
 */
export function selectHosts(inventory: Inventory, limit?: string, where = '--limit'): readonly Host[] {
  if (limit === undefined) return inventory.hosts;
  const parts = limit
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (parts.length === 0) {
    throw new OperatorError('LIMIT_EMPTY', {
      what: 'the limit names no host',
      where,
      todo: 'name hosts or groups, or leave the option out for all hosts',
    });
  }
  const directory: Directory = { hosts: new Set(inventory.hosts.map((host) => host.name)), groups: inventory.groups };
  const wanted = new Set<string>();
  const unwanted = new Set<string>();
  for (const part of parts) {
    const isExcluded = part.startsWith('!');
    const target = isExcluded ? unwanted : wanted;
    for (const name of namedBy(isExcluded ? part.slice(1).trim() : part, directory, where)) target.add(name);
  }
  const startsFromAll = parts.every((part) => part.startsWith('!'));
  const selected = inventory.hosts.filter(({ name }) => (startsFromAll || wanted.has(name)) && !unwanted.has(name));
  if (selected.length > 0) return selected;
  throw new OperatorError('LIMIT_NO_HOSTS', {
    what: `"${limit}" leaves no host to work on`,
    where,
    todo: 'exclude fewer hosts, or name a group that has some',
  });
}

function namedBy(part: string, directory: Directory, where: string): readonly string[] {
  const group = part.startsWith('@') ? part.slice(1) : undefined;
  const found = group === undefined ? findHosts(directory, part) : directory.groups.get(group);
  if (found !== undefined) return found;
  const match = group === undefined ? nearestName(directory, part) : nearest(group, directory.groups.keys());
  throw new OperatorError('LIMIT_NO_MATCH', {
    what: `no ${group === undefined ? 'host or group' : 'group'} is called "${group ?? part}"`,
    where,
    todo: match === undefined ? 'name a host or group of the inventory' : `did you mean "${match}"?`,
  });
}

/**
 * Names of the hosts, in inventory order, that share a link with one of `selected` and are not selected themselves.
 * Both ends of a link move together, so a change to a link pulls them in.
 */
export function linkPeers(inventory: Inventory, selected: readonly Pick<Host, 'name'>[]): readonly string[] {
  const names = new Set(selected.map((host) => host.name));
  const peers = new Set<string>();
  for (const { ends } of inventory.links) {
    const hosts = ends.flatMap((end) => (end.kind === 'host' ? end.host : []));
    if (hosts.some((host) => names.has(host)))
      hosts.filter((host) => !names.has(host)).forEach((host) => peers.add(host));
  }
  return inventory.hosts.map((host) => host.name).filter((name) => peers.has(name));
}
