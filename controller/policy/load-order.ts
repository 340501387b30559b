/**
 * From the rules a host has loaded to those it shall have, one command after the other, where it cannot replace all at once.
 * Owns which rules stay and in which order the others come and go; whether traffic notices is judged elsewhere.
 *
 * Additions come first, so that each packet meets the rule that decides it now, the one that will, or one that does the same.
 * Deletions begin with the rules of least priority: no packet falls back on a rule it never met before.
 */

import type { LoadedRule, PolicySyntax, RuleChange } from '../model/policy.js';
import { canonicalListing } from './canonical-listing.js';
import { entryUnits, keptRules, overlap, sameActions, sameClassOverlap, type EntryUnit } from './kept-rules.js';
import type { NameTables } from './name-tables.js';
import { playChanges, type Played } from './play-changes.js';
import { selectorKey } from './spd-draft.js';
import { coverOf, DROP, takenBy, twinOf, type Twin } from './twin-rules.js';

/** A list of changes that leads to the wanted rules, and what is in force after each command. */
export interface LoadOrder {
  /**
   * `direct`: new rules, then the deletions. `twins`: stand-ins hold the place of rules that have to be entered anew. `cover`:
   * what no rule meets meanwhile is dropped.
   */
  readonly way: 'direct' | 'twins' | 'cover';
  readonly changes: readonly RuleChange[];
  readonly played: readonly Played[];
}

export interface LoadOrderInput {
  /** In force now. */
  readonly loaded: readonly LoadedRule[];
  /** As one file loads them on a host without any. */
  readonly wanted: readonly LoadedRule[];
  readonly names: NameTables;
  readonly syntax: PolicySyntax;
}

/**
 * The ways that lead there, least noticed first; each is played through and ends in exactly the wanted rules, in the wanted
 * order. None where rules of tunnels change or an entry is too long for a line.
 */
export function loadOrders(input: LoadOrderInput): readonly LoadOrder[] {
  const [tunnelsNow, tunnelsThen] = [input.loaded, input.wanted].map((rules) => rules.filter(ofTunnel));
  if (canonicalListing(tunnelsNow ?? []).join('\n') !== canonicalListing(tunnelsThen ?? []).join('\n')) return [];
  const loaded = input.loaded.filter((rule) => !ofTunnel(rule)).toSorted(byIndex);
  const wanted = input.wanted.filter((rule) => !ofTunnel(rule)).toSorted(byIndex);
  const units = entryUnits(wanted, input.names, input.syntax);
  if (units.some((unit) => unit.entries.some((entry) => Buffer.byteLength(entry) > LONGEST_LINE))) return [];
  const kept = keptRules(loaded, units);
  const work: Work = {
    ...input,
    loaded,
    wanted,
    leaving: loaded.filter((rule) => !kept.rules.has(rule)).toSorted(leastFirst),
    entering: units.slice(kept.units),
  };
  const ways = work.entering.some(conflictWith(work.leaving)) ? [byTwins, byCover] : [directly];
  return ways.flatMap((way) => playedOut(way(work), work) ?? []);
}

/** Bytes of a line with its break, which the tool reads in one piece. */
const LONGEST_LINE = 1000;

interface Work extends LoadOrderInput {
  /** To be deleted, in this order. */
  readonly leaving: readonly LoadedRule[];
  /** To be entered, in this order. */
  readonly entering: readonly EntryUnit[];
}

type Way = Pick<LoadOrder, 'way' | 'changes'>;

function directly({ entering, leaving }: Work): Way {
  return { way: 'direct', changes: [...entries(entering), ...deletions(leaving)] };
}

/** Stand-ins hold the place of rules that have to wait, as far as they share packets with some that go. */
function byTwins(work: Work): Way {
  const { now, later } = inTurn(work);
  const taken = takenBy([...work.loaded, ...work.wanted]);
  const twins = later
    .flatMap(({ rules }) => rules)
    .filter((rule) => work.leaving.some((gone) => overlap(rule, gone)))
    .flatMap((rule) => standIn(rule, taken, work) ?? []);
  return { way: 'twins', changes: under(twins, now, later, work) };
}

/**
 * Entries up to the first whose selector is in use are entered at once; the others wait until the rules in their way are gone.
 * An entry that must stand before one of those waits with them: each run numbers its rules anew.
 */
