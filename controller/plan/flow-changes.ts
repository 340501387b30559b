/**
 * Which flows change their treatment on a host, as a plan carries it: phrases for a person and exact ranges for a program.
 * Holds no rule that cannot be written to a file.
 */

import { formatAddress, type Address } from '../model/address.js';
import type { Packet } from '../model/packet.js';
import type { Direction, Family, LoadedRule, NumberRange } from '../model/policy.js';
import { joined } from '../policy/join-regions.js';
import { mirrored, samplePacket, type AddressRange, type Region } from '../policy/region.js';
import { addressesText, flowText, flowTexts, type AddressName } from '../policy/region-text.js';
import type { FlowChange } from '../proof/semantic-diff.js';
import { ANYBODY } from '../proof/usual-region.js';
import type { Treatment } from '../proof/treatment.js';
import { alike, alikeKey, type AlikeRegions } from './alike-regions.js';
import { flowRegions, type FlowRegion } from './flow-region.js';

/** Flows that are treated alike before and alike after. */
export interface FlowChangeSummary {
  /** `both` when what goes out and what comes in change alike. */
  readonly direction: Direction | 'both';
  readonly families: readonly Family[];
  readonly before: FlowTreatment;
  readonly after: FlowTreatment;
  /** `10.0.2.0/24 → web1 tcp/22`; `↔` when it holds both ways, said from the side that opens the connection. Long lists are cut. */
  readonly flows: readonly string[];
  /** All of it, exactly, each side seen from the host. */
  readonly regions: readonly FlowRegion[];
  /** One packet of it: `10.0.2.1:49152 → 10.0.1.11:22 tcp`. */
  readonly example: string;
  readonly ruleBefore?: RuleReference;
  readonly ruleAfter?: RuleReference;
  /** Protected before, in the clear or readable after. */
  readonly exposed: boolean;
}

export type FlowTreatment = Omit<Treatment, 'readable'>;

export interface RuleReference {
  readonly text: string;
  /** In `ipsecinit.conf`, when the rule is known from a file. */
  readonly line?: number;
}

/** How a reader calls addresses, and which are the host's own. */
export interface Naming {
  readonly nameOf: AddressName;
  readonly addresses: readonly Address[];
}

/** In the order given, which is worst first. `nameOf` names addresses that a reader knows. */
export function flowChangeSummaries(
  changes: readonly FlowChange[],
  host: string,
  { nameOf, addresses }: Naming,
): readonly FlowChangeSummary[] {
  const merged: { change: FlowChange; direction: Direction | 'both'; groups: readonly AlikeRegions[] }[] = [];
  const byShape = new Map<string, (typeof merged)[number]>();
  for (const change of changes) {
    const groups = alike(change.regions);
    const shape = `${kindKey(change)}\n${alikeKey(groups)}`;
    const known = byShape.get(`${change.direction === 'out' ? 'in' : 'out'} ${change.family} ${shape}`);
    if (known?.direction === (change.direction === 'out' ? 'in' : 'out')) known.direction = 'both';
    else {
      const { direction, family } = change;
      const entry = { change, direction, groups };
      byShape.set(`${direction} ${family} ${shape}`, entry);
      merged.push(entry);
    }
  }
  return merged.reduce<FlowChangeSummary[]>((done, { change, direction, groups }) => {
    const next: FlowChangeSummary = {
      direction,
      families: [change.family],
      before: treatment(change.before),
      after: treatment(change.after),
      flows: phrases(groups, direction, host, nameOf),
      regions: flowRegions(fewer(change.regions)),
      example: exampleText(
        likelyPacket(change.example, addresses),
        direction === 'both' && served(change.example) ? 'in' : change.direction,
      ),
      ...(change.ruleBefore && { ruleBefore: reference(change.ruleBefore) }),
      ...(change.ruleAfter && { ruleAfter: reference(change.ruleAfter) }),
      exposed: change.exposed,
    };
    return withFamily(done, next);
  }, []);
}

function kindKey({ before, after }: FlowChange): string {
  return JSON.stringify([treatment(before), treatment(after)]);
}

function treatment({ kind, protections, doubtful }: Treatment): FlowTreatment {
  return { kind, protections, doubtful };
}

