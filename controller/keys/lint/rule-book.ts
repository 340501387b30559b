/** Every rule of lint there is, by kind of file: for help texts, reports and the check of suppressions. */

import type { RuleFacts } from '../../policy/lint/finding.js';
import { POLICY_RULES } from '../../policy/lint/lint-policy.js';
import { SUPPRESSION_RULES } from '../../policy/lint/suppressions.js';
import { IKE_RULES } from './ike-rules.js';
import { KEY_RULES } from './key-rules.js';
import { PSK_RULES } from './psk-rules.js';

export const LINT_KINDS = ['policy', 'keys', 'ike', 'psk'] as const;
/** `policy`: ipsecinit.conf. `keys`: ipseckeys. `ike`: ike/config. `psk`: ike.preshared. */
export type LintKind = (typeof LINT_KINDS)[number];

/** Comments are the same in every kind of file; their rules are told of with the policy's. */
export const RULES_BY_KIND: Readonly<Record<LintKind, readonly RuleFacts[]>> = {
  policy: [...POLICY_RULES, ...Object.values(SUPPRESSION_RULES)],
  keys: KEY_RULES,
  ike: IKE_RULES,
  psk: PSK_RULES,
};

/** The first rule of each code; rules of several kinds of file share one where they say the same. */
export const RULE_BOOK: ReadonlyMap<string, RuleFacts> = new Map(
  LINT_KINDS.toReversed()
    .flatMap((kind) => RULES_BY_KIND[kind])
    .map((rule) => [rule.code, rule]),
);

export const LINT_CODES: ReadonlySet<string> = new Set(RULE_BOOK.keys());
