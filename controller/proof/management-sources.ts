/**
 * Where SSH comes from: management addresses, which of them are hosts with a policy of ours, and between which ends clear
 * packets do not pass without a closer look.
 */

import type { Address, Prefix } from '../model/address.js';
import type { Direction, Family, LoadedRule } from '../model/policy.js';
import { addressIndex, type AddressIndex } from '../policy/address-index.js';
import { isDoubtful, protectionsOf } from '../policy/match-flow.js';
import { TCP } from '../policy/match-selector.js';
import { addressRange, everyAddress, prefixRange, type AddressRange, type Region } from '../policy/region.js';
import { indexRules, type RuleIndex } from '../policy/rule-index.js';
import { ALL_PORTS, PORTED } from '../policy/traffic.js';
import { cellsWithin, CLIENT_PORTS } from './cells-within.js';
import { RangeSet } from './range-set.js';

/** A host's rules now and after the change; the same list where nothing changes, or nothing is known of now. */
export interface ChangingRules {
  readonly before: readonly LoadedRule[];
  readonly after: readonly LoadedRule[];
}

/** Which of its policies a host has. */
export type Side = 'before' | 'after';

export function sidesOf(rules: ChangingRules): readonly Side[] {
  return changes(rules) ? ['after', 'before'] : ['after'];
}

export function changes({ before, after }: ChangingRules): boolean {
  return before !== after;
}

/** Management addresses, and which of them are hosts with a policy of ours. */
export class ManagementSources {
  readonly #clients: Readonly<Record<Family, readonly Client[]>>;
  readonly #addresses: Readonly<Record<Family, readonly bigint[]>>;
  readonly #closedTo = new Map<string, AddressIndex<Client>>();
  readonly #open = new Set<string>();
  readonly #sayings = new Map<LoadedRule, number>();
  readonly #texts = new Map<string, number>();
  readonly #indexes = new Map<readonly LoadedRule[], RuleIndex>();

  constructor(
    readonly prefixes: readonly Prefix[],
    hosts: Iterable<{ readonly name: string; readonly addresses: readonly Address[]; readonly rules: ChangingRules }>,
  ) {
    const clients = [...hosts].flatMap(({ name, addresses, rules }) =>
      addresses
        .filter((address) => prefixes.some((prefix) => covers(prefix, address)))
        .map((address) => new Client(name, address, rules)),
    );
    const of = (family: Family): readonly Client[] => clients.filter(({ address }) => address.family === family);
    this.#clients = { 4: of(4), 6: of(6) };
    const values = (family: Family): readonly bigint[] =>
      of(family)
        .map(({ address }) => address.value)
        .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    this.#addresses = { 4: values(4), 6: values(6) };
  }

