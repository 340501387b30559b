/**
 * Whether a new SSH connection passes from every management address to a host, return traffic included: with the policies in
 * force, with those to come, and while some hosts have the one and some the other. Exact over whole prefixes and every port.
 */

import type { Address, Prefix } from '../model/address.js';
import type { Direction, Family, LoadedRule } from '../model/policy.js';
import { addressIndex, type AddressIndex } from '../policy/address-index.js';
import { encounter } from '../policy/encounter.js';
import { isDoubtful, protectionsOf } from '../policy/match-flow.js';
import { TCP } from '../policy/match-selector.js';
import {
  addressRange,
  meet,
  mirrored,
  prefixRange,
  everyAddress,
  type AddressRange,
  type Region,
} from '../policy/region.js';
import { divide } from '../policy/partition.js';
import { indexRules, type RuleIndex } from '../policy/rule-index.js';
import { ALL_PORTS, PORTED } from '../policy/traffic.js';
import { cellsWithin, CLIENT_PORTS } from './cells-within.js';
import { RangeSet } from './range-set.js';

/** A host's rules now and after the change; the same list where nothing changes, or nothing is known of now. */
export interface ChangingRules {
  readonly before: readonly LoadedRule[];
  readonly after: readonly LoadedRule[];
}

export interface SshServer {
  readonly name: string;
  /** Where SSH connections arrive. */
  readonly addresses: readonly Address[];
  readonly port: number;
  readonly rules: ChangingRules;
}

type Side = 'before' | 'after';

/** Which policies are in force when a source is cut off: the host's, and the source's when that is one of ours too. */
export interface Stage {
  readonly host: Side;
  readonly source?: Side;
}

export interface LockOut {
  readonly stage: Stage;
  readonly family: Family;
  /** Addresses that are cut off: part of a management prefix, or one host. */
  readonly sources: readonly AddressRange[];
  /** The source's name when its own policy was looked at. */
  readonly source?: string;
  /** Seen from the SSH server. */
  readonly direction: Direction;
  /** The rule that closes it, and whose it is; none when it is closed because a rule is missing. */
  readonly rule: LoadedRule | undefined;
  readonly ruleOf: string;
  readonly why: string;
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

  /** Filed once for all the pairs that a policy is one end of. */
  index(rules: readonly LoadedRule[]): RuleIndex {
    const known = this.#indexes.get(rules) ?? indexRules(rules);
    this.#indexes.set(rules, known);
    return known;
  }

