/** Two listings of loaded rules: whether they mean the same, and what is in the one and not in the other. */

import type { LoadedRule } from '../model/policy.js';
import { flowChangeSummaries } from '../plan/flow-changes.js';
import { rulesInForce } from '../plan/loaded-rules.js';
import { TangledPolicy } from '../policy/partition.js';
import { parseListedRule } from '../policy/parse-listed-rule.js';
import { semanticDiff, type FlowChange } from '../proof/semantic-diff.js';
import type { CompareSettings, HostView } from './compare-view.js';

export type RuleDifference =
  | { readonly kind: 'same' }
  | { readonly kind: 'order'; readonly flows: FlowEffect }
  | {
      readonly kind: 'rules';
      /** Each as often as it is wanting or too many. */
      readonly missing: readonly string[];
      readonly extra: readonly string[];
      readonly flows: FlowEffect;
    };

/** What it means for traffic. */
export interface FlowEffect {
  /** `exposed`: what was protected is in the clear; `none`: every packet is treated as before. */
  readonly effect: 'none' | 'other' | 'exposed';
  /** Starts with `: `, or is empty. */
  readonly words: string;
}

const UNKNOWN_FLOWS: FlowEffect = { effect: 'other', words: '' };

export function compareRules(
  wanted: readonly string[],
  loaded: readonly string[],
  view: Pick<HostView, 'host'>,
  settings: Pick<CompareSettings, 'nameOf'>,
): RuleDifference {
  if (isSameList(wanted, loaded)) return { kind: 'same' };
  const missing = without(wanted, loaded);
  const extra = without(loaded, wanted);
  if (missing.length === 0 && extra.length === 0) {
    if (isSameOrder(wanted, loaded)) return { kind: 'same' };
    const flows = flowEffect(wanted, loaded, view, settings);
    return flows.effect === 'none' ? { kind: 'same' } : { kind: 'order', flows };
  }
  return { kind: 'rules', missing, extra, flows: flowEffect(wanted, loaded, view, settings) };
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((rule, i) => rule === b[i]);
}

/** As multisets: a rule for both families is listed twice. */
function without(rules: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const rule of others) left.set(rule, (left.get(rule) ?? 0) + 1);
  return rules.filter((rule) => {
    const number = left.get(rule) ?? 0;
    if (number > 0) left.set(rule, number - 1);
    return number === 0;
  });
}

/** Rules of another class, direction or tunnel never meet in the order of matching (illumos ipsecconf.c, spd.c). */
function isSameOrder(a: readonly string[], b: readonly string[]): boolean {
  const [ours, theirs] = [byClass(a), byClass(b)];
  return [...ours].every(([name, rules]) => isSameList(rules, theirs.get(name) ?? []));
}

function byClass(rules: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const classes = new Map<string, string[]>();
  for (const text of rules) {
    const name = classOf(text);
    classes.set(name, [...(classes.get(name) ?? []), text]);
  }
  return classes;
}

/** The boosts are OR-ed over all alternatives; what cannot be read is a class of its own, in which order counts. */
function classOf(text: string): string {
  const rule = parseListedRule(text);
  if (rule === undefined) return 'unread';
  const { dir, actions, tunnel } = rule;
  const boosts = [
    actions.some((action) => action.kind === 'bypass') ? 'bypass' : '',
    actions.some((action) => action.kind === 'protect' && action.esp !== undefined) ? 'esp' : '',
    actions.some((action) => action.kind === 'protect' && action.ah !== undefined) ? 'ah' : '',
  ];
  return [dir, tunnel?.name ?? '', ...boosts].join(' ');
}

/** Rules of tunnels and unreadable ones are not part of flows: then nothing is said, and nothing is made light of. */
function flowEffect(
  wanted: readonly string[],
  loaded: readonly string[],
  view: Pick<HostView, 'host'>,
  settings: Pick<CompareSettings, 'nameOf'>,
): FlowEffect {
  const [before, after] = [rulesInForce(wanted), rulesInForce(loaded)];
  if (before.unread.length + after.unread.length > 0) return UNKNOWN_FLOWS;
  if ([...before.rules, ...after.rules].some(({ tunnel }) => tunnel !== undefined)) return UNKNOWN_FLOWS;
  return flowsBetween(before.rules, after.rules, view, settings);
}

const MOST_FLOWS = 2;

/** Nothing where the rules overlap too much: a host may have made them so. */
function comparable(before: readonly LoadedRule[], after: readonly LoadedRule[]): readonly FlowChange[] | undefined {
  try {
    return semanticDiff(before, after);
  } catch (error) {
    if (error instanceof TangledPolicy) return undefined;
    throw error;
  }
}

function flowsBetween(
  before: readonly LoadedRule[],
  after: readonly LoadedRule[],
  { host }: Pick<HostView, 'host'>,
  { nameOf = () => undefined }: Pick<CompareSettings, 'nameOf'>,
): FlowEffect {
  const changes = comparable(before, after);
  if (changes === undefined) return UNKNOWN_FLOWS;
  if (changes.length === 0) return { effect: 'none', words: '; no packet is treated otherwise' };
  const summaries = flowChangeSummaries(changes, host.name, { nameOf, addresses: host.addresses });
  const said = summaries
    .slice(0, MOST_FLOWS)
    .map(({ flows, before: was, after: now }) => `${flows[0] ?? 'some traffic'} was ${was.kind} and is ${now.kind}`);
  const more = summaries.length - said.length;
  return {
    effect: changes.some(({ exposed }) => exposed) ? 'exposed' : 'other',
    words: `: ${said.join('; ')}${more > 0 ? `; and ${more} more` : ''}`,
  };
}
