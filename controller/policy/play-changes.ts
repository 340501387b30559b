/** Rules added and deleted one after the other on a host that cannot replace them at once: which are in force after each command. */

import type { LoadedRule, RuleChange } from '../model/policy.js';
import { loadPolicy } from './load-policy.js';
import type { NameTables } from './name-tables.js';
import { deleteRule, emptySpd, hostRules, placeKey, placeOf, type Spd, type StoredRule } from './spd.js';

/** What is in force after one command, and the rules that it brought or took. */
export interface Played {
  readonly rules: readonly LoadedRule[];
  readonly touched: readonly LoadedRule[];
}

/** A host's table with these rules in it. Their listings are taken to fit: nothing is listed here. */
export function spdOf(rules: readonly LoadedRule[]): Spd {
  const chains = new Map<string, StoredRule[]>();
  for (const rule of rules.toSorted((a, b) => a.index - b.index)) {
    const key = placeKey(placeOf(rule));
    const chain = chains.get(key);
    if (chain === undefined) chains.set(key, [{ rule, listingBytes: 0 }]);
    else chain.push({ rule, listingBytes: 0 });
  }
  const nextIndex = Math.max(0, ...rules.map(({ index }) => index)) + 1;
  return { ...emptySpd(), host: { chains, nextIndex } };
}

/**
 * Plays a list: each run of additions is one file for `ipsecconf -a`, each deletion one `ipsecconf -d` of the first rule that
 * is listed with that text. `undefined` when the host would refuse a command.
 */
export function playChanges(
  from: Spd,
  changes: readonly RuleChange[],
  names: NameTables,
): readonly Played[] | undefined {
  const played: Played[] = [];
  let spd = from;
  for (const command of commandsOf(changes)) {
    const before = hostRules(spd);
    const next = command.kind === 'add' ? added(spd, command.rules, names) : deleted(spd, before, command.rule);
    if (next === undefined) return undefined;
    spd = next;
    const rules = hostRules(spd);
    played.push({ rules, touched: differing(before, rules) });
  }
  return played;
}

type Command = { readonly kind: 'add'; readonly rules: string[] } | { readonly kind: 'delete'; readonly rule: string };

function commandsOf(changes: readonly RuleChange[]): readonly Command[] {
  const commands: Command[] = [];
  for (const { kind, rule } of changes) {
    const last = commands.at(-1);
    if (kind === 'delete') commands.push({ kind, rule });
    else if (last?.kind === 'add') last.rules.push(rule);
    else commands.push({ kind, rules: [rule] });
  }
  return commands;
}

function added(spd: Spd, rules: readonly string[], names: NameTables): Spd | undefined {
  const run = loadPolicy(spd, rules.map((rule) => `${rule}\n`).join(''), { check: false, quiet: true }, names);
  return run.end === 'loaded' ? run.spd : undefined;
}

function deleted(spd: Spd, rules: readonly LoadedRule[], text: string): Spd | undefined {
  const indexes = rules.filter((rule) => rule.text === text).map(({ index }) => index);
  return indexes.length === 0 ? undefined : deleteRule(spd, undefined, Math.min(...indexes));
}

/** Rules are compared by index: no two of a table ever have the same. */
function differing(before: readonly LoadedRule[], after: readonly LoadedRule[]): readonly LoadedRule[] {
  const [was, is] = [before, after].map((rules) => new Set(rules.map(({ index }) => index)));
  return [...before.filter(({ index }) => !is?.has(index)), ...after.filter(({ index }) => !was?.has(index))];
}
