/**
 * Which packets a rule is left with once the rules tried before it have taken theirs: exact, slice by slice along the remote
 * addresses, so that the cost grows with the rules.
 */

import type { Direction, Family, LoadedRule } from '../../model/policy.js';
import { selectorMeets } from '../match-selector.js';
import { rulesInOrder, slices } from '../partition.js';
import { cutAll, meet, meetAll, samplePacket, type AddressRange, type Region } from '../region.js';
import { covers, regionsOf } from './overlap.js';
import { TriedIndex } from './tried-index.js';

export const LISTS: readonly (readonly [Direction, Family])[] = [
  ['out', 4],
  ['out', 6],
  ['in', 4],
  ['in', 6],
];

/** What these boxes keep once `earlier` rules took theirs; `takers` gathers those that took something. */
export function leftover(
  boxes: readonly Region[],
  earlier: readonly LoadedRule[],
  takers?: Set<LoadedRule>,
): readonly Region[] {
  let left = boxes;
  for (const rule of earlier) {
    if (left.length === 0) break;
    const regions = regionsOf(rule);
    if (takers !== undefined && meetAll(left, regions).length > 0) takers.add(rule);
    left = cutAll(left, regions);
  }
  return left;
}

/** The rule's boxes between these remote addresses. */
export function within(rule: LoadedRule, remote: AddressRange): readonly Region[] {
  return regionsOf(rule).flatMap((region) => meet(region, { ...region, remote }) ?? []);
}

/** For each rule that decides no packet, the rules that decide in its place. A rule that no packet can match is left out. */
export function shadowedRules(rules: readonly LoadedRule[]): ReadonlyMap<LoadedRule, readonly LoadedRule[]> {
  const shadowed = new Map<LoadedRule, readonly LoadedRule[]>();
  for (const family of [4, 6] as const) {
    const out = rulesInOrder(rules, 'out', family);
    const inbound = rulesInOrder(rules, 'in', family);
    const found = shadowedIn(out, family);
    for (const [at, by] of found) shadow(shadowed, out, at, by);
    // Only selectors and their order count, and most policies have the same in both directions.
    const alike = out.length === inbound.length && out.every((rule, i) => sameSelector(rule, inbound[i]));
    for (const [at, by] of alike ? found : shadowedIn(inbound, family)) shadow(shadowed, inbound, at, by);
  }
  return shadowed;
}

function sameSelector(a: LoadedRule, b: LoadedRule | undefined): boolean {
  return (
    b !== undefined && (a.source === b.source || (covers(a.selector, b.selector) && covers(b.selector, a.selector)))
  );
}

function shadow(
  shadowed: Map<LoadedRule, readonly LoadedRule[]>,
  order: readonly LoadedRule[],
  at: number,
  by: ReadonlySet<number>,
): void {
  const rule = order[at];
  if (rule !== undefined)
    shadowed.set(
      rule,
      [...by].flatMap((one) => order[one] ?? []),
    );
}

/** By their places in the order. */
function shadowedIn(order: readonly LoadedRule[], family: Family): ReadonlyMap<number, ReadonlySet<number>> {
  const places = new Map(order.map((rule, i) => [rule, i]));
  const takers = new Map<LoadedRule, Set<LoadedRule>>();
  const reachable = new Set<LoadedRule>();
  for (const { remote, tried } of slices([order], family)) {
    const [list = []] = tried;
    const unsure = list.findLastIndex((rule) => !reachable.has(rule));
    if (unsure < 0) continue;
    const index = new TriedIndex();
    for (const rule of list.slice(0, unsure + 1)) {
      if (!reachable.has(rule)) {
        const by = takers.get(rule) ?? new Set<LoadedRule>();
        takers.set(rule, by);
        if (reaches(rule, within(rule, remote), index.beside(rule), by)) reachable.add(rule);
      }
      index.add(rule);
    }
  }
  const found = new Map<number, ReadonlySet<number>>();
  for (const [at, rule] of order.entries()) {
    const by = takers.get(rule);
    if (by === undefined || by.size === 0 || reachable.has(rule)) continue;
    found.set(at, new Set([...by].flatMap((one) => places.get(one) ?? [])));
  }
  return found;
}

/** Tries a wider rule and single packets first: both are much cheaper than cutting boxes. */
function reaches(
  rule: LoadedRule,
  boxes: readonly Region[],
  earlier: readonly LoadedRule[],
  by: Set<LoadedRule>,
): boolean {
  if (boxes.length === 0) return false;
  const wider = earlier.find((one) => covers(one.selector, rule.selector));
  if (wider !== undefined) {
    by.add(wider);
    return false;
  }
  const missed = boxes.some((box) => {
    const packet = samplePacket(box);
    return !earlier.some((one) => selectorMeets(one.selector, packet));
  });
  return missed || leftover(boxes, earlier, by).length > 0;
}
