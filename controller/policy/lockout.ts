/**
 * Whether a policy would cut off SSH from the management addresses: clear TCP to the SSH port in, and the clear
 * answer out. Exact over whole prefixes and every remote port, by the order in which the kernel tries its rules.
 */

import { formatPrefix, hostPrefix, prefixContains, type Address, type Prefix } from '../model/address.js';
import type { Direction, LoadedRule } from '../model/policy.js';
import { isDoubtful, protectionsOf } from './match-flow.js';
import { TCP } from './match-selector.js';
import { difference, intersection, networkOf } from './prefix-set.js';

/** A part of a management prefix that is cut off, and the rule that does it. */
export interface LockOut {
  readonly source: Prefix;
  readonly direction: Direction;
  readonly rule: LoadedRule;
}

/** Empty = a new SSH connection passes from every management source to every one of the host's addresses. */
export function lockedOut(
  rules: readonly LoadedRule[],
  hostAddresses: readonly Address[],
  management: readonly Prefix[],
  sshPort: number,
): LockOut[] {
  const found = new Map<string, LockOut>();
  for (const local of hostAddresses) {
    for (const direction of ['in', 'out'] as const) {
      const tried = rulesTried(rules, direction, local, sshPort);
      for (const source of management) {
        if (source.address.family !== local.family) continue;
        for (const cut of cutsOf(tried, source)) {
          found.set(`${formatPrefix(cut.source)} ${direction} ${cut.rule.index}`, cut);
        }
      }
    }
  }
  return [...found.values()];
}

/** Rules that SSH at this address can meet, in the order they are tried: by priority, equals as given. */
function rulesTried(
  rules: readonly LoadedRule[],
  direction: Direction,
  local: Address,
  sshPort: number,
): readonly LoadedRule[] {
  return rules
    .filter(({ dir, tunnel, selector }) => {
      if (dir !== direction || tunnel !== undefined || selector.family !== local.family) return false;
      if (selector.protocol !== undefined && selector.protocol !== TCP) return false;
      if (selector.localPort !== undefined && selector.localPort !== sshPort) return false;
      return selector.local === undefined || prefixContains(selector.local, hostPrefix(local));
    })
    .toSorted((a, b) => b.priority - a.priority);
}

/** A remote port that some rule names behaves apart from the others; `undefined` stands for all the others. */
function cutsOf(tried: readonly LoadedRule[], source: Prefix): LockOut[] {
  const ports = new Set<number | undefined>([undefined, ...tried.map(({ selector }) => selector.remotePort)]);
  return [...ports].flatMap((port) => {
    const cuts: LockOut[] = [];
    let left: readonly Prefix[] = [networkOf(source)];
    for (const rule of tried) {
      const { remote, remotePort } = rule.selector;
      if (remotePort !== undefined && remotePort !== port) continue;
      const met = left.flatMap((part) => (remote === undefined ? [part] : (intersection(part, remote) ?? [])));
      if (met.length === 0) continue;
      if (!passesClear(rule)) cuts.push(...met.map((part) => ({ source: part, direction: rule.dir, rule })));
      left = remote === undefined ? [] : left.flatMap((part) => difference(part, remote));
      if (left.length === 0) break;
    }
    return cuts;
  });
}

/** Whether clear packets pass for certain. Inbound a bypass that is not first may not count, so it does not here. */
function passesClear(rule: LoadedRule): boolean {
  if (rule.dir === 'in') return rule.actions.some(({ kind }) => kind === 'bypass') && !isDoubtful(rule);
  return rule.actions[0]?.kind !== 'discard' && protectionsOf(rule).length === 0;
}
