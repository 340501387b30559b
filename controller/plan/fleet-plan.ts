/** A whole run before it begins: every host's plan, who moves together, who was pulled in and why. */

import { parseAddress, prefixContains, hostPrefix, type Address, type Prefix } from '../model/address.js';
import type { Link, LinkEnd } from '../model/host.js';
import type { HostOutcome } from '../model/run.js';
import { isUnchanged, type HostPlan } from './host-plan.js';

export interface FleetPlan {
  readonly run: string;
  readonly fleet: string;
  /** ISO 8601, UTC. */
  readonly made: string;
  /** Hosts with something to do come in `groups`; the others are here too, with no steps. */
  readonly hosts: readonly HostPlan[];
  /** Hosts that are confirmed together or go back together: joined by links that the change concerns. */
  readonly groups: readonly (readonly string[])[];
  readonly pulledIn: readonly PulledIn[];
  /** Hosts that cannot be part of it, decided before anything is touched. */
  readonly excluded: readonly { readonly host: string; readonly outcome: HostOutcome }[];
}

/** A host that was not selected, but whose change belongs to that of one which was. */
export interface PulledIn {
  readonly host: string;
  readonly because: string;
}

/** Link ends by host, built once: thousands of hosts share it. */
export type Neighbours = ReadonlyMap<string, readonly Neighbour[]>;

export interface Neighbour {
  readonly link: Pick<Link, 'id'>;
  readonly end: LinkEnd;
}

export function neighbours(links: readonly Link[]): Neighbours {
  const map = new Map<string, Neighbour[]>();
  const add = (from: LinkEnd, link: Link, end: LinkEnd): void => {
    if (from.kind !== 'host') return;
    const list = map.get(from.host);
    if (list === undefined) map.set(from.host, [{ link, end }]);
    else list.push({ link, end });
  };
  for (const link of links) {
    add(link.ends[0], link, link.ends[1]);
    add(link.ends[1], link, link.ends[0]);
  }
  return map;
}

/**
 * `near`, and the links that the inventory has no more, as far as plans take their keys off or bring them back: their ends move together too.
 * `names` are the hosts that can be an end.
 */
export function withFormerLinks(near: Neighbours, plans: Iterable<HostPlan>, names: ReadonlySet<string>): Neighbours {
  const map = new Map(near);
  const add = (from: string, id: string, to: string): void => {
    const list = map.get(from) ?? [];
    if (list.some(({ link }) => link.id === id)) return;
    map.set(from, [...list, { link: { id }, end: { kind: 'host', host: to } }]);
  };
  for (const plan of plans) {
    for (const id of new Set(plan.keyChanges.map((change) => change.id.split(':')[1] ?? ''))) {
      const peer = otherEnd(id, plan.host);
      if (peer === undefined || !names.has(peer)) continue;
      add(plan.host, id, peer);
      add(peer, id, plan.host);
    }
  }
  return map;
}

/** `db1` for `db1--web1` and `web1`. */
function otherEnd(id: string, host: string): string | undefined {
  if (id.startsWith(`${host}--`)) return id.slice(host.length + 2);
  if (id.endsWith(`--${host}`)) return id.slice(0, -host.length - 2);
  return undefined;
}

/** Whether a host's change alters what passes between it and a peer: a key of their link, or a rule that covers the peer's addresses. */
export function concernsPeer(plan: HostPlan, link: Pick<Link, 'id'>, peerAddresses: readonly Address[]): boolean {
  if (isUnchanged(plan)) return false;
  if (plan.keyChanges.some((change) => change.id === `psk:${link.id}` || change.id.startsWith(`sa:${link.id}:`)))
    return true;
  return [...plan.rulesAdded, ...plan.rulesRemoved].some((rule) => {
    const remote = remoteOf(rule);
    return remote === undefined || peerAddresses.some((address) => prefixContains(remote, hostPrefix(address)));
  });
}

/** The remote side of a canonical rule; `undefined` when it is not limited to one. */
function remoteOf(rule: string): Prefix | undefined {
  const found = /\braddr (\S+)\/(\d+)/.exec(rule);
  const address = found?.[1] === undefined ? undefined : parseAddress(found[1]);
  return address === undefined ? undefined : { address, length: Number(found?.[2]) };
}

export interface Scope {
  readonly included: ReadonlySet<string>;
  readonly pulledIn: readonly PulledIn[];
  /** Included hosts with a change that concerns a peer that could not be looked at. */
  readonly blocked: ReadonlyMap<string, string>;
}

/**
 * From the selected hosts to all that must move with them (design I5): a peer with a change of its own joins when either
 * change concerns the other. `addresses` gives a host's policy addresses.
 */
export function scopeOf(
  selected: readonly string[],
  plans: ReadonlyMap<string, HostPlan>,
  near: Neighbours,
  addresses: (host: string) => readonly Address[],
): Scope {
  const included = new Set(selected.filter((host) => plans.has(host)));
  const pulledIn: PulledIn[] = [];
  const blocked = new Map<string, string>();
  const queue = [...included];
  for (let host = queue.shift(); host !== undefined; host = queue.shift()) {
    const plan = plans.get(host);
    if (plan === undefined || isUnchanged(plan)) continue;
    for (const { link, end } of near.get(host) ?? []) {
      if (end.kind !== 'host') continue;
      const peer = plans.get(end.host);
      const concerned = concernsPeer(plan, link, addresses(end.host));
      if (peer === undefined) {
        if (concerned && !blocked.has(host)) blocked.set(host, end.host);
        continue;
      }
      if (included.has(end.host) || isUnchanged(peer)) continue;
      if (!concerned && !concernsPeer(peer, link, addresses(host))) continue;
      included.add(end.host);
      pulledIn.push({ host: end.host, because: host });
      queue.push(end.host);
    }
  }
  return { included, pulledIn, blocked };
}

/** Changed hosts joined into groups over the links that their changes concern; each group in the order of `hosts`. */
export function groupsOf(
  hosts: readonly string[],
  plans: ReadonlyMap<string, HostPlan>,
  near: Neighbours,
  addresses: (host: string) => readonly Address[],
): string[][] {
  const changing = hosts.filter((host) => {
    const plan = plans.get(host);
    return plan !== undefined && !isUnchanged(plan);
  });
  const parent = new Map(changing.map((host) => [host, host]));
  const root = (host: string): string => {
    let at = host;
    for (let up = parent.get(at); up !== undefined && up !== at; up = parent.get(at)) at = up;
    parent.set(host, at);
    return at;
  };
  for (const host of changing) {
    const plan = plans.get(host);
    for (const { link, end } of near.get(host) ?? []) {
      if (plan === undefined || end.kind !== 'host' || !parent.has(end.host) || root(host) === root(end.host)) continue;
      if (concernsPeer(plan, link, addresses(end.host))) parent.set(root(host), root(end.host));
    }
  }
  const groups = new Map<string, string[]>();
  for (const host of changing) {
    const key = root(host);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [host]);
    else group.push(host);
  }
  return [...groups.values()];
}
