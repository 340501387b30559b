/** Lint of rules with alternatives (`or`): what they do to each other, to other rules, and to what the kernel remembers. */

import type { Action, LoadedRule } from '../../model/policy.js';
import { isDoubtful, protectionsOf } from '../match-flow.js';
import { mayMeet } from './overlap.js';
import type { LintRule } from './finding.js';
import { entryPlace, relatedEntry, wordPlace, type LintEntry, type PolicySubject } from './policy-subject.js';

type Rule = LintRule<PolicySubject>;

const HARD = 'encr_algs aes(256) encr_auth_algs sha256';

function wantsOf({ ah, esp }: Extract<Action, { kind: 'protect' }>): string {
  return `${ah === undefined ? '' : 'AH'}${esp === undefined ? '' : 'ESP'}`;
}

const bothWanted: Rule = {
  code: 'AH_ESP_ALTERNATIVES',
  severity: 'error',
  title: 'alternatives that want AH and ESP differently',
  why: 'What a packet needs is the sum over all alternatives: AH and ESP together, which fits none of them at the receiver. What the kernel has seen before can change even that.',
  example: {
    bad: '{ raddr 10.0.0.9 } ipsec { auth_algs sha256 } or ipsec { encr_algs aes(256) encr_auth_algs sha256 }\n',
    good: `{ raddr 10.0.0.9 } ipsec { ${HARD} } or ipsec { encr_algs aes(128) encr_auth_algs sha256 }\n`,
  },
  *check({ entries }) {
    for (const entry of entries) {
      const wants = new Set(protectionsOf(entry.rules[0]).map(wantsOf));
      if (wants.size < 2) continue;
      yield {
        ...entryPlace(entry),
        what: 'its alternatives want AH and ESP differently: every packet would need both',
        todo: 'let every alternative ask for the same of AH and ESP',
      };
    }
  },
};

const remembered: Rule = {
  code: 'HISTORY_DEPENDENT',
  severity: 'warning',
  title: 'what the rule does depends on earlier policies',
  why: 'The kernel shares lists of alternatives between rules, also with those of former policies, and sums their marks only once. Whether such a rule sends or accepts clear packets can differ from host to host and from boot to boot.',
  example: {
    bad: `{ raddr 10.0.0.9 dir in } ipsec { ${HARD} } or pass {}\n{ raddr 10.0.0.9 dir out } ipsec { ${HARD} }\n`,
    good: `{ raddr 10.0.0.9 dir in } pass {} or ipsec { ${HARD} }\n{ raddr 10.0.0.9 dir out } ipsec { ${HARD} }\n`,
  },
  *check({ entries }) {
    for (const entry of entries) {
      const doubtful = entry.rules.filter(isDoubtful);
      const inbound = doubtful.some(({ dir }) => dir === 'in');
      const outbound = doubtful.some(
        ({ dir, actions }) => dir === 'out' && actions.some(({ kind }) => kind === 'bypass'),
      );
      if (!inbound && !outbound) continue;
      yield {
        ...entryPlace(entry),
        what: inbound
          ? 'whether this accepts clear packets depends on policies loaded since boot'
          : 'whether this sends in the clear depends on policies loaded since boot',
        todo: 'write `dir in` pass {} or ipsec {…}, with pass first, and a rule of one kind for `dir out`',
      };
    }
  },
};

const passWithoutEffect: Rule = {
  code: 'PASS_WITHOUT_EFFECT',
  severity: 'warning',
  title: 'pass as an alternative does not let packets out in the clear',
  why: 'Outbound, a rule with any ipsec alternative protects its packets or does not send them at all.',
  example: {
    bad: `{ raddr 10.0.0.9 dir out } ipsec { ${HARD} } or pass {}\n{ raddr 10.0.0.9 dir in } ipsec { ${HARD} }\n`,
    good: `{ raddr 10.0.0.9 } ipsec { ${HARD} }\n`,
  },
  *check({ entries }) {
    for (const entry of entries) {
      const out = entry.rules.find(({ dir }) => dir === 'out');
      const { alternatives } = entry;
      const pass = alternatives.find(({ action }) => action.text === 'pass' || action.text === 'bypass')?.action;
      if (out === undefined || pass === undefined || protectionsOf(out).length === 0) continue;
      if (out.actions[0]?.kind === 'bypass') continue;
      yield {
        ...wordPlace(pass),
        what: 'outbound, this alternative has no effect: packets are protected or not sent',
        todo: 'write rules of their own for `dir in` and `dir out`',
      };
    }
  },
};

