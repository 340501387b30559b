/** A whole nft table as a value, and the transaction that leads from one to another. Knows nothing of policy. */

/** Where the kernel calls a chain. */
export interface Hook {
  readonly hook: 'prerouting' | 'input' | 'output';
  readonly priority: number;
}

export interface FilterChain {
  readonly hook?: Hook;
  readonly rules: readonly string[];
}

/** All names are of letters, digits and `_`. */
export interface RuleSet {
  readonly chains: ReadonlyMap<string, FilterChain>;
  readonly counters: ReadonlySet<string>;
  /** What follows `set NAME`, in braces. A set that is already there keeps its elements. */
  readonly sets: ReadonlyMap<string, string>;
}

/** `ipsec` is a word of nft. */
export const TABLE = 'inet lab_ipsec';

/**
 * The text for `nft -f -`, which the kernel takes whole or not at all: packets meet the old chains or the new ones.
 * Counters and sets that both have keep what they hold. Without `loaded`, whatever table there is is replaced.
 * Empty when nothing differs.
 */
export function transaction(loaded: RuleSet | undefined, wanted: RuleSet): string {
  const lines: string[] = [];
  const gone: string[] = [];
  if (loaded === undefined) lines.push(`add table ${TABLE}`, `delete table ${TABLE}`);
  else {
    for (const [name, chain] of loaded.chains) {
      const next = wanted.chains.get(name);
      if (next === undefined) gone.push(`delete chain ${TABLE} ${name}`);
      if (next === undefined || !sameRules(chain, next)) lines.push(`flush chain ${TABLE} ${name}`);
    }
    for (const name of loaded.sets.keys()) if (!wanted.sets.has(name)) gone.push(`delete set ${TABLE} ${name}`);
    for (const name of loaded.counters) if (!wanted.counters.has(name)) gone.push(`delete counter ${TABLE} ${name}`);
  }
  const added = additions(loaded, wanted);
  if (loaded === undefined || added.length > 0) lines.push(`table ${TABLE} {`, ...added, '}');
  return [...lines, ...gone].map((line) => `${line}\n`).join('');
}

function additions(loaded: RuleSet | undefined, wanted: RuleSet): readonly string[] {
  const lines: string[] = [];
  for (const name of wanted.counters) if (!loaded?.counters.has(name)) lines.push(`counter ${name} { }`);
  for (const [name, body] of wanted.sets) if (!loaded?.sets.has(name)) lines.push(`set ${name} { ${body} }`);
  for (const [name, chain] of wanted.chains) {
    const before = loaded?.chains.get(name);
    if (before === undefined || !sameRules(before, chain)) lines.push(...chainText(name, chain));
  }
  return lines;
}

function sameRules(a: FilterChain, b: FilterChain): boolean {
  return a.rules === b.rules || (a.rules.length === b.rules.length && a.rules.every((rule, i) => rule === b.rules[i]));
}

function chainText(name: string, { hook, rules }: FilterChain): readonly string[] {
  const begins = hook && `type filter hook ${hook.hook} priority ${hook.priority}; policy accept;`;
  return [`chain ${name} {`, ...(begins === undefined ? [] : [begins]), ...rules, '}'];
}
