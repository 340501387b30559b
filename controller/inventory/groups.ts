/** Who is in which group, nested groups resolved, and in which order a host's groups count. */

import { positionText, type SourcePosition } from '../errors.js';
import type { Entry } from './check-shape.js';
import { checkName, isPattern, matchesPattern } from './name.js';
import { problemError, problemWarning, type Report } from './problem-list.js';
import { expandRanges } from './range.js';
import type { GroupShape } from './schema.js';
import { positionOf } from './source-tree.js';
import { suggestion } from './suggest.js';

/** A host as far as groups care. */
export interface Member {
  readonly name: string;
  readonly listed: readonly string[];
}

export interface Groups {
  /** A host's groups, weakest first. */
  readonly of: ReadonlyMap<string, readonly string[]>;
  readonly members: ReadonlyMap<string, readonly string[]>;
}

/**
 * A host's groups, weakest first: those that name the host, in the order of the file, then those the host lists, in
 * its order; each one preceded by the groups it is a child of.
 */
export function resolveGroups(
  groups: readonly Entry<GroupShape>[],
  hosts: readonly Member[],
  broken: ReadonlySet<string>,
  report: Report,
): Groups {
  const known = groups.filter((group) => checkName('a group', group.name, group.at, report));
  const parents = parentsOf(known, broken, report);
  const naming = groupsNaming(known, hosts, broken, report);
  const chains = new Map<string, readonly string[]>();
  const of = new Map<string, readonly string[]>();
  const members = new Map<string, string[]>(known.map((group) => [group.name, []]));
  for (const host of hosts) {
    const named = (naming.get(host.name) ?? []).filter((group) => !host.listed.includes(group));
    const direct = [...named, ...host.listed];
    const identity = direct.join(' ');
    const chain = chains.get(identity) ?? withParents(direct, parents);
    chains.set(identity, chain);
    of.set(host.name, chain);
    for (const group of chain) members.get(group)?.push(host.name);
  }
  if (broken.size === 0) {
    for (const group of known) {
      if (members.get(group.name)?.length !== 0) continue;
      const todo = `list it in the groups of a host, or name hosts in groups.${group.name}.hosts`;
      report(problemWarning('EMPTY_GROUP', group.at, `no host is in group "${group.name}"`, todo));
    }
  }
  return { of, members };
}

function withParents(direct: readonly string[], parents: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const order = new Set<string>();
  const add = (group: string): void => {
    if (order.has(group)) return;
    parents.get(group)?.forEach(add);
    order.add(group);
  };
  direct.forEach(add);
  return [...order];
}

/** Child to parents, in the order of the file, without the edges that would close a circle. */
function parentsOf(
  groups: readonly Entry<GroupShape>[],
  broken: ReadonlySet<string>,
  report: Report,
): ReadonlyMap<string, readonly string[]> {
  const names = new Map(groups.map((group) => [group.name, group.at]));
  const parents = new Map<string, string[]>();
  for (const group of groups) {
    group.value.children?.forEach((child, i) => {
      const at = positionOf(group.node, ['children', i]);
      if (!names.has(child)) {
        if (!broken.has(child)) report(unknownGroup(child, at, names));
        return;
      }
      const path = pathUp(group.name, child, parents);
      if (path !== undefined) {
        const what = `group "${child}" would be inside itself: ${[...path, child].join(' → ')}`;
        report(problemError('GROUP_CYCLE', at, what, 'remove one of these children'));
        return;
      }
      const above = parents.get(child) ?? [];
      if (!above.includes(group.name)) parents.set(child, [...above, group.name]);
    });
  }
  return parents;
}

/** The way from `from` up through its parents to `to`, outermost first. */
function pathUp(
  from: string,
  to: string,
  parents: ReadonlyMap<string, readonly string[]>,
  seen = new Set<string>(),
): readonly string[] | undefined {
  if (from === to) return [from];
  if (seen.has(from)) return undefined;
  seen.add(from);
  for (const parent of parents.get(from) ?? []) {
    const above = pathUp(parent, to, parents, seen);
    if (above !== undefined) return [...above, from];
  }
  return undefined;
}

/** Host to the groups whose `hosts:` names it. */
function groupsNaming(
  groups: readonly Entry<GroupShape>[],
  hosts: readonly Member[],
  broken: ReadonlySet<string>,
  report: Report,
): ReadonlyMap<string, readonly string[]> {
  const names = new Set(hosts.map((host) => host.name));
  const naming = new Map<string, string[]>();
  for (const group of groups) {
    group.value.hosts?.forEach((text, i) => {
      const at = positionOf(group.node, ['hosts', i]);
      for (const name of namedHosts(text, names, broken, at, report)) {
        const already = naming.get(name) ?? [];
        if (!already.includes(group.name)) naming.set(name, [...already, group.name]);
      }
    });
  }
  return naming;
}

function namedHosts(
  text: string,
  names: ReadonlySet<string>,
  broken: ReadonlySet<string>,
  at: SourcePosition,
  report: Report,
): readonly string[] {
  const matching = (among: ReadonlySet<string>): string[] => [...among].filter((name) => matchesPattern(text, name));
  if (isPattern(text)) {
    const found = matching(names);
    if (found.length === 0 && matching(broken).length === 0) {
      report(problemError('NO_MATCH', at, `no host matches "${text}"`, 'name a host, or remove the entry'));
    }
    return found;
  }
  const expanded = expandRanges(text);
  if (expanded.kind === 'wrong') {
    report(problemError('BAD_RANGE', at, `"${text}": ${expanded.why}`, 'write a range such as web[01:20]'));
    return [];
  }
  for (const name of expanded.values) {
    if (names.has(name) || broken.has(name)) continue;
    const todo = suggestion(name, names, 'add it under "hosts:"');
    report(problemError('UNKNOWN_HOST', at, `there is no host "${name}"`, todo));
    break;
  }
  return expanded.values.filter((name) => names.has(name));
}

export function unknownGroup(
  name: string,
  at: SourcePosition,
  known: ReadonlyMap<string, SourcePosition>,
): ReturnType<typeof problemError> {
  const todo = suggestion(name, known.keys(), `add it under "groups:"`);
  return problemError('UNKNOWN_GROUP', at, `there is no group "${name}"`, todo);
}

/** A name that is both a host's and a group's would leave `links:` in doubt. */
export function reportSharedNames(
  hosts: ReadonlyMap<string, SourcePosition>,
  groups: readonly Entry<GroupShape>[],
  report: Report,
): void {
  for (const group of groups) {
    const host = hosts.get(group.name);
    if (host === undefined) continue;
    const what = `"${group.name}" is also the name of a host, at ${positionText(host)}`;
    report(problemError('NAME_TWICE', group.at, what, 'rename one of the two'));
  }
}