function inTurn({ entering, leaving }: Work): {
  readonly now: readonly EntryUnit[];
  readonly later: readonly EntryUnit[];
} {
  let first = entering.findIndex(conflictWith(leaving));
  const orderMatters = (unit: EntryUnit): boolean =>
    entering.slice(first).some((later) => later !== unit && sameClassOverlap(unit.rules, later.rules));
  for (let at = first - 1; at >= 0; at--) {
    const unit = entering[at];
    if (unit !== undefined && orderMatters(unit)) first = at;
  }
  return { now: entering.slice(0, first), later: entering.slice(first) };
}

function under(
  twins: readonly Twin[],
  now: readonly EntryUnit[],
  later: readonly EntryUnit[],
  { leaving }: Work,
): readonly RuleChange[] {
  return [...entries(now), ...twins.map(addition), ...deletions(leaving), ...entries(later), ...dismissals(twins)];
}

/** One that drops is better than none: protection of ICMP is refused beside other protection of it. */
function standIn(rule: LoadedRule, taken: Set<string>, { loaded, names, syntax }: Work): Twin | undefined {
  const refused =
    protectsIcmp(rule) &&
    loaded.some((other) => protectsIcmp(other) && other.dir === rule.dir && !sameActions(rule, other));
  const same = refused ? undefined : twinOf(rule, taken, names, syntax);
  return same ?? twinOf({ ...rule, actions: DROP }, taken, names, syntax);
}

/** The same under drops of what no rule and no stand-in meets: there all that is to come has one, so that what passes goes on. */
function byCover(work: Work): Way {
  const { leaving, names, syntax } = work;
  const { now, later } = inTurn(work);
  const taken = takenBy([...work.loaded, ...work.wanted]);
  const twins = later.flatMap(({ rules }) => rules).flatMap((rule) => standIn(rule, taken, work) ?? []);
  const sides = new Set(leaving.map(({ dir, family }) => `${dir} ${family}`));
  const covers = (['out', 'in'] as const).flatMap((dir) =>
    ([4, 6] as const).flatMap((family) =>
      sides.has(`${dir} ${family}`) ? (coverOf(dir, family, taken, names, syntax) ?? []) : [],
    ),
  );
  return { way: 'cover', changes: under([...twins, ...covers], now, later, work) };
}

function entries(units: readonly EntryUnit[]): readonly RuleChange[] {
  return units.flatMap((unit) => unit.entries.map((rule): RuleChange => ({ kind: 'add', rule })));
}

function addition({ entry }: Twin): RuleChange {
  return { kind: 'add', rule: entry };
}

function deletions(rules: readonly LoadedRule[]): readonly RuleChange[] {
  return rules.map(({ text }) => ({ kind: 'delete', rule: text }));
}

function dismissals(twins: readonly Twin[]): readonly RuleChange[] {
  return deletions(twins.map(({ rule }, at) => ({ ...rule, index: at })).toSorted(leastFirst));
}

/** Whether the host would take an entry for a duplicate of what it has: by its selector, or as protection of ICMP beside another. */
function conflictWith(leaving: readonly LoadedRule[]): (unit: EntryUnit) => boolean {
  const keys = takenBy(leaving);
  const icmp = new Set(leaving.filter(protectsIcmp).map(({ dir, family }) => `${dir} ${family}`));
  return ({ rules }) =>
    rules.some(
      (rule) =>
        keys.has(selectorKey(rule.dir, rule.selector)) ||
        (protectsIcmp(rule) && icmp.has(`${rule.dir} ${rule.family}`)),
    );
}

function protectsIcmp({ selector: { protocol, family }, actions }: LoadedRule): boolean {
  return protocol === (family === 4 ? 1 : 58) && actions[0]?.kind === 'protect';
}

function playedOut({ way, changes }: Way, { loaded, wanted, names }: Work): LoadOrder | undefined {
  const played = playChanges(loaded, changes, names);
  if (played === undefined) return undefined;
  const end = canonicalListing(played.at(-1)?.rules ?? loaded);
  const isThere = end.join('\n') === canonicalListing(wanted).join('\n');
  return isThere ? { way, changes, played } : undefined;
}

function ofTunnel({ tunnel }: LoadedRule): boolean {
  return tunnel !== undefined;
}

function byIndex(a: LoadedRule, b: LoadedRule): number {
  return a.index - b.index;
}

function leastFirst(a: LoadedRule, b: LoadedRule): number {
  return a.priority - b.priority || b.index - a.index;
}