/** What both families say alike is said once. */
function withFamily(done: FlowChangeSummary[], next: FlowChangeSummary): FlowChangeSummary[] {
  const inBoth = (text: string): string =>
    text.replaceAll('any IPv6', 'any').replaceAll('ipv6-icmp', 'icmp').replaceAll(' (IPv6)', '');
  const key = (one: FlowChangeSummary): string =>
    JSON.stringify([one.direction, one.before, one.after, one.flows.map(inBoth)]);
  const same = next.families[0] === 6 ? done.findIndex((one) => key(one) === key(next)) : -1;
  const other = done[same];
  if (other?.families.join() !== '4') return [...done, next];
  const both: FlowChangeSummary = { ...other, families: [4, 6], regions: [...other.regions, ...next.regions] };
  return done.with(same, both);
}

/** Seen from the sender; for both ways from the client, which is the side whose port is left open. */
function phrases(
  groups: readonly AlikeRegions[],
  direction: Direction | 'both',
  host: string,
  nameOf: AddressName,
): readonly string[] {
  const clientIsRemote = direction === 'both' && groups.every(({ boxes }) => boxes.every(served));
  const out = direction === 'both' ? !clientIsRemote : direction === 'out';
  return groups.flatMap(({ family, remotes, boxes }) => {
    const others = addressesText(remotes, family, nameOf);
    return flowTexts(out ? boxes : boxes.map(mirrored), nameOf).map((text) => {
      const own = ownSide(out ? text.from : text.to, host);
      const said = flowText({ ...text, ...(out ? { from: own, to: others } : { from: others, to: own }) });
      return direction === 'both' ? said.replace(' → ', ' ↔ ') : said;
    });
  });
}

/** More boxes than this are not worth the time it takes to join them. */
const MOST_JOINED = 64;

function fewer(regions: readonly Region[]): readonly Region[] {
  return regions.length > MOST_JOINED ? regions : joined(regions);
}

/** Every address on the host's own side is the host; the inventory may not know all that it has. */
function ownSide(side: string, host: string): string {
  if (side === `any but ${host}`) return `${host} at other addresses`;
  return side.replace(/^any( IPv6)?$/, (_all, six) => (six ? `${host} (IPv6)` : host));
}

/** Whether it is limited by a port of the host's own and hardly by one of the others': `from 54-65535` is hardly. */
function served({ traffic }: Region): boolean {
  return traffic.kind === 'ports' && width(traffic.local) < width(traffic.remote);
}

function width({ from, to }: NumberRange): number {
  return to - from + 1;
}

/** Between the host's own address and anybody's, where they are among it. */
function likelyPacket(region: Region, own: readonly Address[]): Packet {
  const among = (range: AddressRange, value: bigint): boolean => range.from <= value && value <= range.to;
  const mine = own.find(({ family, value }) => family === region.family && among(region.local, value))?.value;
  const theirs = ANYBODY[region.family];
  const at = (range: AddressRange, value: bigint | undefined): AddressRange =>
    value === undefined || !among(range, value) ? range : { from: value, to: value };
  const { traffic } = region;
  const lively =
    traffic.kind === 'ports' && (traffic.protocols & 1) === 1 ? ({ ...traffic, protocols: 1 } as const) : traffic;
  return samplePacket({ ...region, local: at(region.local, mine), remote: at(region.remote, theirs), traffic: lively });
}

const NAMES: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'ipv6-icmp', 132: 'sctp' };

function exampleText(packet: Packet, direction: Direction): string {
  const { local, remote, protocol, localPort, remotePort, icmpType } = packet;
  const end = (address: Address, port: number | undefined): string =>
    port === undefined ? formatAddress(address) : `${formatAddress(address)} port ${port}`;
  const [here, there] = [end(local, localPort), end(remote, remotePort)];
  const name = NAMES[protocol] ?? `protocol ${protocol}`;
  const type = icmpType === undefined ? '' : ` type ${icmpType}`;
  return `${direction === 'out' ? `${here} → ${there}` : `${there} → ${here}`} ${name}${type}`;
}

function reference({ text, source }: LoadedRule): RuleReference {
  return source.line > 0 ? { text, line: source.line } : { text };
}
