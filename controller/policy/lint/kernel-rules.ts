/** Lint of entries that the kernel does not take although the tool counts them as good. */

import type { LoadedRule } from '../../model/policy.js';
import { ruleText } from '../rule-text.js';
import { storedRules } from '../spd.js';
import type { LintRule } from './finding.js';
import { predictSpd } from './listed-policy.js';
import { entryPlace, relatedEntry, type LintEntry, type PolicySubject } from './policy-subject.js';

type Rule = LintRule<PolicySubject>;

/** Everything of a rule but its actions: what the kernel compares. */
function selectorText({ dir, family, selector, tunnel }: LoadedRule): string {
  return `${family} ${ruleText({ dir, selector, actions: [], ...(tunnel && { tunnel }) })}`;
}

function actionsText({ actions }: LoadedRule): string {
  return JSON.stringify(actions);
}

const duplicate: Rule = {
  code: 'DUPLICATE_SELECTOR',
  severity: 'error',
  title: 'an entry with the selectors of an earlier one is ignored',
  why: 'The kernel compares selectors only and keeps what it has: other algorithms in a later entry never take effect, and the tool leaves with status 0.',
  example: {
    bad: '{ raddr 10.0.0.9 } ipsec { encr_algs aes(128) encr_auth_algs sha256 }\n{ raddr 10.0.0.9 } ipsec { encr_algs aes(256) encr_auth_algs sha256 }\n',
    good: '{ raddr 10.0.0.9 } ipsec { encr_algs aes(128) encr_auth_algs sha256 } or ipsec { encr_algs aes(256) encr_auth_algs sha256 }\n',
  },
  *check({ entries }) {
    const known = new Map<string, { readonly entry: LintEntry; readonly actions: string }>();
    for (const entry of entries) {
      const refused = entry.answers.some(({ kind }) => kind === 'exists');
      if (refused) {
        const spd = predictSpd(entry.entry);
        const rules = [spd.host, ...spd.tunnels.values()].flatMap((table) =>
          storedRules(table).map(({ rule }) => rule),
        );
        const clash = rules
          .map((rule) => ({ rule, first: known.get(selectorText(rule)) }))
          .find(({ first }) => first !== undefined);
        const same = clash?.first !== undefined && clash.first.actions === actionsText(clash.rule);
        const whole = entry.result?.kind === 'duplicate';
        const part = whole ? 'this entry is' : 'for some of its addresses this entry is';
        const cause =
          clash === undefined
            ? 'the kernel takes no second ICMP rule with other protection here'
            : 'an earlier entry has the same selectors';
        yield {
          ...entryPlace(entry),
          ...(same && { severity: 'warning' as const }),
          what: `${part} ignored: ${cause}${same || clash === undefined ? '' : ', and its actions stay'}`,
          todo: same ? 'take it out' : 'change the earlier entry, or make one rule of both with `or`',
          ...(clash?.first !== undefined && { related: [relatedEntry(clash.first.entry, 'this one stays in force')] }),
        };
      }
      for (const rule of entry.rules) {
        const key = selectorText(rule);
        if (!known.has(key)) known.set(key, { entry, actions: actionsText(rule) });
      }
    }
  },
};

const ignored: Rule = {
  code: 'KERNEL_IGNORES',
  severity: 'error',
  title: 'the kernel refuses the rule, and the tool leaves with status 0',
  why: 'Of a rule with addresses that the kernel finds inconsistent only a message remains: it is not installed, yet the entry counts as good.',
  example: {
    bad: '{ raddr 10.0.0.9 dir both } bypass { sa unique }\n',
    good: '{ raddr 10.0.0.9 dir both } bypass {}\n',
  },
  *check({ entries }) {
    for (const entry of entries) {
      if (entry.result?.kind !== 'ignored') continue;
      yield {
        ...entryPlace(entry),
        what: `the kernel does not install this (${entry.result.diagnostic})`,
        todo: 'leave `sa unique` out of bypass and drop; in a tunnel use it only with negotiate transport, and no selectors there',
      };
    }
  },
};

export const KERNEL_RULES: readonly Rule[] = [duplicate, ignored];
