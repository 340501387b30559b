/**
 * Everything one address can send to another, divided by what becomes of it: the sender's outbound cells against the
 * receiver's inbound cells. Exact; IKE's own ports, which bypass every rule, are left out.
 */

import type { Address } from '../model/address.js';
import type { Family, LoadedRule } from '../model/policy.js';
import { encounter, type Encounter } from '../policy/encounter.js';
import { isDoubtful } from '../policy/match-flow.js';
import { partition, windowBetween, type Cell } from '../policy/partition.js';
import { cutAll, meet, mirrored, type Region } from '../policy/region.js';
import type { Traffic } from '../policy/traffic.js';
import { ikeTraffic } from './traffic-words.js';

/** `broken`: a link joins the two, and yet what one end sends the other does not take. */
export type WayKind = 'protected' | 'clear' | 'refused' | 'broken';

/** Why packets do not arrive although both hosts are up; `no-keys`: both ends would protect, and no link gives them keys. */
export type RefusedBecause = Exclude<Encounter, 'clear' | 'agreed'> | 'no-keys';

export interface WayPart {
  readonly kind: WayKind;
  /** Seen from the sender. */
  readonly regions: readonly Region[];
  readonly because?: RefusedBecause;
  readonly sender: LoadedRule | undefined;
  readonly receiver: LoadedRule | undefined;
  readonly doubtful: boolean;
}

/** One end of a way. `rules` is `undefined` for an address without any policy that we know of. */
export interface WayEnd {
  readonly address: Address;
  readonly rules: readonly LoadedRule[] | undefined;
}

/** Parts in the order of the sender's rules, then the receiver's; `asked` keeps to some of the traffic. */
export function waysBetween(
  sender: WayEnd,
  receiver: WayEnd,
  joined: boolean,
  asked?: readonly Traffic[],
): readonly WayPart[] {
  const { family } = sender.address;
  const out = partition(sender.rules ?? [], 'out', family, windowBetween(sender.address, receiver.address));
  const into = partition(receiver.rules ?? [], 'in', family, windowBetween(receiver.address, sender.address));
  return wayParts(out, into, { family, joined, asked });
}

export interface WayTerms {
  readonly family: Family;
  /** Whether a link joins the two, so that they have keys. */
  readonly joined: boolean;
  readonly asked?: readonly Traffic[] | undefined;
}

/** `out` as the sender sees it, `into` as the receiver does; each must cover the same packets. */
export function wayParts(out: readonly Cell[], into: readonly Cell[], terms: WayTerms): readonly WayPart[] {
  const parts = new Map<string, { readonly part: Omit<WayPart, 'regions'>; readonly regions: Region[] }>();
  const number = numbered();
  const arriving = into.map(({ region, rule }) => ({ region: mirrored(region), rule }));
  for (const leaving of out) {
    for (const cell of arriving) {
      const met = meet(leaving.region, cell.region);
      if (met === undefined) continue;
      const regions = only(withoutIke(met), terms.asked);
      if (regions.length === 0) continue;
      const key = `${number(leaving.rule)} ${number(cell.rule)}`;
      const known = parts.get(key);
      if (known !== undefined) known.regions.push(...regions);
      else parts.set(key, { part: partOf(leaving.rule, cell.rule, terms), regions: [...regions] });
    }
  }
  return [...parts.values()].map(({ part, regions }) => ({ ...part, regions }));
}

function numbered(): (rule: LoadedRule | undefined) => number {
  const numbers = new Map<LoadedRule | undefined, number>();
  return (rule) => {
    const known = numbers.get(rule) ?? numbers.size;
    numbers.set(rule, known);
    return known;
  };
}

function partOf(
  sender: LoadedRule | undefined,
  receiver: LoadedRule | undefined,
  { joined }: WayTerms,
): Omit<WayPart, 'regions'> {
  const doubtful = isDoubtful(sender) || isDoubtful(receiver);
  return { ...kindOf(encounter(sender, receiver), joined), sender, receiver, doubtful };
}

/** A drop that a rule asks for is meant; one that comes of disagreement is meant only where no link joins the ends. */
function kindOf(found: Encounter, joined: boolean): Pick<WayPart, 'kind' | 'because'> {
  switch (found) {
    case 'clear':
      return { kind: 'clear' };
    case 'agreed':
      return joined ? { kind: 'protected' } : { kind: 'refused', because: 'no-keys' };
    case 'sender-drops':
    case 'receiver-drops':
      return { kind: 'refused', because: found };
    default:
      return { kind: joined ? 'broken' : 'refused', because: found };
  }
}

function withoutIke(region: Region): readonly Region[] {
  if (region.traffic.kind !== 'ports') return [region];
  const { family, local, remote } = region;
  return cutAll(
    [region],
    ikeTraffic(family).map((traffic) => ({ family, local, remote, traffic })),
  );
}

function only(regions: readonly Region[], asked: readonly Traffic[] | undefined): readonly Region[] {
  if (asked === undefined) return regions;
  return regions.flatMap((region) => asked.flatMap((traffic) => meet(region, { ...region, traffic }) ?? []));
}
