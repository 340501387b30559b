/** Rules whose packets are answered under another treatment: protected one way, in the clear the other. Exact over sets. */

import type { Direction, Family, LoadedRule, Selector } from '../../model/policy.js';
import { protectionsOf } from '../match-flow.js';
import { divide, rulesInOrder, slices } from '../partition.js';
import type { Region } from '../region.js';
import { couldMeet, regionsOf } from './overlap.js';
import { leftover, within } from './reach.js';

export interface OneWay {
  readonly rule: LoadedRule;
  /** The rules that decide the other way; none where no rule does. */
  readonly others: readonly LoadedRule[];
  /** Some of the packets, seen from this host. */
  readonly example: readonly Region[];
}

/** `either`: clear and protected are both accepted. */
type Treatment = 'clear' | 'protected' | 'either' | 'refused';

export function treatment(rule: LoadedRule | undefined, dir: Direction): Treatment {
  if (rule === undefined) return 'clear';
  const protects = protectionsOf(rule).length > 0;
  if (rule.actions[0]?.kind === 'discard') return protects && dir === 'in' ? 'protected' : 'refused';
  const passes = rule.actions.some(({ kind }) => kind === 'bypass');
  if (!protects) return 'clear';
  return passes && dir === 'in' ? 'either' : 'protected';
}

export function clash(one: Treatment, other: Treatment): boolean {
  return (one === 'clear' && other === 'protected') || (one === 'protected' && other === 'clear');
}

/**
 * Only rules without a partner of the same selector and treatment the other way are looked at: those that have one are
 * answered alike, or else another rule stands between, which has none.
 */
export function oneWayRules(rules: readonly LoadedRule[]): readonly OneWay[] {
  return ([4, 6] as const).flatMap((family) => {
    const orders = { in: rulesInOrder(rules, 'in', family), out: rulesInOrder(rules, 'out', family) };
    const lonely = new Set([...withoutPartner(orders.in, orders.out), ...withoutPartner(orders.out, orders.in)]);
    return lonely.size === 0 ? [] : clashes(orders, family, lonely);
  });
}

function withoutPartner(mine: readonly LoadedRule[], theirs: readonly LoadedRule[]): readonly LoadedRule[] {
  const partners = new Set(theirs.map(partnerKey));
  return mine.filter((rule) => !partners.has(partnerKey(rule)));
}

function partnerKey(rule: LoadedRule): string {
  return `${selectorKey(rule.selector)} ${treatment(rule, rule.dir)}`;
}

function selectorKey(selector: Selector): string {
  return JSON.stringify(selector, (_, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value));
}

function clashes(
  orders: Readonly<Record<Direction, readonly LoadedRule[]>>,
  family: Family,
  lonely: Set<LoadedRule>,
): readonly OneWay[] {
  const found: OneWay[] = [];
  for (const { remote, tried } of slices([orders.in, orders.out], family)) {
    for (const [list, dir] of (['in', 'out'] as const).entries()) {
      const mine = tried[list] ?? [];
      const theirs = tried[1 - list] ?? [];
      for (const [i, rule] of mine.entries()) {
        if (!lonely.has(rule)) continue;
        const earlier = mine.slice(0, i).filter((one) => couldMeet(one.selector, rule.selector));
        const decided = leftover(within(rule, remote), earlier);
        const answers = theirs.filter((one) => couldMeet(one.selector, rule.selector));
        const cells = divide(answers, decided).filter((cell) =>
          clash(treatment(rule, dir), treatment(cell.rule, dir === 'in' ? 'out' : 'in')),
        );
        if (cells.length === 0) continue;
        lonely.delete(rule);
        const others = new Set(cells.flatMap((cell) => cell.rule ?? []));
        found.push(wholeOf(rule, orders) ?? { rule, others: [...others], example: cells.map(({ region }) => region) });
      }
    }
  }
  return found;
}

/** More rules than these beside it, and one slice has to do as an example. */
const MOST_BESIDE = 40;

/** Everything that goes one way under a rule, not only what one slice shows. */
function wholeOf(rule: LoadedRule, orders: Readonly<Record<Direction, readonly LoadedRule[]>>): OneWay | undefined {
  const { dir } = rule;
  const other = dir === 'in' ? 'out' : 'in';
  const mine = orders[dir];
  const beside = (rules: readonly LoadedRule[]): LoadedRule[] =>
    rules.filter((one) => couldMeet(one.selector, rule.selector));
  const earlier = beside(mine.slice(0, mine.indexOf(rule)));
  const answers = beside(orders[other]);
  if (earlier.length + answers.length > MOST_BESIDE) return undefined;
  const cells = divide(answers, leftover(regionsOf(rule), earlier)).filter((cell) =>
    clash(treatment(rule, dir), treatment(cell.rule, other)),
  );
  const others = new Set(cells.flatMap((cell) => cell.rule ?? []));
  return { rule, others: [...others], example: cells.map(({ region }) => region) };
}