  /** Clients of which either end's policy does not let SSH pass clear at some stage: only they have to be looked at. */
  suspects(address: Address, port: number, closed: Readonly<Record<Side, RangeSet>>): readonly Client[] {
    const suspects = new Set(this.#byPort(port, address.family).at(address));
    for (const client of this.#clients[address.family]) {
      if (closed.before.has(client.address.value) || closed.after.has(client.address.value)) suspects.add(client);
    }
    return [...suspects];
  }

  #byPort(port: number, family: Family): AddressIndex<Client> {
    const key = `${port} ${family}`;
    const known = this.#closedTo.get(key);
    if (known !== undefined) return known;
    const index = addressIndex(
      this.#clients[family].flatMap((client) =>
        sidesOf(client.rules).flatMap((side) => client.closedTo(side, port).runs.map((run) => ({ client, run }))),
      ),
      ({ run }) => [{ family, ...run }],
    );
    const clients: AddressIndex<Client> = { at: (address) => index.at(address).map(({ client }) => client) };
    this.#closedTo.set(key, clients);
    return clients;
  }

  has(address: Address): boolean {
    return this.prefixes.some((prefix) => covers(prefix, address));
  }

  /** Filed once for all the pairs that a policy is one end of. */
  index(rules: readonly LoadedRule[]): RuleIndex {
    const known = this.#indexes.get(rules) ?? indexRules(rules);
    this.#indexes.set(rules, known);
    return known;
  }

  /** Looks only once at ends with rules that say the same, addresses apart, and are open: a mesh has few kinds of pairs. */
  unlessOpen<T>(
    port: number,
    address: Address,
    client: Client,
    rules: PairRules,
    look: () => T | undefined,
  ): T | undefined {
    const key = this.#pairKey(port, address, client, rules);
    if (this.#open.has(key)) return undefined;
    const cut = look();
    if (cut === undefined) this.#open.add(key);
    return cut;
  }

  #pairKey(port: number, address: Address, client: Client, { own, theirs }: PairRules): string {
    const said = (['in', 'out'] as const).flatMap((dir) => [
      ...own.between(dir, address, client.address).map((rule) => this.#saying(rule)),
      '|',
      ...theirs.between(dir, client.address, address).map((rule) => this.#saying(rule)),
      '|',
    ]);
    return [port, ...said].join(' ');
  }

  /** All that a rule says apart from addresses, as a number. */
  #saying(rule: LoadedRule): number {
    const known = this.#sayings.get(rule);
    if (known !== undefined) return known;
    const { protocol, localPort, remotePort, icmpType } = rule.selector;
    const text = JSON.stringify([rule.dir, rule.family, protocol, localPort, remotePort, icmpType, rule.actions]);
    const number = this.#texts.get(text) ?? this.#texts.size;
    this.#texts.set(text, number);
    this.#sayings.set(rule, number);
    return number;
  }

  addresses(family: Family): readonly bigint[] {
    return this.#addresses[family];
  }
}

function covers(prefix: Prefix, address: Address): boolean {
  const { from, to } = prefixRange(prefix);
  return prefix.address.family === address.family && from <= address.value && address.value <= to;
}

/** The rules of an SSH server and of a client at one stage. */
export interface PairRules {
  readonly own: RuleIndex;
  readonly theirs: RuleIndex;
}

/** A host that SSH may come from. */
export class Client {
  readonly #closed = new Map<string, RangeSet>();

  constructor(
    readonly name: string,
    readonly address: Address,
    readonly rules: ChangingRules,
  ) {}

  /** SSH servers, by address, whose clear packets its own policy does not let pass. */
  closedTo(side: Side, port: number): RangeSet {
    const key = `${side === 'before' && this.rules.before !== this.rules.after ? side : 'after'} ${port}`;
    const known = this.#closed.get(key);
    if (known !== undefined) return known;
    const { family } = this.address;
    const box = sshBox(addressRange(this.address), everyAddress(family), family, { remote: port });
    const cells = (['out', 'in'] as const).flatMap((dir) => closing(this.rules[side], dir, box));
    const closed = new RangeSet(cells.map(({ remote }) => remote));
    this.#closed.set(key, closed);
    return closed;
  }
}

/** The SSH traffic of one local side; `ports` names the side that the server's port is on. */
export function sshBox(
  local: AddressRange,
  remote: AddressRange,
  family: Family,
  ports: { readonly local: number } | { readonly remote: number },
): Region {
  const protocols = 1 << PORTED.indexOf(TCP);
  const traffic =
    'local' in ports
      ? { local: { from: ports.local, to: ports.local }, remote: ALL_PORTS }
      : { local: CLIENT_PORTS, remote: { from: ports.remote, to: ports.remote } };
  return { family, local, remote, traffic: { kind: 'ports', protocols, ...traffic } };
}

export interface Closing {
  readonly remote: AddressRange;
  readonly rule: LoadedRule;
}

/** Where clear packets do not pass for certain. */
export function closing(rules: readonly LoadedRule[], dir: Direction, box: Region): readonly Closing[] {
  return cellsWithin(rules, dir, box).flatMap(({ region, rule }) =>
    rule === undefined || passesClear(rule) ? [] : [{ remote: region.remote, rule }],
  );
}

/** Inbound, a `pass` that is not first may not count, so it does not here. */
function passesClear(rule: LoadedRule): boolean {
  if (rule.dir === 'in') return rule.actions.some(({ kind }) => kind === 'bypass') && !isDoubtful(rule);
  return rule.actions[0]?.kind !== 'discard' && protectionsOf(rule).length === 0;
}
