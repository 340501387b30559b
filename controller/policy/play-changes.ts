/** Rules added and deleted one after the other on a host that cannot replace them at once: which are in force after each command. */

import type { LoadedRule, RuleChange } from '../model/policy.js';
import { loadPolicy } from './load-policy.js';
import type { NameTables } from './name-tables.js';
import { emptySpd, hostRules, placeKey, placeOf, type Spd, type StoredRule } from './spd.js';

/** What is in force after one command, and the rules that it brought or took. */
export interface Played {
  readonly rules: readonly LoadedRule[];
  readonly touched: readonly LoadedRule[];
}

/** A host's table with these rules in it. Their listings are taken to fit: nothing is listed here. */
function spdOf(rules: readonly LoadedRule[], nextIndex: number): Spd {
  const chains = new Map<string, StoredRule[]>();
  for (const rule of rules.toSorted((a, b) => a.index - b.index)) {
    const key = placeKey(placeOf(rule));
    const chain = chains.get(key);
    if (chain === undefined) chains.set(key, [{ rule, listingBytes: 0 }]);
    else chain.push({ rule, listingBytes: 0 });
  }
  return { ...emptySpd(), host: { chains, nextIndex } };
}

/**
 * Plays a list: each run of additions is one file for `ipsecconf -a`, each deletion one `ipsecconf -d` of the first rule that
 * is listed with that text. `undefined` when the host would refuse a command.
 */
export function playChanges(
  from: readonly LoadedRule[],
  changes: readonly RuleChange[],
  names: NameTables,
): readonly Played[] | undefined {
  const played: Played[] = [];
  let rules = from;
  let nextIndex = nextAfter(from);
  for (const command of commandsOf(changes)) {
    if (command.kind === 'delete') {
      const gone = firstListed(rules, command.rule);
      if (gone === undefined) return undefined;
      rules = rules.filter((rule) => rule !== gone);
      played.push({ rules, touched: [gone] });
      continue;
    }
    const spd = added(spdOf(rules, nextIndex), command.rules, names);
    if (spd === undefined) return undefined;
    const before = new Set(rules.map(({ index }) => index));
    rules = hostRules(spd);
    nextIndex = nextAfter(rules);
    played.push({ rules, touched: rules.filter(({ index }) => !before.has(index)) });
  }
  return played;
}

function nextAfter(rules: readonly LoadedRule[]): number {
  return rules.reduce((most, { index }) => Math.max(most, index), 0) + 1;
}

function firstListed(rules: readonly LoadedRule[], text: string): LoadedRule | undefined {
  let first: LoadedRule | undefined;
  for (const rule of rules) if (rule.text === text && (first === undefined || rule.index < first.index)) first = rule;
  return first;
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
