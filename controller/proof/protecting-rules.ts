/** Whether a policy protects anything, and which hosts must have one that does: what the guard against failing open stands on. */

import type { Host, Inventory } from '../model/host.js';
import type { LoadedRule } from '../model/policy.js';
import { parseListedRule } from '../policy/parse-listed-rule.js';

export function isProtecting({ actions }: Pick<LoadedRule, 'actions'>): boolean {
  return actions.some(({ kind }) => kind === 'protect');
}

/** Of a canonical listing. A line that is not understood counts by its words: nothing is called open that may be closed. */
export function isProtectingLine(line: string): boolean {
  const rule = parseListedRule(line);
  return rule === undefined ? /\bipsec\s*\{/.test(line) : isProtecting(rule);
}

/**
 * Links by the hosts that are their ends. Such a host should protect: the link says so, whatever its template does. One that was
 * taken out of all links has nothing to protect any more.
 */
export function linksByHost({ links }: Pick<Inventory, 'links'>): ReadonlyMap<Host['name'], readonly string[]> {
  const named = new Map<string, string[]>();
  for (const { id, ends } of links) {
    for (const end of ends) {
      if (end.kind !== 'host') continue;
      const known = named.get(end.host);
      if (known === undefined) named.set(end.host, [id]);
      else known.push(id);
    }
  }
  return named;
}

/** `link db1--web1`, `links db1--web1, db2--web1 and 3 more`. */
export function linkWords(ids: readonly string[]): string {
  const more = ids.length - MOST_LINKS;
  const told = ids.slice(0, MOST_LINKS).join(', ');
  return `${ids.length === 1 ? 'link' : 'links'} ${told}${more > 0 ? ` and ${more} more` : ''}`;
}

const MOST_LINKS = 2;
