/** Lint of what rules do together: those that never decide, those that are overtaken, answers that go another way. */

import type { Direction, LoadedRule } from '../../model/policy.js';
import { rulesInOrder, slices } from '../partition.js';
import { mirrored, type Region } from '../region.js';
import { flowText, flowTexts } from '../region-text.js';
import type { LintRule } from './finding.js';
import { mayMeet } from './overlap.js';
import { oneWayRules } from './one-way.js';
import { entriesOf, entryPlace, listed, type LintEntry, type PolicySubject } from './policy-subject.js';
import { LISTS, shadowedRules } from './reach.js';
import { kindOf } from './rule-kind.js';

type Rule = LintRule<PolicySubject>;

const HARD = 'encr_algs aes(256) encr_auth_algs sha256';

const KIND_WORDS = { bypass: 'lets it pass in the clear', protect: 'protects it', discard: 'drops it' } as const;

function whatItDoes({ rules: [rule] }: LintEntry): string {
  return rule === undefined ? 'this is tried before it' : `this ${KIND_WORDS[kindOf(rule)]}`;
}

/** Found once for a subject, asked for by two rules. */
const shadows = new WeakMap<PolicySubject, ReturnType<typeof shadowedRules>>();

function shadowsIn(subject: PolicySubject): ReturnType<typeof shadowedRules> {
  const found = shadows.get(subject) ?? shadowedRules(subject.rules);
  shadows.set(subject, found);
  return found;
}

const shadowedRule: Rule = {
  code: 'SHADOWED_RULE',
  severity: 'error',
  title: 'a rule that never decides',
  why: 'Rules are tried by class, whatever their order in the file and however narrow they are: bypass, then ESP with AH, ESP, AH, and drop last. Within a class the file’s order counts.',
  example: {
    bad: `{ raddr 10.0.0.9 lport 23 ulp tcp dir both } drop {}\n{ raddr 10.0.0.0/24 } ipsec { ${HARD} }\n`,
    good: `{ raddr 10.0.9.9 lport 23 ulp tcp dir both } drop {}\n{ raddr 10.0.0.0/24 } ipsec { ${HARD} }\n`,
  },
  *check(subject) {
    const found = shadowsIn(subject);
    for (const entry of subject.entries) {
      const takers = entry.rules.flatMap((rule) => found.get(rule) ?? []);
      if (takers.length === 0 || !entry.rules.every((rule) => found.has(rule))) continue;
      const by = entriesOf(subject, takers);
      const other = takers.find((taker) => entry.rules.every((rule) => kindOf(rule) !== kindOf(taker)));
      const rest =
        other === undefined
          ? 'its packets are treated alike by rules tried before it'
          : `another rule ${KIND_WORDS[kindOf(other)]} first`;
      yield {
        ...entryPlace(entry),
        ...(other === undefined && { severity: 'warning' as const }),
        what: `this rule never decides: ${rest}`,
        todo:
          other === undefined
            ? 'take it out, or make the rules before it narrower'
            : 'make the other rule narrower: a bypass beats ipsec, and both beat drop',
        related: listed(by, whatItDoes),
      };
    }
  },
};

const partlyShadowed: Rule = {
  code: 'HALF_SHADOWED',
  severity: 'info',
  title: 'a rule that never decides in one direction or family',
  why: 'Other rules are tried before it there and take all of its packets.',
  example: {
    bad: `{ raddr 10.0.0.0/24 dir in } bypass {}\n{ raddr 10.0.0.9 dir both } drop {}\n`,
    good: `{ raddr 10.0.0.0/24 dir in } bypass {}\n{ raddr 10.0.0.9 dir out } drop {}\n`,
  },
  *check(subject) {
    const found = shadowsIn(subject);
    for (const entry of subject.entries) {
      const hidden = entry.rules.filter((rule) => found.has(rule));
      if (hidden.length === 0 || hidden.length === entry.rules.length) continue;
      const by = entriesOf(
        subject,
        hidden.flatMap((rule) => found.get(rule) ?? []),
      );
      const [way] = hidden.map(({ dir, family }) => `for IPv${family} dir ${dir}`);
      yield {
        ...entryPlace(entry),
        what: `this rule never decides ${way}`,
        todo: 'write the direction or address that is meant',
        related: listed(by, () => 'this is tried before it'),
      };
    }
  },
};

