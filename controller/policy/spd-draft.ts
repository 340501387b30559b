/**
 * The kernel's standby policy: a copy of the active one that rules are entered into before the two are swapped.
 * Owns duplicates, index numbers and what the kernel refuses. A draft is local to one run of a command.
 */

import type { Prefix } from '../model/address.js';
import type { Action, Direction, EntrySource, Family, LoadedRule, Selector, TunnelTable } from '../model/policy.js';
import { listedTunnel, messageBytes } from './listing-message.js';
import { ruleText } from './rule-text.js';
import {
  EMPTY_TABLE,
  placeKey,
  placeOf,
  type Chain,
  type PolicyTable,
  type Scope,
  type Spd,
  type StoredRule,
} from './spd.js';

/** One request of the command: up to four rules, both directions and both families. */
export interface RuleRequest {
  readonly directions: { readonly in: boolean; readonly out: boolean };
  readonly families: readonly Family[];
  readonly selector: Omit<Selector, 'family'>;
  readonly actions: readonly Action[];
  /** Whether an alternative that is not protection asks for `sa unique`. */
  readonly inconsistent: boolean;
  readonly priority: number;
  readonly tunnel?: TunnelTable;
  readonly source: EntrySource;
  readonly actionBytes: number;
}

/** The kernel's answer: the index of the last rule made (0 = none was asked for), or why not. */
export type Entered =
  | { readonly kind: 'entered'; readonly index: number }
  | { readonly kind: 'exists' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'invalid'; readonly diagnostic: string };

interface DraftTable {
  chains: Map<string, StoredRule[]>;
  selectors: Set<string>;
  /** The youngest rule of each list that protects ICMP of one family: every other such rule is compared with it. */
  icmp: Map<string, StoredRule>;
  nextIndex: number;
  mode: TunnelTable['mode'] | undefined;
}

export interface Draft {
  /** Lists of alternatives the kernel was given, in order, those of refused rules too. */
  readonly offered: (readonly Action[])[];
  readonly host: DraftTable;
  readonly tunnels: Map<string, DraftTable>;
}

/** Copies the active policy; the copy lists every chain the other way round. */
export function cloneToDraft(spd: Spd): Draft {
  return {
    offered: [],
    host: draftTable(spd.host),
    tunnels: new Map([...spd.tunnels].map(([name, table]) => [name, draftTable(table)])),
  };
}

function draftTable(table: PolicyTable): DraftTable {
  const chains = new Map([...table.chains].map(([key, chain]) => [key, chain.toReversed()]));
  const selectors = new Set([...table.chains.values()].flat().map(({ rule }) => selectorKey(rule.dir, rule.selector)));
  const icmp = new Map<string, StoredRule>();
  for (const [key, chain] of chains) for (const stored of chain) noteIcmp(icmp, key, stored);
  return { chains, selectors, icmp, nextIndex: table.nextIndex, mode: table.mode };
}

function noteIcmp(icmp: DraftTable['icmp'], key: string, stored: StoredRule): void {
  const { selector, actions } = stored.rule;
  const protocol = selector.protocol;
  if ((protocol === 1 || protocol === 58) && actions[0]?.kind === 'protect') icmp.set(`${key} ${protocol}`, stored);
}

/** Empties the draft before a replace. False = no such tunnel. */
export function flushDraft(draft: Draft, scope: Scope): boolean {
  const tables =
    scope.kind === 'all'
      ? [draft.host, ...draft.tunnels.values()]
      : [scope.kind === 'host' ? draft.host : draft.tunnels.get(scope.name)];
  for (const table of tables) {
    if (table === undefined) return false;
    const mode = scope.kind === 'tunnel' ? table.mode : undefined;
    Object.assign(table, { ...draftTable(EMPTY_TABLE), nextIndex: table.nextIndex, mode });
  }
  return true;
}

/** The draft becomes the policy in force. */
export function commitDraft(draft: Draft): Spd {
  return {
    host: finished(draft.host),
    tunnels: new Map([...draft.tunnels].map(([name, table]) => [name, finished(table)])),
  };
}

/** The draft is thrown away: used indexes stay used, and tunnels once named stay known. */
export function abandonDraft(spd: Spd, draft: Draft): Spd {
  const tunnels = [...draft.tunnels].map(([name, { nextIndex }]): [string, PolicyTable] => [
    name,
    { ...(spd.tunnels.get(name) ?? EMPTY_TABLE), nextIndex },
  ]);
  return { host: { ...spd.host, nextIndex: draft.host.nextIndex }, tunnels: new Map(tunnels) };
}

function finished({ chains, nextIndex, mode }: DraftTable): PolicyTable {
  const kept: [string, Chain][] = [...chains].filter(([, chain]) => chain.length > 0);
  return { chains: new Map(kept), nextIndex, ...(mode && { mode }) };
}

