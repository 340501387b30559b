/**
 * What befalls traffic while a host's rules are changed one after the other: packets that are treated neither as before nor as
 * after. Exact over every packet; where two rules are of equal priority, whichever is tried first.
 */

import { formatAddress, type Address } from '../model/address.js';
import type { Direction, Family, LoadedRule, Selector } from '../model/policy.js';
import { overlap } from '../policy/kept-rules.js';
import { divide, rulesInOrder, slices } from '../policy/partition.js';
import type { Played } from '../policy/play-changes.js';
import { prefixRange, selectedRegions, type Region } from '../policy/region.js';
import type { FlowChange } from './semantic-diff.js';
import { treatmentKey, treatmentOf, type Treatment } from './treatment.js';

export interface InBetween {
  /** Neither before nor after in the clear, and in between they are: `after` of each is how they are treated then. */
  readonly gaps: readonly FlowChange[];
  /** Refused, or protected otherwise than either end of a link has it, for as long as the change lasts. */
  readonly interruptions: readonly FlowChange[];
}

/** `own`: addresses that the host is known to have; of others only those that a rule names count. */
export function betweenPolicies(
  before: readonly LoadedRule[],
  after: readonly LoadedRule[],
  played: readonly Played[],
  own: readonly Address[],
): InBetween {
  const named = [...before, ...after].flatMap(({ selector: { local } }) =>
    local === undefined ? [] : [local.address],
  );
  const known = new Set([...own, ...named].map(formatAddress));
  const isOurs = (address: Address): boolean => known.has(formatAddress(address));
  const found = new Map<string, Found>();
  const inForce = new Set(before);
  const neighbours = [[...before, ...played.flatMap(({ touched }) => touched)], before, after].map(filed);
  for (const { touched } of played) {
    for (const rule of touched) if (!inForce.delete(rule)) inForce.add(rule);
    for (const rule of touched) {
      const [now = [], was = [], willBe = []] = neighbours.map((near) => near(rule));
      look(rule, { now: now.filter((one) => inForce.has(one)), was, willBe }, isOurs, found);
    }
  }
  const kinds = { gap: new Array<FlowChange>(), interruption: new Array<FlowChange>() };
  for (const { kind, change, regions } of found.values())
    kinds[kind].push({ ...change, regions: [...regions.values()] });
  return { gaps: kinds.gap, interruptions: kinds.interruption };
}

interface Found {
  readonly kind: 'gap' | 'interruption';
  readonly change: FlowChange;
  /** By what they say: the same packets may be concerned after several commands. */
  readonly regions: Map<string, Region>;
}

/** Rules that share packets with one that came or went. */
interface Near {
  /** In force after the command. */
  readonly now: readonly LoadedRule[];
  readonly was: readonly LoadedRule[];
  readonly willBe: readonly LoadedRule[];
}

/** Rules that share packets with a rule, found by its remote address where it has a single one. */
function filed(rules: readonly LoadedRule[]): (rule: LoadedRule) => readonly LoadedRule[] {
  const unique = [...new Set(rules)];
  const byRemote = new Map<string | undefined, LoadedRule[]>();
  for (const rule of unique) {
    const remote = singleRemote(rule.selector);
    const others = byRemote.get(remote);
    if (others === undefined) byRemote.set(remote, [rule]);
    else others.push(rule);
  }
  const wide = byRemote.get(undefined) ?? [];
  return (rule) => {
    const remote = singleRemote(rule.selector);
    const candidates = remote === undefined ? unique : [...wide, ...(byRemote.get(remote) ?? [])];
    return candidates.filter((other) => overlap(rule, other));
  };
}

function singleRemote({ remote, family }: Selector): string | undefined {
  return remote?.length === (family === 4 ? 32 : 128) ? formatAddress(remote.address) : undefined;
}

/** Only packets that meet a rule which came or went can be treated otherwise than one command before. */
function look(rule: LoadedRule, near: Near, isOurs: (address: Address) => boolean, found: Map<string, Found>): void {
  const { dir, family, selector } = rule;
  // Rules of several runs may have one priority, and then the kernel's lists decide, which every run turns round.
  const lists = [near.now, near.now.toReversed(), near.was, near.willBe].map((some) => rulesInOrder(some, dir, family));
  const window = selector.remote === undefined ? {} : { remote: prefixRange(selector.remote) };
  for (const { remote, tried } of slices(lists, family, window)) {
    const [oneWay = [], theOther = [], before = [], after = []] = tried;
    const boxes = selectedRegions(selector).map((box) => ({ ...box, remote }));
    const ways = oneWay.every((one, at) => one === theOther[at]) ? [oneWay] : [oneWay, theOther];
    for (const now of ways.flatMap((way) => divide(way, boxes)))
      for (const was of divide(before, [now.region]))
        for (const willBe of divide(after, [was.region])) {
          const { region } = willBe;
          if (region.local.from === region.local.to && !isOurs({ family, value: region.local.from })) continue;
          const kind = kindOf(treatmentOf(was.rule, dir), treatmentOf(now.rule, dir), treatmentOf(willBe.rule, dir));
          if (kind !== undefined) note(found, kind, dir, family, was.rule, now.rule, region);
        }
  }
}

function note(
  found: Map<string, Found>,
  kind: Found['kind'],
  direction: Direction,
  family: Family,
  was: LoadedRule | undefined,
  now: LoadedRule | undefined,
  region: Region,
): void {
  const [before, after] = [treatmentOf(was, direction), treatmentOf(now, direction)];
  const key = `${kind} ${direction} ${family} ${treatmentKey(before)} ${treatmentKey(after)}`;
  const known = found.get(key) ?? {
    kind,
    change: {
      ...{ direction, family, before, after, regions: [], example: region, exposed: kind === 'gap' },
      ...(was !== undefined && { ruleBefore: was }),
      ...(now !== undefined && { ruleAfter: now }),
    },
    regions: new Map<string, Region>(),
  };
  found.set(key, known);
  known.regions.set(regionKey(region), region);
}

function regionKey(region: Region): string {
  return JSON.stringify(region, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}

function kindOf(before: Treatment, now: Treatment, after: Treatment): Found['kind'] | undefined {
  const key = treatmentKey(now);
  if (key === treatmentKey(before) || key === treatmentKey(after)) return undefined;
  const opened = isOpen(now) && !isOpen(before) && !isOpen(after);
  const readable = now.readable && !before.readable && !after.readable;
  return opened || readable ? 'gap' : 'interruption';
}

/** Whether packets may pass in the clear. */
function isOpen({ kind, doubtful, readable }: Treatment): boolean {
  return kind === 'clear' || kind === 'either' || (doubtful && readable);
}
