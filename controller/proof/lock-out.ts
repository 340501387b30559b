/**
 * Whether a new SSH connection passes from every management address to a host, return traffic included: with the policies in
 * force, with those to come, and while some hosts have the one and some the other. Exact over whole prefixes and every port.
 */

import type { Address } from '../model/address.js';
import type { Direction, Family, LoadedRule } from '../model/policy.js';
import { encounter } from '../policy/encounter.js';
import { isDoubtful } from '../policy/match-flow.js';
import { divide } from '../policy/partition.js';
import { addressRange, meet, mirrored, prefixRange, type AddressRange, type Region } from '../policy/region.js';
import { CLIENT_PORTS } from './cells-within.js';
import {
  changes,
  closing,
  sidesOf,
  sshBox,
  type ChangingRules,
  type Client,
  type Closing,
  type ManagementSources,
  type PairRules,
  type Side,
} from './management-sources.js';
import { RangeSet } from './range-set.js';

export interface SshServer {
  readonly name: string;
  /** Where SSH connections arrive. */
  readonly addresses: readonly Address[];
  readonly port: number;
  readonly rules: ChangingRules;
}

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

/** The first cut of each stage, worst stage first: after the change, during it, and as things are now. */
export function lockOuts(server: SshServer, sources: ManagementSources): readonly LockOut[] {
  const found = new Map<string, LockOut>();
  const note = (cut: LockOut): void => {
    const key = stageKey(cut.stage);
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
      for (const host of sidesOf(server.rules)) {
        for (const source of sidesOf(client.rules)) {
          const stage = stageOf(server, host, client, source);
          if (found.has(stageKey(stage))) continue;
          const cut = lookAt(server, address, client, stage, sources);
          if (cut !== undefined) note(cut);
        }
      }
    }
  }
  return [...found.values()].toSorted((a, b) => stageRank(a.stage) - stageRank(b.stage));
}

/** An end that does not change is at the stage of the other: nothing is half done between the two. */
function stageOf(server: SshServer, host: Side, client: Client, source: Side): Required<Stage> {
  return { host: changes(server.rules) ? host : source, source: changes(client.rules) ? source : host };
}

/** After 0, during 1, before 2. */
export function stageRank({ host, source = host }: Stage): 0 | 1 | 2 {
  if (host !== source) return 1;
  return host === 'after' ? 0 : 2;
}

function stageKey({ host, source = host }: Stage): string {
  return `${host} ${source}`;
}

function lookAt(
  server: SshServer,
  address: Address,
  client: Client,
  stage: Required<Stage>,
  sources: ManagementSources,
): LockOut | undefined {
  const rules = {
    own: sources.index(server.rules[stage.host]),
    theirs: sources.index(client.rules[stage.source]),
  };
  return sources.unlessOpen(server.port, address, client, rules, () =>
    cutClient(server, address, client, stage, rules),
  );
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
