/**
 * The kernel's SA database as an immutable value: two tables, the order within them, pairs and removal.
 * Source: illumos inet/ip/sadb.c (sadb_insertassoc, get_ipsa_pair, sadb_delget_sa, sadb_dump).
 */

import { sameAddress, type Address } from '../../model/address.js';
import { SA_TYPE, type SaName, type SecurityAssociation } from '../../model/sa.js';
import { DIAGNOSTIC, type Diagnostic } from './sad-diagnostics.js';

/** Lists in search order. An SA whose direction cannot be told is one value standing in both. */
export interface Sad {
  readonly outbound: readonly SecurityAssociation[];
  readonly inbound: readonly SecurityAssociation[];
}

export const EMPTY_SAD: Sad = { outbound: [], inbound: [] };

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

export interface SadResult {
  readonly sad: Sad;
  readonly answer: SadAnswer;
}

export function answered(sad: Sad, answer: SadAnswer): SadResult {
  return { sad, answer };
}

export function invalid(sad: Sad, diagnostic: Diagnostic): SadResult {
  return { sad, answer: { kind: 'invalid', diagnostic } };
}

const unspecified = (address: Address): boolean => address.value === 0n;

/** Tables are cut into 256 buckets by what x86 takes for the lowest byte of a number in network order. */
export function outboundBucket(sa: SecurityAssociation): number {
  const { family, value } = sa.dst.address;
  if (family === 4) return Number(value >> 24n);
  return [120n, 88n, 56n, 24n].reduce((sum, shift) => sum ^ Number((value >> shift) & 255n), 0);
}

export function inboundBucket(sa: SecurityAssociation): number {
  return sa.spi >>> 24;
}

/** At the head, so that the newest is found first; one without source goes after those that have one. */
export function insert(
  list: readonly SecurityAssociation[],
  sa: SecurityAssociation,
  bucket: (sa: SecurityAssociation) => number,
): readonly SecurityAssociation[] {
  if (!unspecified(sa.src.address)) return [sa, ...list];
  const same = (other: SecurityAssociation): boolean =>
    other.type === sa.type && other.dst.address.family === sa.dst.address.family && bucket(other) === bucket(sa);
  const before = list.findIndex((other) => same(other) && unspecified(other.src.address));
  const at = before >= 0 ? before : list.findLastIndex(same) + 1;
  return [...list.slice(0, at), sa, ...list.slice(at)];
}

/** By type, SPI and destination; a source given on both sides must agree as well. */
export function findSa(list: readonly SecurityAssociation[], name: SaName): SecurityAssociation | undefined {
  return list.find(
    (sa) =>
      sa.type === name.type &&
      sa.spi === name.spi &&
      name.dst !== undefined &&
      sameAddress(sa.dst.address, name.dst) &&
      (name.src === undefined ||
        unspecified(name.src) ||
        unspecified(sa.src.address) ||
        sameAddress(sa.src.address, name.src)),
  );
}

export interface Located {
  readonly sa: SecurityAssociation;
  readonly pair: SecurityAssociation | undefined;
}

/** The SA of a name, and the other half of its pair: the same addresses turned round, in the other table. */
export function locate(sad: Sad, name: SaName): Located | undefined {
  const tables = name.inbound ? [sad.inbound, sad.outbound] : [sad.outbound, sad.inbound];
  for (const table of tables) {
    const sa = findSa(table, name);
    if (sa === undefined) continue;
    if ((sa.inbound && sa.outbound) || sa.pairSpi === undefined) return { sa, pair: undefined };
    const other = table === sad.inbound ? sad.outbound : sad.inbound;
    const reversed = { type: sa.type, spi: sa.pairSpi, src: sa.dst.address, dst: sa.src.address, inbound: false };
    return { sa, pair: findSa(other, reversed) };
  }
  return undefined;
}

export function replaceSa(sad: Sad, old: SecurityAssociation, changed: SecurityAssociation): Sad {
  const swap = (sa: SecurityAssociation): SecurityAssociation => (sa === old ? changed : sa);
  return { outbound: sad.outbound.map(swap), inbound: sad.inbound.map(swap) };
}