  /** Looks only once at ends with rules that say the same, addresses apart, and are open: a mesh has few kinds of pairs. */
  unlessOpen(
    server: SshServer,
    address: Address,
    client: Client,
    rules: PairRules,
    look: () => LockOut | undefined,
  ): LockOut | undefined {
    const key = this.#pairKey(server, address, client, rules);
    if (this.#open.has(key)) return undefined;
    const cut = look();
    if (cut === undefined) this.#open.add(key);
    return cut;
  }

  #pairKey({ port }: SshServer, address: Address, client: Client, { own, theirs }: PairRules): string {
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
interface PairRules {
  readonly own: RuleIndex;
  readonly theirs: RuleIndex;
}

/** A host that SSH may come from. */
class Client {
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

/** The first cut of each stage, worst stage first: after the change, during it, and as things are now. */
export function lockOuts(server: SshServer, sources: ManagementSources): readonly LockOut[] {
  const found = new Map<string, LockOut>();
  const note = (cut: LockOut): void => {
    const key = `${cut.stage.host} ${cut.stage.source ?? cut.stage.host}`;
    if (!found.has(key)) found.set(key, cut);
  };
  for (const address of server.addresses) {
    const closed = { before: new RangeSet([]), after: new RangeSet([]) };
    for (const side of sidesOf(server.rules)) {
      const here = closedTo(server, address, side, sources);
      closed[side] = new RangeSet(here.map(({ remote }) => remote));
      for (const cut of cutStrangers(here, server, address.family, side, sources)) note(cut);
    }
    for (const client of sources.suspects(address, server.port, closed)) {
      if (client.name === server.name) continue;
      for (const stage of stagesOf(server.rules, client.rules)) {
        if (found.has(`${stage.host} ${stage.source}`)) continue;
        const rules = {
          own: sources.index(server.rules[stage.host]),
          theirs: sources.index(client.rules[stage.source]),
        };
        const cut = sources.unlessOpen(server, address, client, rules, () =>
          cutClient(server, address, client, stage, rules),
        );
        if (cut !== undefined) note(cut);
      }
    }
  }
  return [...found.values()].toSorted((a, b) => stageRank(a.stage) - stageRank(b.stage));
}

/** After 0, during 1, before 2. */
export function stageRank({ host, source = host }: Stage): 0 | 1 | 2 {
  if (host !== source) return 1;
  return host === 'after' ? 0 : 2;
}

function sidesOf({ before, after }: ChangingRules): readonly Side[] {
  return before === after ? ['after'] : ['after', 'before'];
}

function stagesOf(server: ChangingRules, client: ChangingRules): readonly Required<Stage>[] {
  return sidesOf(server).flatMap((host) => sidesOf(client).map((source) => ({ host, source })));
}

/** The SSH traffic of one local side; `ports` names the side that the server's port is on. */
function sshBox(
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

interface Closing {
  readonly remote: AddressRange;
  readonly rule: LoadedRule;
}

/** Where clear packets do not pass for certain. */
function closing(rules: readonly LoadedRule[], dir: Direction, box: Region): readonly Closing[] {
  return cellsWithin(rules, dir, box).flatMap(({ region, rule }) =>
    rule === undefined || passesClear(rule) ? [] : [{ remote: region.remote, rule }],
  );
}

/** Inbound, a `pass` that is not first may not count, so it does not here. */
function passesClear(rule: LoadedRule): boolean {
  if (rule.dir === 'in') return rule.actions.some(({ kind }) => kind === 'bypass') && !isDoubtful(rule);
  return rule.actions[0]?.kind !== 'discard' && protectionsOf(rule).length === 0;
}

/** Where the policy of the server alone does not let clear SSH of a management source pass. */
function closedTo(server: SshServer, address: Address, side: Side, sources: ManagementSources): readonly Closing[] {
  const { family } = address;
  return sources.prefixes.flatMap((prefix) => {
    if (prefix.address.family !== family) return [];
    const box = sshBox(addressRange(address), prefixRange(prefix), family, { local: server.port });
    return (['in', 'out'] as const).flatMap((direction) => closing(server.rules[side], direction, box));
  });
}

/** Sources without a policy of ours send and take clear packets only. */
function cutStrangers(
  closed: readonly Closing[],
  server: SshServer,
  family: Family,
  side: Side,
  sources: ManagementSources,
): readonly LockOut[] {
  return byRule(closed).flatMap(({ rule, ranges }) => {
    const cut = new RangeSet(ranges).without(sources.addresses(family));
    if (cut.length === 0) return [];
    const direction = rule.dir;
    const why = direction === 'in' ? 'clear packets do not pass it for certain' : 'the answers do not leave clear';
    return [{ stage: { host: side }, family, sources: cut, direction, rule, ruleOf: server.name, why }];
  });
}

function byRule(found: readonly Closing[]): readonly { rule: LoadedRule; ranges: readonly AddressRange[] }[] {
  const rules = new Map<LoadedRule, AddressRange[]>();
  for (const { rule, remote } of found) {
    const known = rules.get(rule);
    if (known === undefined) rules.set(rule, [remote]);
    else known.push(remote);
  }
  return [...rules].map(([rule, ranges]) => ({ rule, ranges }));
}

/** A source whose own policy counts: clear both ways, or protected as both ends can agree on. */
function cutClient(
  server: SshServer,
  address: Address,
  client: Client,
  stage: Required<Stage>,
  { own, theirs }: PairRules,
): LockOut | undefined {
  const { family } = address;
  const box = sshBox(addressRange(address), addressRange(client.address), family, { local: server.port });
  if (box.traffic.kind !== 'ports') return undefined;
  const asked: Region = { ...box, traffic: { ...box.traffic, remote: CLIENT_PORTS } };
  for (const direction of ['in', 'out'] as const) {
    const back = direction === 'in' ? 'out' : 'in';
    const here = divide(own.between(direction, address, client.address), [asked]);
    const there = divide(theirs.between(back, client.address, address), [mirrored(asked)]);
    for (const cell of here) {
      for (const other of there) {
        if (meet(cell.region, mirrored(other.region)) === undefined) continue;
        const [sender, receiver] = direction === 'in' ? [other.rule, cell.rule] : [cell.rule, other.rule];
        const met = encounter(sender, receiver);
        const sure = !isDoubtful(sender) && (met !== 'clear' || receiver === undefined || !isDoubtful(receiver));
        if ((met === 'clear' || met === 'agreed') && sure) continue;
        const atServer =
          direction === 'in' ? met !== 'sender-drops' : met === 'sender-drops' || cell.rule !== undefined;
        const mine = atServer && cell.rule !== undefined;
        return {
          stage,
          family,
          sources: [addressRange(client.address)],
          source: client.name,
          direction,
          rule: mine ? cell.rule : other.rule,
          ruleOf: mine ? server.name : client.name,
          why: MEETING_WORDS[met],
        };
      }
    }
  }
  return undefined;
}

const MEETING_WORDS: Readonly<Record<ReturnType<typeof encounter>, string>> = {
  clear: 'it passes only by what was loaded before',
  agreed: 'it is protected only by what was loaded before',
  'sender-drops': 'the sender drops it',
  'receiver-drops': 'the receiver drops it',
  'clear-meets-protected': 'it is sent clear where protection is wanted',
  'protected-meets-bypass': 'it is sent protected where clear packets are expected',
  'protected-meets-no-rule': 'it is sent protected where no rule asks for protection',
  'no-common-algorithm': 'the ends have no protection in common',
};
