/** What a change of policy means on one host: the rules in force found out, and the flows that are treated otherwise. */

import type { LoadedRule, PolicySyntax } from '../model/policy.js';
import type { Adapter } from '../platform/adapter.js';
import type { NameTables } from '../policy/name-tables.js';
import { TangledPolicy } from '../policy/partition.js';
import { predictLoad } from '../policy/predict-load.js';
import { semanticDiff } from '../proof/semantic-diff.js';
import { flowChangeSummaries, type Naming } from './flow-changes.js';
import type { HostPlan } from './host-plan.js';
import { rulesInForce, type RulesInForce } from './loaded-rules.js';
import { ruleByRule, ruleByRuleWords } from './rule-by-rule.js';

/** What a host has now. */
export interface Installed {
  /** Its own listing, canonical. */
  readonly listing: readonly string[];
  /** Text of its policy file, where it was read. */
  readonly text: string | undefined;
  readonly naming: (Naming & { readonly tables?: NameTables | undefined }) | undefined;
  /** In which its policy is written; default new. */
  readonly syntax?: PolicySyntax | undefined;
}

const NAMELESS: Naming = { nameOf: () => undefined, addresses: [] };

/** To be put in words, of rules that are known from a listing alone. */
const MOST_REGIONS = 2500;

/** Nothing is made light of: a push has to be asked for as one that may put something in the clear (run/prove-change.ts). */
export const TANGLED =
  'the rules that the host says it has loaded overlap too much to be compared: which flows change, and which come to be in the clear, is not known';

/** `rules`: what the host will have loaded. */
export function policyChange(
  host: string,
  rules: readonly LoadedRule[],
  { listing, text, naming }: Installed,
): Pick<HostPlan, 'loaded' | 'flowChanges' | 'flowNotes'> {
  const now = inForce(listing, rules, text, naming?.tables);
  if (now.rules === rules) return { loaded: listing, flowChanges: [], flowNotes: [] };
  try {
    const changes = semanticDiff(now.rules, rules);
    if (now.uncertain && changes.reduce((sum, { regions }) => sum + regions.length, 0) > MOST_REGIONS)
      throw new TangledPolicy();
    const flowChanges = flowChangeSummaries(changes, host, naming ?? NAMELESS);
    return { loaded: listing, flowChanges, flowNotes: notes(now, rules, flowChanges.length > 0) };
  } catch (error) {
    if (!(error instanceof TangledPolicy)) throw error;
    return { loaded: listing, flowChanges: [], flowNotes: [TANGLED] };
  }
}

/** The plan with the commands that change the policy, on a host that cannot replace it at once. */
export function withSteps(
  host: string,
  rules: readonly LoadedRule[],
  { listing, text, naming, syntax = 'new' }: Installed,
  { replacesPolicy }: Adapter,
  plan: HostPlan,
): HostPlan {
  if (replacesPolicy === 'at-once' || !plan.steps.includes('policy')) return plan;
  const now = inForce(listing, rules, text, naming?.tables);
  const changed = ruleByRule({
    ...{ host, now, wanted: rules, syntax },
    names: naming?.tables,
    naming: naming ?? NAMELESS,
  });
  return { ...plan, ruleByRule: changed, gaps: [...ruleByRuleWords(changed, now), ...plan.gaps] };
}

function inForce(
  listing: readonly string[],
  rules: readonly LoadedRule[],
  text: string | undefined,
  tables: NameTables | undefined,
): RulesInForce {
  return rulesInForce(listing, likely());

  function* likely(): Iterable<readonly LoadedRule[]> {
    yield rules;
    if (text !== undefined) yield predictLoad(text, tables).rules;
  }
}

function notes(now: RulesInForce, rules: readonly LoadedRule[], changes: boolean): readonly string[] {
  const said: string[] = [];
  if (now.uncertain && changes)
    said.push(
      'the loaded rules are not those of the installed file: flows are worked out as if they were loaded in one run, in the order listed',
    );
  if (now.unread.length > 0)
    said.push(`${now.unread.length} loaded rules could not be read, and are left out of flows`);
  if ([...now.rules, ...rules].some(({ tunnel }) => tunnel !== undefined))
    said.push('rules of tunnels are not part of flows: look at the text');
  return said;
}
