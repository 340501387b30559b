/**
 * Rules that stand in for others while these are deleted and added again. The kernel refuses a second rule with the same
 * selector, compared bit for bit; a stand-in says the same, or a little more, in other bits.
 */

import { formatAddress, type Prefix } from '../model/address.js';
import type { Action, Direction, Family, LoadedRule, PolicySyntax, Selector } from '../model/policy.js';
import type { NameTables } from './name-tables.js';
import { predictLoad } from './predict-load.js';
import { ruleText } from './rule-text.js';
import { selectorKey } from './spd-draft.js';
import { inOldStyle } from './syntax/old-style.js';

/** A stand-in as an entry of a policy file, and the one rule that it makes. */
export interface Twin {
  readonly entry: string;
  readonly rule: LoadedRule;
}

export type Twinned = Pick<LoadedRule, 'dir' | 'family' | 'selector' | 'actions'>;

/** Selectors in use. A twin's is added to it. */
export type TakenSelectors = Set<string>;

export function takenBy(rules: readonly LoadedRule[]): TakenSelectors {
  return new Set(rules.map(({ dir, selector }) => selectorKey(dir, selector)));
}

/**
 * `undefined` when no entry would make such a rule: with more alternatives than an entry may have, with a tunnel, or in a
 * syntax that cannot say it.
 */
export function twinOf(
  rule: Twinned,
  taken: TakenSelectors,
  names: NameTables,
  syntax: PolicySyntax,
): Twin | undefined {
  let tries = 0;
  for (const local of otherBits(rule.selector.local, rule.family)) {
    const selector: Selector = { ...rule.selector, local };
    const key = selectorKey(rule.dir, selector);
    if (taken.has(key)) continue;
    const twin = entered({ ...rule, selector }, names, syntax);
    if (twin !== undefined) taken.add(key);
    if (twin !== undefined || ++tries === MOST_TRIES) return twin;
  }
  return undefined;
}

/** What stands in the way of an entry is mostly not its address. */
const MOST_TRIES = 2;

/** A rule that drops what no other rule meets: a drop never beats anything. */
export function coverOf(
  dir: Direction,
  family: Family,
  taken: TakenSelectors,
  names: NameTables,
  syntax: PolicySyntax,
): Twin | undefined {
  return twinOf({ dir, family, selector: { family }, actions: DROP }, taken, names, syntax);
}

export const DROP: readonly Action[] = [{ kind: 'discard' }];

/** More are never in use at once. */
const MOST_BITS = 1000n;

/** Prefixes in bits of their own that hold the same local addresses; behind them some that hold a few more. */
function* otherBits(local: Prefix | undefined, family: Family): Iterable<Prefix> {
  const width = family === 4 ? 32 : 128;
  const { address, length } = local ?? { address: { family, value: 1n }, length: 0 };
  const free = BigInt(width - length);
  const base = (address.value >> free) << free;
  const all = free > 10n ? MOST_BITS : 1n << free;
  // With no bit set and no length an address is as good as none.
  for (let bits = length === 0 ? 1n : 0n; bits < all; bits++) yield { address: { family, value: base | bits }, length };
  for (let shorter = length - 1; shorter > 0; shorter--) yield { address, length: shorter };
}

/** Read back: only what makes exactly that rule is one. */
function entered(wanted: Twinned, names: NameTables, syntax: PolicySyntax): Twin | undefined {
  const entry = syntax === 'new' ? entryText(wanted) : inOldStyle(entryText(wanted))?.[0];
  if (entry === undefined) return undefined;
  const { rules, accepted } = predictLoad(`${entry}\n`, names);
  const [rule] = rules;
  const isIt = accepted && rules.length === 1 && rule !== undefined && says(rule) === says(wanted);
  // Without the blanks of a listing where a listing would say it otherwise.
  return isIt ? { entry: entry === rule.text ? entry : entry.replaceAll('{ ', '{'), rule } : undefined;
}

function says({ dir, selector, actions }: Twinned): string {
  return `${selectorKey(dir, selector)} ${ruleText({ dir, selector, actions })}`;
}

/** As listings print a rule, but that an unspecified address is written: a listing leaves it out. */
export function entryText({ dir, family, selector, actions }: Twinned): string {
  const nothing = formatAddress({ family, value: 0n });
  return ruleText({ dir, selector, actions }).replace(/\b([lr]addr) \//g, `$1 ${nothing}/`);
}