function without(sad: Sad, gone: SecurityAssociation): Sad {
  const stays = (sa: SecurityAssociation): boolean => sa !== gone;
  return { outbound: sad.outbound.filter(stays), inbound: sad.inbound.filter(stays) };
}

/** Links two SAs of opposite directions. A target that is already paired is left as it is, and that is no error. */
export function pair(sad: Sad, sa: SecurityAssociation, pairSpi: number): Sad | undefined {
  if (pairSpi === sa.spi) return undefined;
  const name = { type: sa.type, spi: sa.spi, src: sa.src.address, dst: sa.dst.address, inbound: sa.inbound };
  const linked = { ...sa, pairSpi };
  const linkedSad = replaceSa(sad, sa, linked);
  const target = locate(linkedSad, name)?.pair;
  if (target === undefined) return undefined;
  if ((target.inbound && target.outbound) || target.pairSpi !== undefined) return sad;
  return replaceSa(linkedSad, target, { ...target, pairSpi: sa.spi });
}

export function getSa(sad: Sad, name: SaName): SadResult {
  if (name.dst === undefined) return invalid(sad, DIAGNOSTIC.missingDestination);
  const found = locate(sad, name);
  return answered(
    sad,
    found === undefined ? { kind: 'absent', diagnostic: DIAGNOSTIC.absent } : { kind: 'done', sa: found.sa },
  );
}

/** Deleting one of a pair leaves the other alone; `withPair` takes both, and complains when there is no other. */
export function deleteSa(sad: Sad, name: SaName, withPair: boolean): SadResult {
  if (name.dst === undefined) return invalid(sad, DIAGNOSTIC.missingDestination);
  const found = locate(sad, name);
  if (found === undefined) return answered(sad, { kind: 'absent', diagnostic: DIAGNOSTIC.absent });
  const rest = without(sad, found.sa);
  if (found.pair === undefined) {
    return withPair
      ? answered(rest, { kind: 'absent', diagnostic: DIAGNOSTIC.pairAbsent })
      : answered(rest, { kind: 'done', sa: found.sa });
  }
  const left = withPair
    ? without(rest, found.pair)
    : replaceSa(rest, found.pair, { ...found.pair, pairSpi: undefined });
  return answered(left, { kind: 'done', sa: found.sa });
}

/** Type 0 empties every table. */
export function flushSas(sad: Sad, type: number): Sad {
  const stays = (sa: SecurityAssociation): boolean => type !== SA_TYPE.all && sa.type !== type;
  return { outbound: sad.outbound.filter(stays), inbound: sad.inbound.filter(stays) };
}

/** Every SA once, in the order of SADB_DUMP: AH then ESP, IPv4 then IPv6, outbound then inbound, bucket by bucket. */
export function listSas(sad: Sad, type: number): readonly SecurityAssociation[] {
  const inOrder = (
    list: readonly SecurityAssociation[],
    bucket: (sa: SecurityAssociation) => number,
  ): readonly SecurityAssociation[] => list.toSorted((a, b) => bucket(a) - bucket(b));
  const all = [
    ...inOrder(sad.outbound, outboundBucket),
    ...inOrder(
      sad.inbound.filter((sa) => !sa.outbound),
      inboundBucket,
    ),
  ];
  return all
    .filter((sa) => type === SA_TYPE.all || sa.type === type)
    .toSorted((a, b) => a.type - b.type || a.dst.address.family - b.dst.address.family);
}

/** Seconds after which the kernel's ager has taken away what is dead. */
const REAP_SECONDS = 8;

export function withoutDead(sad: Sad, now: number): Sad {
  const stays = (sa: SecurityAssociation): boolean => !sa.dead || now - sa.addedAt <= REAP_SECONDS;
  return { outbound: sad.outbound.filter(stays), inbound: sad.inbound.filter(stays) };
}
