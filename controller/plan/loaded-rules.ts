/** From a host's own listing back to rules with selectors, actions and the order in which the kernel tries them. */

import type { Prefix } from '../model/address.js';
import type { Action, Family, LoadedRule } from '../model/policy.js';
import { canonicalListing } from '../policy/canonical-listing.js';
import { parseListedRule, type ParsedRule } from '../policy/parse-listed-rule.js';

export interface RulesInForce {
  readonly rules: readonly LoadedRule[];
  /**
   * Whether the order is a guess: a listing does not say which rules were loaded together, and no policy at hand lists the
   * same. Rules loaded in one run are right.
   */
  readonly uncertain: boolean;
  /** Lines that could not be read, and are left out of `rules`. */
  readonly unread: readonly string[];
}

/**
 * `listing` in canonical form. The first of `policies` that a host would list so is taken as it is, with its places in a file;
 * without one, index order is taken for file order.
 */
export function rulesInForce(listing: readonly string[], policies: Iterable<readonly LoadedRule[]> = []): RulesInForce {
  for (const rules of policies) {
    const listed = canonicalListing(rules);
    if (listed.length === listing.length && listed.every((line, at) => line === listing[at]))
      return { rules, uncertain: false, unread: [] };
  }
  const rules: LoadedRule[] = [];
  const unread: string[] = [];
  const seen = new Set<string>();
  for (const [at, text] of listing.entries()) {
    const parsed = parseListedRule(text);
    if (parsed === undefined) unread.push(text);
    else {
      // Of a rule for both families the one for IPv4 has the lower index.
      const family = seen.has(text) ? (parsed.families.at(-1) ?? 6) : (parsed.families[0] ?? 4);
      seen.add(text);
      rules.push(ruleOf(parsed, family, at, text));
    }
  }
  return { rules, uncertain: rules.length > 0, unread };
}

/** Number of the first rule of a run (illumos ipsecconf.c). */
const FIRST = 0xfffff;
const BOOST = { bypass: 0x800000, esp: 0x400000, ah: 0x200000 } as const;

function ruleOf({ dir, selector, actions, tunnel }: ParsedRule, family: Family, at: number, text: string): LoadedRule {
  const { local, remote, ...others } = selector;
  return {
    index: at + 1,
    dir,
    family,
    priority: (FIRST - at) | actions.reduce((sum, action) => sum | boostOf(action), 0),
    selector: {
      family,
      ...others,
      ...(local && { local: prefixOf(local, family) }),
      ...(remote && { remote: prefixOf(remote, family) }),
    },
    actions,
    ...(tunnel && { tunnel }),
    text,
    source: { line: 0, column: 0, text },
  };
}

function prefixOf({ address, length }: Prefix, family: Family): Prefix {
  return { address: { family, value: address.value }, length };
}

function boostOf(action: Action): number {
  if (action.kind === 'discard') return 0;
  if (action.kind === 'bypass') return BOOST.bypass;
  return (action.esp === undefined ? 0 : BOOST.esp) | (action.ah === undefined ? 0 : BOOST.ah);
}
