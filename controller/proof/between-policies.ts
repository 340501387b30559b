/**
 * What befalls traffic while a host's rules are changed one after the other: packets that are treated neither as before nor as
 * after. Exact over every packet; where two rules are of equal priority, whichever is tried first.
 */

import { formatAddress, type Address } from '../model/address.js';
import type { Direction, Family, LoadedRule } from '../model/policy.js';
import { overlap } from '../policy/kept-rules.js';
import { divide } from '../policy/partition.js';
import type { Played } from '../policy/play-changes.js';
import { selectedRegions, type Region } from '../policy/region.js';
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
  for (const { rules, touched } of played)
    for (const rule of touched)
      for (const tried of bothOrders(rules)) look(rule, { before, after, tried }, isOurs, found);
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

interface Policies {
  readonly before: readonly LoadedRule[];
  readonly after: readonly LoadedRule[];
  /** In force, in the order in which they are tried. */
  readonly tried: readonly LoadedRule[];
}

/** Rules of several runs may have one priority, and then the kernel's lists decide, which every run turns round. */
function bothOrders(rules: readonly LoadedRule[]): readonly (readonly LoadedRule[])[] {
  return [rules, rules.toReversed()].map(inOrder);
}

function inOrder(rules: readonly LoadedRule[]): readonly LoadedRule[] {
  return rules.toSorted((a, b) => b.priority - a.priority);
}

/** Only packets that meet a rule which came or went can be treated otherwise than one command before. */
function look(
  rule: LoadedRule,
  policies: Policies,
  isOurs: (address: Address) => boolean,
  found: Map<string, Found>,
): void {
  const { dir, family } = rule;
  const near = (rules: readonly LoadedRule[]): readonly LoadedRule[] => rules.filter((other) => overlap(rule, other));
  const [before, after] = [inOrder(near(policies.before)), inOrder(near(policies.after))];
  for (const now of divide(near(policies.tried), selectedRegions(rule.selector)))
    for (const was of divide(before, [now.region]))
      for (const willBe of divide(after, [was.region])) {
        const { region } = willBe;
        if (region.local.from === region.local.to && !isOurs({ family, value: region.local.from })) continue;
        const kind = kindOf(treatmentOf(was.rule, dir), treatmentOf(now.rule, dir), treatmentOf(willBe.rule, dir));
        if (kind !== undefined) note(found, kind, dir, family, was.rule, now.rule, region);
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
