/** Finds hosts by what a link, test or limit calls them: a name, a group, a range or a pattern. */

import type { SourcePosition } from '../errors.js';
import { isPattern, matchesPattern } from './name.js';
import { problemError, type Report } from './problem-list.js';
import { expandRanges, hasRange } from './range.js';
import { nearest } from './suggest.js';

export interface Directory {
  /** In inventory order. */
  readonly hosts: ReadonlySet<string>;
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

/** Names of hosts that `text` means, in inventory order, or `undefined` when it means nothing. */
export function findHosts(directory: Directory, text: string): readonly string[] | undefined {
  const group = directory.groups.get(text);
  if (group !== undefined) return group;
  if (isPattern(text)) {
    const inGroups = new Set<string>();
    let isKnown = false;
    for (const [name, members] of directory.groups) {
      if (!matchesPattern(text, name)) continue;
      isKnown = true;
      members.forEach((member) => inGroups.add(member));
    }
    const found = [...directory.hosts].filter((name) => inGroups.has(name) || matchesPattern(text, name));
    return isKnown || found.length > 0 ? found : undefined;
  }
  if (!hasRange(text)) return directory.hosts.has(text) ? [text] : undefined;
  const expanded = expandRanges(text);
  if (expanded.kind === 'wrong') return undefined;
  const wanted = new Set(expanded.values);
  const found = [...directory.hosts].filter((name) => wanted.has(name));
  return found.length === wanted.size ? found : undefined;
}

/** The known name that `text` may have meant. */
export function nearestName(directory: Directory, text: string): string | undefined {
  return nearest(text, [...directory.groups.keys(), ...directory.hosts]);
}

export function reportUnknown(directory: Directory, text: string, at: SourcePosition, report: Report): void {
  const match = nearestName(directory, text);
  const what = isPattern(text) ? `no host or group matches "${text}"` : `there is no host or group "${text}"`;
  report(
    problemError(
      'UNKNOWN_NAME',
      at,
      what,
      match === undefined ? 'add it, or correct the name' : `did you mean "${match}"?`,
    ),
  );
}
