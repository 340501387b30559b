/**
 * The policies that connections may still be latched to. A connection carries the number of the policy that was in force at its
 * first packet; equal policies have one number. Owns how many are kept.
 */

import { PLACES, type PolicyRules } from './policy-rules.js';

export interface NumberedPolicy {
  /** 1 to 65535; 0 = no rules at all, which nothing is latched to. */
  readonly number: number;
  readonly rules: PolicyRules;
}

export interface KeptPolicies {
  readonly current: NumberedPolicy;
  /** Newest first. */
  readonly former: readonly NumberedPolicy[];
  readonly lastNumber: number;
}

const HIGHEST = 0xffff;
const MOST_FORMER = 15;
const MOST_RULES = 20_000;

/**
 * With another policy in force. The oldest are forgotten when there are more than fifteen former ones or 20,000 rules in all: what is
 * latched to one of those meets the policy in force from then on.
 */
export function keepPolicy(kept: KeptPolicies | undefined, rules: PolicyRules): KeptPolicies {
  const known = kept === undefined ? [] : [kept.current, ...kept.former].filter(({ number }) => number !== 0);
  const equal = known.find((one) => sameRules(one.rules, rules));
  const last = kept?.lastNumber ?? 0;
  const number = rules.size === 0 ? 0 : (equal?.number ?? nextNumber(last, known));
  const former: NumberedPolicy[] = [];
  let size = rules.size;
  for (const one of known) {
    if (one === equal) continue;
    size += one.rules.size;
    if (former.length === MOST_FORMER || size > MOST_RULES) break;
    former.push(one);
  }
  return { current: { number, rules }, former, lastNumber: equal === undefined && number !== 0 ? number : last };
}

function nextNumber(last: number, known: readonly NumberedPolicy[]): number {
  let number = last;
  do number = (number % HIGHEST) + 1;
  while (known.some((one) => one.number === number));
  return number;
}

/** Chains that are asked for are named by what they say. */
function sameRules(a: PolicyRules, b: PolicyRules): boolean {
  return PLACES.every(
    (place) =>
      a.lists[place].length === b.lists[place].length && a.lists[place].every((one, i) => one === b.lists[place][i]),
  );
}
