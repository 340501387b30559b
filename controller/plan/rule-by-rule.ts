/** How a host that cannot replace its policy at once comes to the wanted one: which commands, and what traffic notices meanwhile. */

import type { Address } from '../model/address.js';
import type { LoadedRule, PolicySyntax, RuleChange } from '../model/policy.js';
import { loadOrders, type LoadOrder } from '../policy/load-order.js';
import type { NameTables } from '../policy/name-tables.js';
import { STOCK_NAMES } from '../policy/stock-names.js';
import { betweenPolicies, type InBetween } from '../proof/between-policies.js';
import { flowChangeSummaries, type FlowChangeSummary, type Naming } from './flow-changes.js';
import type { RulesInForce } from './loaded-rules.js';

export interface RuleByRule {
  /** In this order: a run of additions is one file for `ipsecconf -a`, a deletion one `ipsecconf -d`. Absent: the host rebuilds. */
  readonly changes?: readonly RuleChange[];
  /** In the clear for a moment, and neither before nor after. `after` is the moment. */
  readonly gaps: readonly FlowChangeSummary[];
  /** Refused for a moment, or protected as neither before nor after. */
  readonly interruptions: readonly FlowChangeSummary[];
}

export interface RuleByRuleInput {
  readonly host: string;
  readonly now: RulesInForce;
  /** As the new file loads them. */
  readonly wanted: readonly LoadedRule[];
  readonly names: NameTables | undefined;
  readonly syntax: PolicySyntax;
  readonly naming: Naming;
}

export function ruleByRule({ host, now, wanted, names, syntax, naming }: RuleByRuleInput): RuleByRule {
  const rebuilt: RuleByRule = { gaps: [], interruptions: [] };
  if (now.unread.length > 0) return rebuilt;
  const orders = loadOrders({ loaded: now.rules, wanted, names: names ?? STOCK_NAMES, syntax });
  const best = leastNoticed(orders, now.rules, wanted, naming.addresses);
  if (best === undefined) return rebuilt;
  return {
    changes: best.order.changes,
    gaps: flowChangeSummaries(best.between.gaps, host, naming),
    interruptions: flowChangeSummaries(best.between.interruptions, host, naming),
  };
}

interface Judged {
  readonly order: LoadOrder;
  readonly between: InBetween;
}

/** The first without a gap; of those with gaps the one with the fewest. */
function leastNoticed(
  orders: readonly LoadOrder[],
  before: readonly LoadedRule[],
  after: readonly LoadedRule[],
  own: readonly Address[],
): Judged | undefined {
  let best: Judged | undefined;
  for (const order of orders) {
    const between = betweenPolicies(before, after, order.played, own);
    if (best === undefined || between.gaps.length < best.between.gaps.length) best = { order, between };
    if (between.gaps.length === 0) break;
  }
  return best;
}

/** What a plan says of it. */
export function ruleByRuleWords(
  { changes, gaps, interruptions }: RuleByRule,
  { unread, uncertain }: Pick<RulesInForce, 'unread' | 'uncertain'>,
): string[] {
  if (changes === undefined) {
    const why =
      unread.length > 0 ? 'some of the loaded rules cannot be read' : 'no order of single changes leads there';
    return [
      `the rules cannot be changed one by one (${why}): the host rebuilds its policy under a cover, and what no rule meets until then is dropped, not sent in the clear`,
    ];
  }
  const commands = changes.filter(({ kind }, at) => kind === 'delete' || changes[at - 1]?.kind !== 'add').length;
  const said = [
    ...gaps.map(({ flows }) => `in the clear for a moment, while rules are changed one by one: ${told(flows)}`),
    ...interruptions.map(
      ({ flows, after }) => `${MOMENT[after.kind]}, while rules are changed one by one: ${told(flows)}`,
    ),
  ];
  const count = `${commands} ${commands === 1 ? 'run' : 'runs'} of ipsecconf`;
  const many = commands > MANY ? ['see that so many runs of ipsecconf fit into settings.confirmWindowSeconds'] : [];
  const guess =
    uncertain && changes.some(({ kind }) => kind === 'delete')
      ? [
          'the loaded rules are not those of the installed file: this holds if they were loaded in the order they are listed',
        ]
      : [];
  const quiet = `rules are changed one by one in ${count}: at each moment a packet is treated as before or as after`;
  return [...(said.length > 0 ? said : [quiet]), ...guess, ...many];
}

/** A run takes some hundredths of a second, on old machines a tenth. */
const MANY = 200;

const MOMENT: Readonly<Record<FlowChangeSummary['after']['kind'], string>> = {
  refused: 'dropped for a moment',
  protected: 'taken under protection only, for a moment',
  either: 'taken protected or not, for a moment',
  clear: 'taken unprotected only, for a moment',
};

const MOST_FLOWS = 4;

function told(flows: readonly string[]): string {
  const more = flows.length - MOST_FLOWS;
  return `${flows.slice(0, MOST_FLOWS).join('; ')}${more > 0 ? ` and ${more} more` : ''}`;
}