/** Enters the rules of one request, all or none. */
export function enterRules(draft: Draft, request: RuleRequest): Entered {
  const { tunnel } = request;
  const table = tunnel === undefined ? draft.host : tunnelTable(draft, tunnel.name);
  const before = table.mode;
  if (tunnel !== undefined) {
    if (before !== undefined && before !== tunnel.mode) return { kind: 'busy' };
    table.mode = tunnel.mode;
  }
  const entered = enterInto(draft, table, request);
  if (entered.kind !== 'entered') table.mode = before;
  return entered;
}

function tunnelTable(draft: Draft, name: string): DraftTable {
  const known = draft.tunnels.get(name);
  if (known !== undefined) return known;
  const made = draftTable(EMPTY_TABLE);
  draft.tunnels.set(name, made);
  return made;
}

function enterInto(draft: Draft, table: DraftTable, request: RuleRequest): Entered {
  const { tunnel, selector, actions } = request;
  if (tunnel?.mode === 'transport' && Object.keys(selector).length > 0) {
    return { kind: 'invalid', diagnostic: 'using selectors on a transport-mode tunnel' };
  }
  const unique = actions.some((action) => action.kind === 'protect' && action.unique);
  if (request.inconsistent || (tunnel?.mode === 'tunnel' && unique)) {
    return { kind: 'invalid', diagnostic: 'add: inconsistent flags' };
  }
  if (actions.length === 0) return { kind: 'invalid', diagnostic: 'unknown extension' };
  const kept = tunnel?.mode === 'transport' ? actions.map(withUnique) : actions;
  const made: { readonly stored: StoredRule; readonly selects: string }[] = [];
  for (const dir of ['out', 'in'] as const) {
    if (!request.directions[dir]) continue;
    for (const family of request.families) {
      draft.offered.push(kept);
      const stored = makeRule(table, request, kept, dir, family);
      table.nextIndex++;
      const selects = selectorKey(dir, stored.rule.selector);
      if (table.selectors.has(selects) || otherIcmp(table, stored.rule)) return { kind: 'exists' };
      made.push({ stored, selects });
    }
  }
  for (const { stored, selects } of made.toReversed()) {
    const key = placeKey(placeOf(stored.rule));
    const chain = table.chains.get(key);
    if (chain === undefined) table.chains.set(key, [stored]);
    else chain.push(stored);
    noteIcmp(table.icmp, key, stored);
    table.selectors.add(selects);
  }
  return { kind: 'entered', index: made.at(-1)?.stored.rule.index ?? 0 };
}

function withUnique(action: Action): Action {
  return action.kind === 'protect' ? { ...action, unique: true } : action;
}

function makeRule(
  table: DraftTable,
  request: RuleRequest,
  actions: readonly Action[],
  dir: Direction,
  family: Family,
): StoredRule {
  const { priority, tunnel, source, actionBytes } = request;
  const selector: Selector = { family, ...request.selector };
  const words = { dir, selector, actions, ...(tunnel && { tunnel }) };
  const head = { selector, family, ...(tunnel && { tunnel }) };
  const listed = listedTunnel(head, actionBytes);
  const text = ruleText({ ...words, ...(listed && { tunnel: listed }) });
  const rule: LoadedRule = { index: table.nextIndex, family, priority, ...words, text, source };
  return {
    rule,
    listingBytes: messageBytes(head, actionBytes),
    ...(listed !== undefined && { listedTunnel: listed.name }),
  };
}

/** ICMP of the rule's own family with protection other than that of the youngest such rule in the same list: refused as a duplicate. */
function otherIcmp(table: DraftTable, rule: LoadedRule): boolean {
  const icmp = rule.family === 4 ? 1 : 58;
  if (rule.selector.protocol !== icmp || rule.actions[0]?.kind !== 'protect') return false;
  const other = table.icmp.get(`${placeKey(placeOf(rule))} ${icmp}`);
  return other !== undefined && comparable(other.rule.actions) !== comparable(rule.actions);
}

/** What counts when protections are compared: everything but `sa`. */
function comparable(actions: readonly Action[]): string {
  return JSON.stringify(actions.map((action) => (action.kind === 'protect' ? { ...action, unique: false } : action)));
}

/** Of two rules with the same key the second is refused, whatever its action. Bit for bit: host bits of a prefix count. */
export function selectorKey(dir: Direction, selector: Selector): string {
  const { family, protocol, local, remote, localPort, remotePort, icmpType, icmpCode } = selector;
  const range = (one: { from: number; to: number } | undefined): string => (one ? `${one.from}-${one.to}` : '');
  const icmp = `${range(icmpType)} ${range(icmpCode)}`;
  return `${dir} ${family} ${protocol} ${prefixKey(local)} ${prefixKey(remote)} ${localPort} ${remotePort} ${icmp}`;
}

function prefixKey(prefix: Prefix | undefined): string {
  return prefix === undefined ? '' : `${prefix.address.family} ${prefix.address.value}/${prefix.length}`;
}
