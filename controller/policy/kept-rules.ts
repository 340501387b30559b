/** Which of the rules a host has loaded can stay as they are when it gets others, so that its listing ends in the wanted order. */

import type { Prefix } from '../model/address.js';
import type { LoadedRule, PolicySyntax } from '../model/policy.js';
import { canonicalListing } from './canonical-listing.js';
import type { NameTables } from './name-tables.js';
import { predictLoad } from './predict-load.js';
import { meet, meetAddresses, prefixRange, selectedRegions } from './region.js';

/** One entry of a policy file and the rules it makes. */
export interface EntryUnit {
  /** What enters them, an entry a line: the rules as they are listed where the host reads that back to the same. */
  readonly entries: readonly string[];
  readonly rules: readonly LoadedRule[];
}

/** Rules by the entry that made them, in order. `rules`: as one file loads them. */
export function entryUnits(
  rules: readonly LoadedRule[],
  names: NameTables,
  syntax: PolicySyntax,
): readonly EntryUnit[] {
  const made = new Map<string, LoadedRule[]>();
  for (const rule of rules) {
    const place = `${rule.source.line}:${rule.source.column}`;
    const others = made.get(place);
    if (others === undefined) made.set(place, [rule]);
    else others.push(rule);
  }
  return [...made.values()].map((some) => ({ rules: some, entries: entriesOf(some, names, syntax) }));
}

/** A listing does not say all: of an unspecified address not the family, and more alternatives than an entry takes. */
function entriesOf(rules: readonly LoadedRule[], names: NameTables, syntax: PolicySyntax): readonly string[] {
  const listed = [...new Set(rules.map(({ text }) => text))];
  if (syntax === 'new') {
    const read = predictLoad(listed.map((line) => `${line}\n`).join(''), names);
    if (read.accepted && canonicalListing(read.rules).join('\n') === canonicalListing(rules).join('\n')) return listed;
  }
  // Without the blanks of a listing, so that it is not taken for one.
  const text = rules[0]?.source.text ?? '';
  return [text.replace(/\s+/g, ' ').replace(/\{ /g, '{').trim()];
}

/**
 * The entries from the first on that are loaded already, one after the other; all behind them is entered anew. Nor does a rule
 * stay that must come before a new one of its class: rules of several runs are not in order.
 */
export function keptRules(
  loaded: readonly LoadedRule[],
  units: readonly EntryUnit[],
): { readonly units: number; readonly rules: ReadonlySet<LoadedRule> } {
  const [here, there] = [counts(loaded), counts(units.flatMap(({ rules }) => rules))];
  const found: (readonly LoadedRule[])[] = [];
  let from = 0;
  for (const { rules } of units) {
    const matched: LoadedRule[] = [];
    let at = from;
    for (const { text } of rules) {
      // Of a rule for both families the host may have lost one: its halves list alike.
      if (here.get(text) !== there.get(text)) break;
      while (at < loaded.length && loaded[at]?.text !== text) at++;
      const rule = loaded[at++];
      if (rule !== undefined) matched.push(rule);
    }
    if (matched.length < rules.length) break;
    found.push(matched);
    from = at;
  }
  let kept = found.length;
  for (let at = kept - 1; at >= 0; at--) {
    const entering = units.slice(kept).flatMap(({ rules }) => rules);
    if (sameClassOverlap(units[at]?.rules ?? [], entering)) kept = at;
  }
  return { units: kept, rules: new Set(found.slice(0, kept).flat()) };
}

function counts(rules: readonly LoadedRule[]): ReadonlyMap<string, number> {
  const counted = new Map<string, number>();
  for (const { text } of rules) counted.set(text, (counted.get(text) ?? 0) + 1);
  return counted;
}

/** Bits of a priority that tell the class; the others number the rules of a run. */
const CLASS = 0xf00000;

/** Whether some packet is decided by which of two rules of one class comes first. */
export function sameClassOverlap(some: readonly LoadedRule[], others: readonly LoadedRule[]): boolean {
  return some.some((one) =>
    others.some(
      (other) => (one.priority & CLASS) === (other.priority & CLASS) && !sameActions(one, other) && overlap(one, other),
    ),
  );
}

/** Whether some packet meets both. */
export function overlap(a: LoadedRule, b: LoadedRule): boolean {
  if (a.dir !== b.dir || a.family !== b.family) return false;
  if (apart(a.selector.remote, b.selector.remote) || apart(a.selector.local, b.selector.local)) return false;
  const theirs = selectedRegions(b.selector);
  return selectedRegions(a.selector).some((one) => theirs.some((other) => meet(one, other) !== undefined));
}

function apart(a: Prefix | undefined, b: Prefix | undefined): boolean {
  return a !== undefined && b !== undefined && meetAddresses(prefixRange(a), prefixRange(b)) === undefined;
}

/** Whether two rules do the same, as they are listed. */
export function sameActions(a: LoadedRule, b: LoadedRule): boolean {
  return a.text.slice(a.text.indexOf('}')) === b.text.slice(b.text.indexOf('}'));
}
