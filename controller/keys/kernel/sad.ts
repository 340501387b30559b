/**
 * The kernel's SA database: what is there, pairs, removal and the order of listings. A command works on a draft of its
 * own, in place, so that a file of many SAs is read in one pass.
 * Source: illumos inet/ip/sadb.c (sadb_insertassoc, get_ipsa_pair, sadb_delget_sa, sadb_dump).
 */

import { sameAddress, type Address } from '../../model/address.js';
import { SA_TYPE, type SaName, type SecurityAssociation } from '../../model/sa.js';
import { DIAGNOSTIC, type Diagnostic } from './sad-diagnostics.js';

/**
 * SAs by type, SPI and destination, which no two share, in the order they were added. An SA is in the outbound or the
 * inbound table, as it is marked; one whose direction cannot be told is in both.
 */
export type Sad = ReadonlyMap<string, SecurityAssociation>;

export type SadDraft = Map<string, SecurityAssociation>;

export const EMPTY_SAD: Sad = new Map();

/** How the kernel answers: done, or the errno it gives with its diagnostic. */
export type SadAnswer =
  | { readonly kind: 'done'; readonly sa: SecurityAssociation | undefined }
  | { readonly kind: 'invalid'; readonly diagnostic: Diagnostic }
  /** ESRCH. */
  | { readonly kind: 'absent'; readonly diagnostic: Diagnostic }
  /** EEXIST. */
  | { readonly kind: 'exists' }
  /** EPROTOTYPE: outer protocol and inner family do not go together. */
  | { readonly kind: 'protocol' };

export function invalid(diagnostic: Diagnostic): SadAnswer {
  return { kind: 'invalid', diagnostic };
}

function absent(diagnostic: Diagnostic): SadAnswer {
  return { kind: 'absent', diagnostic };
}

const unspecified = (address: Address): boolean => address.value === 0n;

function keyOf(type: number, spi: number, { family, value }: Address): string {
  return `${type} ${spi} ${family} ${value.toString(16)}`;
}

/** Adds an SA. False when there is one of its type, SPI and destination, in whichever table. */
export function insertSa(sad: SadDraft, sa: SecurityAssociation): boolean {
  const key = keyOf(sa.type, sa.spi, sa.dst.address);
  if (sad.has(key)) return false;
  sad.set(key, sa);
  return true;
}

/** Puts a changed SA in the place of the one it was. */
export function replaceSa(sad: SadDraft, changed: SecurityAssociation): void {
  sad.set(keyOf(changed.type, changed.spi, changed.dst.address), changed);
}

function removeSa(sad: SadDraft, { type, spi, dst }: SecurityAssociation): void {
  sad.delete(keyOf(type, spi, dst.address));
}

/** By type, SPI and destination; a source given on both sides must agree as well. */
function findSa(sad: Sad, { type, spi, src, dst }: SaName): SecurityAssociation | undefined {
  const sa = dst && sad.get(keyOf(type, spi, dst));
  if (sa === undefined || src === undefined || unspecified(src) || unspecified(sa.src.address)) return sa;
  return sameAddress(sa.src.address, src) ? sa : undefined;
}

export interface Located {
  readonly sa: SecurityAssociation;
  readonly pair: SecurityAssociation | undefined;
}

/** The SA of a name, and the other half of its pair. */
export function locate(sad: Sad, name: SaName): Located | undefined {
  const sa = findSa(sad, name);
  return sa && { sa, pair: sa.pairSpi === undefined ? undefined : halfOf(sad, sa, sa.pairSpi) };
}

/** The other half of a pair has the same addresses turned round, and is in the other table. */
function halfOf(sad: Sad, sa: SecurityAssociation, pairSpi: number): SecurityAssociation | undefined {
  if (sa.inbound && sa.outbound) return undefined;
  const reversed = { type: sa.type, spi: pairSpi, src: sa.dst.address, dst: sa.src.address, inbound: false };
  const half = findSa(sad, reversed);
  return half !== undefined && (sa.inbound ? half.outbound : half.inbound) ? half : undefined;
}

/** Links two SAs of opposite directions. A target that is already paired is left as it is, and that is no error. */
export function pair(sad: SadDraft, sa: SecurityAssociation, pairSpi: number): boolean {
  if (pairSpi === sa.spi) return false;
  const target = halfOf(sad, sa, pairSpi);
  if (target === undefined) return false;
  if ((target.inbound && target.outbound) || target.pairSpi !== undefined) return true;
  replaceSa(sad, { ...sa, pairSpi });
  replaceSa(sad, { ...target, pairSpi: sa.spi });
  return true;
}

export function getSa(sad: Sad, name: SaName): SadAnswer {
  if (name.dst === undefined) return invalid(DIAGNOSTIC.missingDestination);
  const found = locate(sad, name);
  return found === undefined ? absent(DIAGNOSTIC.absent) : { kind: 'done', sa: found.sa };
}

/** Deleting one of a pair leaves the other alone; `withPair` takes both, and complains when there is no other. */
export function deleteSa(sad: SadDraft, name: SaName, withPair: boolean): SadAnswer {
  if (name.dst === undefined) return invalid(DIAGNOSTIC.missingDestination);
  const found = locate(sad, name);
  if (found === undefined) return absent(DIAGNOSTIC.absent);
  removeSa(sad, found.sa);
  if (found.pair === undefined) return withPair ? absent(DIAGNOSTIC.pairAbsent) : { kind: 'done', sa: found.sa };
  if (withPair) removeSa(sad, found.pair);
  else replaceSa(sad, { ...found.pair, pairSpi: undefined });
  return { kind: 'done', sa: found.sa };
}

/** Type 0 empties every table. */
export function flushSas(sad: SadDraft, type: number): void {
  for (const [key, sa] of sad) if (type === SA_TYPE.all || sa.type === type) sad.delete(key);
}

/** Tables are cut into 256 buckets by what x86 takes for the lowest byte of a number in network order. */
function outboundBucket(sa: SecurityAssociation): number {
  const { family, value } = sa.dst.address;
  if (family === 4) return Number(value >> 24n);
  return [120n, 88n, 56n, 24n].reduce((sum, shift) => sum ^ Number((value >> shift) & 255n), 0);
}

function inboundBucket(sa: SecurityAssociation): number {
  return sa.spi >>> 24;
}

/**
 * Every SA once, in the order of SADB_DUMP: AH then ESP, IPv4 then IPv6, outbound then inbound, bucket by bucket. In a
 * bucket, which is searched in the same order, those with a source come before those without, and each newest first.
 */
export function listSas(sad: Sad, type: number): readonly SecurityAssociation[] {
  const newestFirst = [...sad.values()].filter((sa) => type === SA_TYPE.all || sa.type === type).reverse();
  const places = newestFirst.map((sa) => ({
    sa,
    order: [
      sa.type,
      sa.dst.address.family,
      sa.outbound ? 0 : 1,
      sa.outbound ? outboundBucket(sa) : inboundBucket(sa),
      unspecified(sa.src.address) ? 1 : 0,
    ],
  }));
  return places.sort((a, b) => compare(a.order, b.order)).map(({ sa }) => sa);
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((one, i) => one !== b[i]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

/** Seconds after which the kernel's ager has taken away what is dead. */
const REAP_SECONDS = 8;

/** What is still there. */
export function withoutDead(sad: Sad, now: number): Sad {
  return new Map([...sad].filter(([, sa]) => !sa.dead || now - sa.addedAt <= REAP_SECONDS));
}
