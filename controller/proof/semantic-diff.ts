/**
 * Which flows a host treats otherwise under one policy than under another: exact over every packet of both directions and
 * families. Rules of tunnels are apart from the host's and not compared.
 */

import type { Direction, Family, LoadedRule } from '../model/policy.js';
import { joined } from '../policy/join-regions.js';
import { divide, Effort, rulesInOrder, slices } from '../policy/partition.js';
import { everything, prefixRange, type AddressRange, type Region } from '../policy/region.js';
import { usual } from './usual-region.js';
import { isExposed, treatmentKey, treatmentOf, type Treatment } from './treatment.js';

export interface FlowChange {
  readonly direction: Direction;
  readonly family: Family;
  readonly before: Treatment;
  readonly after: Treatment;
  /**
   * Disjoint; `local` is the side of the host that has the policies. All boxes of a remote address have the same range of
   * remote addresses: `joined` makes fewer of them.
   */
  readonly regions: readonly Region[];
  /** Packets that the same two rules decide, addresses and ports as usual as there are any. */
  readonly example: Region;
  /** What decides the example; absent where no rule matches. */
  readonly ruleBefore?: LoadedRule;
  readonly ruleAfter?: LoadedRule;
  /** Protected before, and in the clear or readable after. */
  readonly exposed: boolean;
}

/** Some seconds of work; a mesh of thousands of links takes a hundredth. */
const MOST_EFFORT = 3_000_000;
/** Of joining a difference to the others, in units of looking at a rule. */
const JOINING = 200;

/**
 * Worst first. Empty = every packet is treated alike.
 * @throws TangledPolicy when the rules overlap too much: those that a host says it has loaded may be made for that
 */
export function semanticDiff(before: readonly LoadedRule[], after: readonly LoadedRule[]): readonly FlowChange[] {
  const changes: FlowChange[] = [];
  const effort = new Effort(MOST_EFFORT);
  for (const direction of ['out', 'in'] as const)
    for (const family of [4, 6] as const) changes.push(...changesOf(before, after, direction, family, effort));
  return changes.toSorted((a, b) => rank(a) - rank(b));
}

function rank({ exposed, before, after }: FlowChange): number {
  if (exposed) return after.kind === 'protected' ? 1 : 0;
  if (before.kind === 'refused' && after.kind !== 'refused') return 2;
  if (after.kind === 'refused') return 3;
  return before.kind === 'protected' ? 4 : 5;
}

/** A part of the packets between any local address and the remote ones of a slice that is treated otherwise. */
interface Difference {
  readonly key: string;
  readonly before: Treatment;
  readonly after: Treatment;
  /** Its remote addresses are a stand-in. */
  readonly region: Region;
  /** Places among the rules tried. */
  readonly placeBefore: number;
  readonly placeAfter: number;
}

interface Found extends Pick<Difference, 'before' | 'after'> {
  readonly regions: Region[];
  example: Example;
}

interface Example {
  readonly region: Region;
  readonly ruleBefore: LoadedRule | undefined;
  readonly ruleAfter: LoadedRule | undefined;
}

function changesOf(
  before: readonly LoadedRule[],
  after: readonly LoadedRule[],
  direction: Direction,
  family: Family,
  effort: Effort,
): readonly FlowChange[] {
  const lists = [before, after].map((rules) => rulesInOrder(rules, direction, family));
  const sayings = numbered(lists.flat());
  const say = (rules: readonly LoadedRule[]): string => rules.map((rule) => sayings.get(rule)).join();
  // Within a slice a rule's own remote addresses no longer count, so slices with alike rules differ alike: one look serves a whole mesh.
  const known = new Map<string, readonly Difference[]>();
  const found = new Map<string, Found>();
  for (const { remote, tried } of slices(lists, family, {}, effort)) {
    const [old = [], next = []] = tried;
    const [oldSays, nextSays] = [say(old), say(next)];
    if (oldSays === nextSays) continue;
    const key = `${oldSays} ${nextSays}`;
    const differences =
      known.get(key) ?? fewest(differencesOf(old, next, direction, everything(family, undefined, remote), effort));
    known.set(key, differences);
    for (const one of differences) {
      const region = { ...one.region, remote };
      const { before: was, after: is, placeBefore, placeAfter } = one;
      const example = { region, ruleBefore: old[placeBefore], ruleAfter: next[placeAfter] };
      const same = found.get(one.key);
      if (same === undefined) found.set(one.key, { before: was, after: is, regions: [region], example });
      else {
        same.regions.push(region);
        if (usual(region) > usual(same.example.region)) same.example = example;
      }
    }
  }
  return [...found.values()].map(({ regions, example, before: was, after: is }): FlowChange => {
    const { region, ruleBefore, ruleAfter } = example;
    return {
      direction,
      family,
      before: was,
      after: is,
      regions,
      example: region,
      ...(ruleBefore && { ruleBefore }),
      ...(ruleAfter && { ruleAfter }),
      exposed: isExposed(was, is),
    };
  });
}

/** A number for each rule: the same where all that counts is the same. */
function numbered(rules: readonly LoadedRule[]): ReadonlyMap<LoadedRule, number> {
  const texts = new Map<string, number>();
  const numbers = new Map<LoadedRule, number>();
  for (const rule of rules) {
    const said = sayingOf(rule);
    const number = texts.get(said) ?? texts.size;
    texts.set(said, number);
    numbers.set(rule, number);
  }
  return numbers;
}

/** All of a rule that counts where its remote addresses are given. */
function sayingOf(rule: LoadedRule): string {
  const { local, protocol, localPort, remotePort, icmpType, icmpCode } = rule.selector;
  const range = local && prefixRange(local);
  return [
    range && rangeKey(range),
    protocol,
    localPort,
    remotePort,
    icmpType && `${icmpType.from}-${icmpType.to}`,
    icmpCode && `${icmpCode.from}-${icmpCode.to}`,
    treatmentKey(treatmentOf(rule, rule.dir)),
  ].join(' ');
}

function rangeKey({ from, to }: AddressRange): string {
  return `${from}-${to}`;
}

/** Joined as far as the same two rules decide: done once for all slices that differ alike. */
function fewest(differences: readonly Difference[]): readonly Difference[] {
  const groups = new Map<string, [Difference, ...Difference[]]>();
  for (const one of differences) {
    const key = `${one.placeBefore} ${one.placeAfter}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [one]);
    else known.push(one);
  }
  return [...groups.values()].flatMap((group) =>
    joined(group.map(({ region }) => region)).map((region): Difference => ({ ...group[0], region })),
  );
}

function differencesOf(
  old: readonly LoadedRule[],
  next: readonly LoadedRule[],
  direction: Direction,
  boxes: readonly Region[],
  effort: Effort,
): readonly Difference[] {
  const differences: Difference[] = [];
  for (const cell of divide(old, boxes, effort)) {
    const before = treatmentOf(cell.rule, direction);
    for (const { region, rule } of divide(next, [cell.region], effort)) {
      const after = treatmentOf(rule, direction);
      if (treatmentKey(before) === treatmentKey(after)) continue;
      effort.spend(JOINING);
      differences.push({
        key: `${treatmentKey(before)} → ${treatmentKey(after)}`,
        before,
        after,
        region,
        placeBefore: cell.rule === undefined ? -1 : old.indexOf(cell.rule),
        placeAfter: rule === undefined ? -1 : next.indexOf(rule),
      });
    }
  }
  return differences;
}
