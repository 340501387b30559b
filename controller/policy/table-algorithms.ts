/** The algorithms that an ipsecalgs table gives a host, as rules and keys know them. Owns what its numbers and flags mean. */

import { ALGORITHMS, type Algorithm, type AlgorithmKind, type Strength } from './algorithms.js';
import type { AlgorithmItem, AlgsDocument, KeySizes } from './parse-ipsecalgs.js';

/** Cipher and integrity in one (net/pfpolicy.h, ALG_FLAG_COMBINED). */
const COMBINED_FLAG = 0x04;

/**
 * The algorithms of a table as rules know them, in the order of their kinds and numbers. Entries of number 0 stand for
 * `any` and `none` and are left out. Key sizes are those of the table: a host's cryptographic framework may have fewer.
 */
export function algorithmsOf({ items }: AlgsDocument): Algorithm[] {
  const found = items.flatMap((item) => (item.kind === 'algorithm' && item.number !== 0 ? algorithmOf(item) : []));
  return found.sort((a, b) => (a.kind === b.kind ? a.number - b.number : a.kind < b.kind ? -1 : 1));
}

/** Numbers of the protocols in the ISAKMP domain of interpretation (RFC 2407 §4.4.1). */
const KINDS: ReadonlyMap<number, AlgorithmKind> = new Map([
  [2, 'auth'],
  [3, 'encr'],
]);

function algorithmOf(item: AlgorithmItem): Algorithm[] {
  const kind = KINDS.get(item.protocol);
  if (kind === undefined) return [];
  const [name, ...aliases] = item.names;
  const combined = ((item.flags ?? 0) & COMBINED_FLAG) !== 0;
  const saltBits = combined ? (item.parameters?.[2] ?? 0) * 8 : 0;
  const { number } = item;
  const lengths = lengthsOf(item.keySizes);
  return [{ kind, number, name, aliases, ...lengths, combined, saltBits, strength: strengthOf(kind, item) }];
}

function lengthsOf(sizes: KeySizes): Pick<Algorithm, 'defaultBits' | 'minBits' | 'maxBits' | 'stepBits'> {
  if (sizes.kind === 'range') {
    const { defaultBits, minBits, maxBits, stepBits } = sizes;
    return { defaultBits, minBits, maxBits, stepBits };
  }
  const sorted = sizes.bits.toSorted((a, b) => a - b);
  const minBits = sorted[0] ?? 0;
  const maxBits = sorted.at(-1) ?? 0;
  const steps = sorted.slice(1).map((bits, i) => bits - (sorted[i] ?? 0));
  const stepBits = steps.filter((step) => step > 0).reduce((a, b) => Math.min(a, b), maxBits - minBits);
  return { defaultBits: sizes.bits[0] ?? 0, minBits, maxBits, stepBits };
}

/** What we do not know we do not vouch for. */
function strengthOf(kind: AlgorithmKind, { names, number, mechanism }: AlgorithmItem): Strength {
  const known = ALGORITHMS.find((one) => one.kind === kind && one.number === number && names.includes(one.name));
  return known?.strength ?? (mechanism === '-' ? 'none' : 'weak');
}
