/** The links that an operator names: `web1-db1`, or a host, group or pattern for all of theirs. */

import { OperatorError } from '../errors.js';
import type { Inventory, Link } from '../model/host.js';
import { selectHosts } from './select.js';
import { suggestion } from './suggest.js';

/**
 * In inventory order, each once; no word means all.
 * @throws OperatorError NO_SUCH_LINK, or as `selectHosts`
 */
export function chooseLinks(inventory: Inventory, words: readonly string[]): readonly Link[] {
  if (words.length === 0) return inventory.links;
  const byId = new Map(inventory.links.map((link) => [link.id, link] as const));
  const chosen = new Set<Link>();
  for (const word of words) {
    const pair = pairNamed(word, byId);
    if (pair !== undefined) {
      chosen.add(pair);
      continue;
    }
    const found = linksOfHosts(inventory, word);
    if (found.length === 0) {
      throw new OperatorError('NO_SUCH_LINK', {
        what: `no link of the inventory has an end that "${word}" names`,
        todo: 'name another host, or two ends as web1-db1',
      });
    }
    for (const link of found) chosen.add(link);
  }
  return inventory.links.filter((link) => chosen.has(link));
}

/** Names may have hyphens themselves: the first hyphen that parts the word into the ends of a link counts. */
function pairNamed(word: string, byId: ReadonlyMap<string, Link>): Link | undefined {
  const own = byId.get(word);
  if (own !== undefined) return own;
  for (let at = word.indexOf('-'); at >= 0; at = word.indexOf('-', at + 1)) {
    const [one, other] = [word.slice(0, at), word.slice(at + 1).replace(/^-/, '')];
    const link = byId.get(`${one}--${other}`) ?? byId.get(`${other}--${one}`);
    if (link !== undefined) return link;
  }
  return undefined;
}

function linksOfHosts(inventory: Inventory, word: string): readonly Link[] {
  let names: ReadonlySet<string>;
  try {
    names = new Set(selectHosts(inventory, word, 'probe').map(({ name }) => name));
  } catch (error) {
    if (!(error instanceof OperatorError) || error.code !== 'LIMIT_NO_MATCH' || !word.includes('-')) throw error;
    throw new OperatorError('NO_SUCH_LINK', {
      what: `"${word}" is no link of the inventory, and no host or group`,
      todo: suggestion(
        word,
        inventory.links.map(({ ends }) => ends.map((end) => (end.kind === 'host' ? end.host : end.name)).join('-')),
        'name two ends as web1-db1, or a host for all of its links',
      ),
      cause: error,
    });
  }
  return inventory.links.filter(({ ends }) => ends.some((end) => end.kind === 'host' && names.has(end.host)));
}
