/**
 * Which of a host's rules come into question for one remote address, as a number that is the same wherever they say the same:
 * two hosts of one template differ in addresses and not in this.
 */

import { hostPrefix, prefixContains, type Address } from '../model/address.js';
import type { Direction, LoadedRule } from '../model/policy.js';
import { rulesInOrder } from '../policy/partition.js';

/** Texts to small numbers: equal texts, equal numbers. */
export class Numbers<T> {
  readonly #known = new Map<string, number>();
  readonly values: T[] = [];

  of(key: string, make: () => T): number {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const number = this.values.length;
    this.#known.set(key, number);
    this.values.push(make());
    return number;
  }
}

/** Rules without their addresses, in the order they are tried. */
export type Tried = readonly LoadedRule[];

/** Shared by all hosts of a comparison. */
export interface RuleNumbers {
  readonly rules: Numbers<LoadedRule>;
  readonly lists: Numbers<Tried>;
}

export function ruleNumbers(): RuleNumbers {
  return { rules: new Numbers(), lists: new Numbers() };
}

interface Placed {
  readonly place: number;
  readonly rule: number;
}

/**
 * Answers for one local address and direction: the number in `numbers.lists` of the rules that packets to or from a remote
 * address can meet. Rules of one exact remote address are looked up, so that a long list of peers costs nothing.
 */
export function rulesAt(
  rules: readonly LoadedRule[],
  dir: Direction,
  local: Address,
  numbers: RuleNumbers,
): (remote: Address) => number {
  const general: Placed[] = [];
  const wide: { readonly placed: Placed; readonly rule: LoadedRule }[] = [];
  const exact = new Map<bigint, Placed[]>();
  const whole = hostPrefix(local);
  for (const [place, rule] of rulesInOrder(rules, dir, local.family).entries()) {
    const { selector } = rule;
    if (selector.local !== undefined && !prefixContains(selector.local, whole)) continue;
    const placed = { place, rule: numbers.rules.of(sayingOf(rule), () => withoutAddresses(rule)) };
    if (selector.remote === undefined) general.push(placed);
    else if (selector.remote.length < whole.length) wide.push({ placed, rule });
    else addTo(exact, selector.remote.address.value, placed);
  }
  const usual = listNumber(general, numbers);
  return (remote) => {
    const own = exact.get(remote.value) ?? [];
    const wider = wide.flatMap(({ placed, rule }) => (covers(rule, remote) ? [placed] : []));
    if (own.length === 0 && wider.length === 0) return usual;
    return listNumber(
      [...general, ...wider, ...own].sort((a, b) => a.place - b.place),
      numbers,
    );
  };
}

function addTo(map: Map<bigint, Placed[]>, key: bigint, placed: Placed): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [placed]);
  else known.push(placed);
}

function covers({ selector }: LoadedRule, remote: Address): boolean {
  return selector.remote !== undefined && prefixContains(selector.remote, hostPrefix(remote));
}

function listNumber(placed: readonly Placed[], { rules, lists }: RuleNumbers): number {
  const key = placed.map(({ rule }) => rule).join();
  return lists.of(key, () => placed.flatMap(({ rule }) => rules.values[rule] ?? []));
}

/** All that a rule says apart from addresses. */
function sayingOf({ dir, family, selector, actions }: LoadedRule): string {
  const { protocol, localPort, remotePort, icmpType, icmpCode } = selector;
  const icmp = icmpType === undefined && icmpCode === undefined ? '' : JSON.stringify([icmpType, icmpCode]);
  return `${dir}${family} ${protocol ?? ''} ${localPort ?? ''} ${remotePort ?? ''} ${icmp} ${actions.map((action) => JSON.stringify(action)).join()}`;
}

function withoutAddresses(rule: LoadedRule): LoadedRule {
  const { local: _local, remote: _remote, ...selector } = rule.selector;
  return { ...rule, selector };
}
