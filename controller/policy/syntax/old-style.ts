/**
 * Policy entries in the style of Solaris 8: source and destination in place of local and remote, one direction an entry. What
 * that style cannot say is told.
 */

import { dottedMask } from '../dotted-mask.js';
import { parsePolicyDocument, type AlternativeText, type EntryItem, type Pair } from './policy-document.js';
import type { PropertyKey, SelectorKey } from './policy-document.js';
import { printPolicyDocument } from './print-policy.js';

type Way = 'in' | 'out';

/** Either the entries, outbound first, or what has no old form. */
export type OldEntries = { readonly entries: readonly EntryItem[] } | { readonly without: string };

/** One entry's text in old style, an entry an item; `undefined` for what has no old form or is no single entry. */
export function inOldStyle(text: string): readonly string[] | undefined {
  const { items } = parsePolicyDocument(`${text}\n`, '').document;
  const [item, ...more] = items;
  if (item?.kind !== 'entry' || more.length > 0) return undefined;
  const old = oldStyleOf(item);
  return 'entries' in old ? old.entries.map((entry) => printPolicyDocument({ items: [entry] }).trimEnd()) : undefined;
}

/** An entry that is in old style already stays as it is. */
export function oldStyleOf(entry: EntryItem): OldEntries {
  const { pattern, alternatives } = entry;
  const [only, ...others] = alternatives;
  if (only === undefined || others.length > 0) return { without: 'alternatives (`or`)' };
  if (pattern.some(({ key }) => key === 'tunnel' || key === 'negotiate')) return { without: 'tunnels' };
  if (isOld(entry, only)) return { entries: [entry] };
  const odd = pattern.find(({ key }) => OLD_KEYS.has(key));
  if (odd !== undefined) return { without: `${odd.key} beside ${only.action}` };
  const ways = waysOf(pattern, only);
  // What has no direction loads nothing, and is left as it is.
  if (ways.length === 0) return { entries: [entry] };
  const { comment, ...bare } = entry;
  return {
    entries: ways.map((way, at) => ({
      ...bare,
      pattern: pattern.flatMap((pair) => turned(pair, way)),
      alternatives: [action(only, way)],
      ...(at === 0 && comment !== undefined && { comment }),
    })),
  };
}

const OLD_KEYS: ReadonlySet<SelectorKey> = new Set([
  ...(['saddr', 'src', 'srcaddr', 'daddr', 'dst', 'dstaddr', 'sport', 'dport', 'smask', 'dmask'] as const),
]);

/** Old style says its direction among the properties, or by `apply` and `permit`. */
function isOld({ pattern }: EntryItem, { action: word, properties }: AlternativeText): boolean {
  if (pattern.some(({ key }) => NEW_KEYS.has(key) || key === 'dir')) return false;
  return word === 'apply' || word === 'permit' || properties.some(({ key }) => key === 'dir');
}

const NEW_KEYS: ReadonlySet<SelectorKey> = new Set([
  ...(['laddr', 'local', 'raddr', 'remote', 'lport', 'rport'] as const),
]);

/** The first letters of a direction count, and the last direction (ipsecconf.c). */
function waysOf(pattern: readonly Pair<SelectorKey>[], { action: word, properties }: AlternativeText): readonly Way[] {
  if (word === 'apply') return ['out'];
  if (word === 'permit') return ['in'];
  const said =
    properties.findLast(({ key }) => key === 'dir')?.value ?? pattern.findLast(({ key }) => key === 'dir')?.value;
  if (said === undefined) return word === 'ipsec' ? ['out', 'in'] : [];
  if (said.startsWith('in')) return ['in'];
  return said.startsWith('out') ? ['out'] : ['out', 'in'];
}

/** What goes out has our side as its source, what comes in the other. */
function turned(pair: Pair<SelectorKey>, way: Way): readonly Pair<SelectorKey>[] {
  const { key, value, at } = pair;
  const near = way === 'out' ? SOURCE : DESTINATION;
  const far = way === 'out' ? DESTINATION : SOURCE;
  switch (key) {
    case 'laddr':
    case 'local':
      return addressed(near, value, at);
    case 'raddr':
    case 'remote':
      return addressed(far, value, at);
    case 'lport':
      return [{ key: near.port, value, at }];
    case 'rport':
      return [{ key: far.port, value, at }];
    case 'dir':
      return [];
    default:
      return [pair];
  }
}

interface End {
  readonly address: SelectorKey;
  readonly mask: SelectorKey;
  readonly port: SelectorKey;
}

const SOURCE: End = { address: 'saddr', mask: 'smask', port: 'sport' };
const DESTINATION: End = { address: 'daddr', mask: 'dmask', port: 'dport' };

/** A prefix of IPv4 as a netmask: lengths behind an address came later. A mask without any bit is refused, and a length taken. */
function addressed(end: End, value: string, at: Pair<SelectorKey>['at']): readonly Pair<SelectorKey>[] {
  const [, address, digits] = /^([^:/]+)\/(\d+)$/.exec(value) ?? [];
  // A whole address needs neither.
  if (address !== undefined && /^\d+(\.\d+){3}\/32$/.test(value)) return [{ key: end.address, value: address, at }];
  const mask = digits === undefined ? undefined : dottedMask(Number(digits));
  if (address === undefined || mask === undefined) return [{ key: end.address, value, at }];
  return [
    { key: end.address, value: address, at },
    { key: end.mask, value: mask, at },
  ];
}

/** `sa shared` is what permit has without a word, and what Solaris 8 takes with apply alone. */
function action({ action: word, properties, at }: AlternativeText, way: Way): AlternativeText {
  const rest = properties.filter(({ key }) => key !== 'dir');
  const direction: Pair<PropertyKey> = { key: 'dir', value: way, at };
  if (word === 'bypass' || word === 'pass')
    return { action: 'bypass', properties: [...rest.filter(({ key }) => key !== 'sa'), direction], at };
  if (word === 'drop') return { action: word, properties: [...rest.filter(({ key }) => key !== 'sa'), direction], at };
  if (way === 'out') return { action: 'apply', properties: rest, at };
  return { action: 'permit', properties: rest.filter(({ key, value }) => key !== 'sa' || value !== 'shared'), at };
}