const dropAlternative: Rule = {
  code: 'DROP_ALTERNATIVE',
  severity: 'warning',
  title: 'drop as an alternative',
  why: 'A drop that stands first discards all that goes out, whatever follows; a later one does nothing outbound. It never means “else refuse”: that is what happens anyway.',
  example: {
    bad: `{ raddr 10.0.0.9 } ipsec { ${HARD} } or drop {}\n`,
    good: `{ raddr 10.0.0.9 } ipsec { ${HARD} }\n`,
  },
  *check({ entries }) {
    for (const { alternatives } of entries) {
      const at = alternatives.findIndex(({ action }) => action.text === 'drop');
      const drop = alternatives[at]?.action;
      if (drop === undefined || alternatives.length < 2) continue;
      const what =
        at === 0 ? 'this discards all that goes out, whatever follows' : 'this alternative does nothing outbound';
      yield { ...wordPlace(drop), what, todo: 'take the alternative out, or make the rule a drop' };
    }
  },
};

/** Related places beyond these are only counted. */
const MOST_RELATED = 5;

const takesOver: Rule = {
  code: 'PASS_TAKES_OVER',
  severity: 'error',
  title: 'a rule with pass beside ipsec takes over plain bypass rules',
  why: 'The classes of its alternatives add up, so that it is tried before every plain bypass, wherever they stand. What those let out in the clear is then protected or not sent.',
  example: {
    bad: `{ lport 22 ulp tcp dir both } bypass {}\n{} ipsec { ${HARD} } or pass {}\n{ ulp ipv6-icmp type 133-137 dir both } pass {}\n`,
    good: `{ lport 22 ulp tcp dir both } bypass {}\n{ dir in } pass {} or ipsec { ${HARD} }\n{ dir out } ipsec { ${HARD} }\n{ ulp ipv6-icmp type 133-137 dir both } pass {}\n`,
  },
  *check({ entries, rules, entryOf }) {
    const plain = rules.filter(({ dir, actions }) => dir === 'out' && actions.every(({ kind }) => kind === 'bypass'));
    for (const entry of entries) {
      const takers = entry.rules.filter(isTaker);
      if (takers.length === 0) continue;
      const taken = new Set<LintEntry>();
      for (const rule of plain) {
        if (!takers.some((taker) => taker.priority > rule.priority && mayMeet(taker, rule))) continue;
        const other = entryOf(rule);
        if (other !== undefined) taken.add(other);
      }
      if (taken.size === 0) continue;
      const related = [...taken].slice(0, MOST_RELATED).map((one) => relatedEntry(one, 'its packets are taken over'));
      yield {
        ...entryPlace(entry),
        what: `this is tried before ${taken.size === 1 ? 'a bypass rule' : `${taken.size} bypass rules`} and protects what ${taken.size === 1 ? 'it lets' : 'they let'} out`,
        todo: 'write `dir in` pass {} or ipsec {…} and a rule of its own for `dir out`',
        related,
      };
    }
  },
};

function isTaker(rule: LoadedRule): boolean {
  return (
    rule.dir === 'out' &&
    rule.tunnel === undefined &&
    rule.actions.some(({ kind }) => kind === 'bypass') &&
    protectionsOf(rule).length > 0
  );
}

export const ALTERNATIVE_RULES: readonly Rule[] = [
  bothWanted,
  remembered,
  passWithoutEffect,
  dropAlternative,
  takesOver,
];
