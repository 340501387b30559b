/**
 * The kernel's policy database (SPD) as an immutable value: the host's table and one for each tunnel.
 * Owns which rules are in force, their indexes and the order they are listed in; entering rules is in spd-draft.
 */

import type { LoadedRule, TunnelTable } from '../model/policy.js';

/** Rules of one list in the order they were entered: listings and searches start from the end. */
export type Chain = readonly StoredRule[];

export interface StoredRule {
  readonly rule: LoadedRule;
  /** Bytes of the kernel's listing message for this rule. */
  readonly listingBytes: number;
  /** Its tunnel's name as listings print it. */
  readonly listedTunnel?: string;
}

/** Where a rule is kept: direction, then a hash chain of exact remote addresses or the family's open list. */
export interface Place {
  readonly dir: LoadedRule['dir'];
  /** Number of the hash chain; undefined = the open list of its family. */
  readonly chain: number | undefined;
  readonly family: LoadedRule['family'];
}

export interface PolicyTable {
  /** Keyed by place. */
  readonly chains: ReadonlyMap<string, Chain>;
  /** The index the next rule gets: it never goes back. */
  readonly nextIndex: number;
  /** Of tunnel tables in use; the two modes do not mix. */
  readonly mode?: TunnelTable['mode'];
}

export interface Spd {
  readonly host: PolicyTable;
  readonly tunnels: ReadonlyMap<string, PolicyTable>;
}

export const EMPTY_TABLE: PolicyTable = { chains: new Map(), nextIndex: 1 };

const HASH_CHAINS = { host: 251, tunnel: 5 } as const;

/** A host after boot. */
export function emptySpd(): Spd {
  return { host: EMPTY_TABLE, tunnels: new Map() };
}

/** A rule for one exact remote address is hashed by it, as an x86 reads its last 32 bits. */
export function placeOf(rule: Pick<LoadedRule, 'dir' | 'family' | 'selector' | 'tunnel'>): Place {
  const { remote } = rule.selector;
  const { dir, family } = rule;
  if (remote === undefined || remote.length !== (family === 4 ? 32 : 128)) return { dir, family, chain: undefined };
  const low = Number(remote.address.value & 0xffffffffn);
  const swapped = (((low & 0xff) << 24) | ((low & 0xff00) << 8) | ((low >>> 8) & 0xff00) | ((low >>> 24) & 0xff)) >>> 0;
  return { dir, family, chain: swapped % (rule.tunnel === undefined ? HASH_CHAINS.host : HASH_CHAINS.tunnel) };
}

/** Sorts as listings do: outbound first; in each direction hash chains by number, then IPv4, then IPv6. */
export function placeKey({ dir, chain, family }: Place): string {
  const list = chain === undefined ? `9${family}` : `0${String(chain).padStart(3, '0')}`;
  return `${dir === 'out' ? 0 : 1}${list}`;
}

/** Every rule of a table in listing order. */
export function storedRules(table: PolicyTable): readonly StoredRule[] {
  const keys = [...table.chains.keys()].sort();
  return keys.flatMap((key) => table.chains.get(key)?.toReversed() ?? []);
}

export function tableRules(table: PolicyTable): readonly LoadedRule[] {
  return storedRules(table).map(({ rule }) => rule);
}

/** The host's rules in listing order, without tunnels. */
export function hostRules(spd: Spd): readonly LoadedRule[] {
  return tableRules(spd.host);
}

/** The host's table, then tunnels by name. */
export function allTables(spd: Spd): readonly PolicyTable[] {
  const names = [...spd.tunnels.keys()].sort();
  return [spd.host, ...names.map((name) => spd.tunnels.get(name) ?? EMPTY_TABLE)];
}

/** Takes one rule away, not its other halves. Index 0 asks for nothing and is granted. `undefined` = no such rule. */
export function deleteRule(spd: Spd, tunnel: string | undefined, index: number): Spd | undefined {
  const table = tunnel === undefined ? spd.host : spd.tunnels.get(tunnel);
  if (table === undefined) return undefined;
  if (index === 0) return spd;
  for (const [key, chain] of table.chains) {
    if (!chain.some(({ rule }) => rule.index === index)) continue;
    const chains = new Map(table.chains).set(
      key,
      chain.filter(({ rule }) => rule.index !== index),
    );
    const left = [...chains.values()].some((one) => one.length > 0);
    return withTable(spd, tunnel, left ? { ...table, chains } : flushed(table));
  }
  return undefined;
}

export function flushed({ nextIndex }: PolicyTable): PolicyTable {
  return { chains: new Map(), nextIndex };
}

/** Which tables a command works on: the host's, one tunnel's, or all. */
export type Scope =
  { readonly kind: 'host' } | { readonly kind: 'tunnel'; readonly name: string } | { readonly kind: 'all' };

/** Empties tables. `undefined` = no such tunnel. */
export function flushSpd(spd: Spd, scope: Scope): Spd | undefined {
  switch (scope.kind) {
    case 'host':
      return { ...spd, host: flushed(spd.host) };
    case 'all':
      return {
        host: flushed(spd.host),
        tunnels: new Map([...spd.tunnels].map(([name, table]) => [name, flushed(table)])),
      };
    case 'tunnel': {
      // Its marks stay: the other mode is still refused.
      const table = spd.tunnels.get(scope.name);
      return table && withTable(spd, scope.name, { ...table, chains: new Map() });
    }
  }
}

function withTable(spd: Spd, tunnel: string | undefined, table: PolicyTable): Spd {
  if (tunnel === undefined) return { ...spd, host: table };
  return { ...spd, tunnels: new Map(spd.tunnels).set(tunnel, table) };
}