const overtaken: Rule = {
  code: 'LATER_RULE_FIRST',
  severity: 'info',
  title: 'a rule takes packets of rules further up the file',
  why: 'The class of a rule counts before its place: a bypass takes over what any ipsec rule above it covers, and every ipsec rule what a drop covers.',
  example: {
    bad: `{ raddr 10.0.0.0/24 } ipsec { ${HARD} }\n{ lport 80 ulp tcp dir both } bypass {}\n`,
    good: `{ lport 80 ulp tcp dir both } bypass {}\n{ raddr 10.0.0.0/24 } ipsec { ${HARD} }\n`,
  },
  *check(subject) {
    const found = shadowsIn(subject);
    const taken = new Map<LintEntry, Set<LintEntry>>();
    for (const [dir, family] of LISTS) {
      const order = rulesInOrder(subject.rules, dir, family);
      if (inFileOrder(order)) continue;
      for (const { tried } of slices([order], family)) {
        const [list = []] = tried;
        if (!inFileOrder(list)) collectOvertaken(list, subject, taken);
      }
    }
    for (const [entry, all] of taken) {
      // A rule that never decides is told of by itself.
      const from = [...all].filter((one) => !one.rules.every((rule) => found.has(rule)));
      if (from.length === 0) continue;
      yield {
        ...entryPlace(entry),
        what: `this is tried before ${from.length === 1 ? 'a rule' : `${from.length} rules`} further up and takes a part of the packets`,
        todo: 'write the rules in the order in which they are tried: bypass, ipsec, drop',
        related: listed(from, () => 'this is left with the rest'),
      };
    }
  },
};

/** Pairs of a slice where the rule tried earlier stands later in the file and does something else. */
function collectOvertaken(
  tried: readonly LoadedRule[],
  { entryOf }: PolicySubject,
  taken: Map<LintEntry, Set<LintEntry>>,
): void {
  const lowest = lowestLineAfter(tried);
  for (const [i, first] of tried.entries()) {
    const entry = first.source.line > (lowest[i] ?? 0) ? entryOf(first) : undefined;
    if (entry === undefined) continue;
    const kind = kindOf(first);
    const from = taken.get(entry) ?? new Set();
    for (const rule of tried.slice(i + 1)) {
      if (first.source.line <= rule.source.line || kindOf(rule) === kind) continue;
      const other = entryOf(rule);
      if (other === undefined || from.has(other) || !mayMeet(first, rule)) continue;
      taken.set(entry, from.add(other));
    }
  }
}

/** For each place, the lowest line of the rules behind it. */
function lowestLineAfter(tried: readonly LoadedRule[]): readonly number[] {
  let lowest = Number.POSITIVE_INFINITY;
  return tried
    .toReversed()
    .map(({ source: { line } }) => {
      const behind = lowest;
      lowest = Math.min(lowest, line);
      return behind;
    })
    .toReversed();
}

/** Whether rules are tried as they stand in the file, so that none overtakes another. */
function inFileOrder(tried: readonly LoadedRule[]): boolean {
  return tried.every((rule, i) => i === 0 || rule.source.line >= (tried[i - 1]?.source.line ?? 0));
}

const oneWay: Rule = {
  code: 'ONE_WAY',
  severity: 'warning',
  title: 'answers are not treated as what they answer',
  why: 'Protected traffic one way and clear traffic the other way never makes a connection: a packet with more protection than asked for is dropped, and so is one with less.',
  example: {
    bad: `{ daddr 10.0.0.80 } apply { ${HARD} }\n`,
    good: `{ daddr 10.0.0.80 } apply { ${HARD} }\n{ saddr 10.0.0.80 } permit { ${HARD} }\n`,
  },
  *check(subject) {
    if (!subject.intact) return;
    const told = new Set<string>();
    for (const { rule, others, example } of oneWayRules(subject.rules)) {
      const entry = subject.entryOf(rule);
      // The rules of both families say the same.
      const key = `${rule.source.line}:${rule.source.column} ${rule.dir}`;
      if (entry === undefined || told.has(key)) continue;
      told.add(key);
      yield {
        ...entryPlace(entry),
        what: `${oneWayText(rule)} (${regionText(example, rule.dir)})`,
        todo:
          rule.dir === 'in'
            ? 'add the same for dir out, or write dir both'
            : 'add the same for dir in, or write dir both',
        related: listed(entriesOf(subject, others), whatItDoes),
      };
    }
  },
};

const ONE_WAY_WORDS = {
  in: {
    bypass: 'what this lets in is answered under protection',
    protect: 'what comes in must be protected, but what goes out is in the clear',
  },
  out: {
    bypass: 'what this lets out is refused an answer that is not protected',
    protect: 'what goes out is protected, but what comes in is taken in the clear only',
  },
} as const;

function oneWayText(rule: LoadedRule): string {
  const kind = kindOf(rule);
  return kind === 'discard' ? 'the two ways differ' : ONE_WAY_WORDS[rule.dir][kind];
}

function regionText(regions: readonly Region[], dir: Direction): string {
  const [first, ...more] = flowTexts(dir === 'out' ? regions : regions.map(mirrored));
  if (first === undefined) return 'some packets';
  return `${flowText(first)}${more.length === 0 ? '' : ' and more'}`;
}

export const REACH_RULES: readonly Rule[] = [shadowedRule, partlyShadowed, overtaken, oneWay];
