/**
 * Adding an SA and changing its limits: direction, collisions, pairing.
 * Source: illumos inet/ip/sadb.c (sadb_common_add, sadb_update_sa), ipsecesp.c (esp_add_sa_finish).
 */

import type { Address } from '../../model/address.js';
import { NO_LIMITS, SA_TYPE, type Lifetime, type SaMessage, type SecurityAssociation } from '../../model/sa.js';
import { checkEnvelope, checkLifetimes, checkNewSa, fixAddresses } from './sad-checks.js';
import { DIAGNOSTIC } from './sad-diagnostics.js';
import { insertSa, invalid, locate, pair, replaceSa, type SadAnswer, type SadDraft } from './sad.js';

export interface KernelSurroundings {
  readonly addresses: readonly Address[];
  /** Seconds since 1970. */
  readonly now: number;
}

/** Outer protocol that an inner family asks for: IP in IP (4), IPv6 in IP (41). */
const TUNNEL_PROTOCOL = { 4: 4, 6: 41 } as const;

export function addSa(sad: SadDraft, message: SaMessage, host: KernelSurroundings): SadAnswer {
  const envelope = checkEnvelope(message);
  if (envelope !== undefined) return invalid(envelope);
  const fixed = fixAddresses(message, host.addresses);
  if (typeof fixed === 'number') return invalid(fixed);
  const keys = checkNewSa(message);
  if (typeof keys === 'number') return invalid(keys);
  const tables = directionOf(message, fixed);
  const both = tables.inbound && tables.outbound;
  if (both && message.pairSpi !== undefined) return invalid(DIAGNOSTIC.pairUnsuitable);
  const wanted = fixed.inner === undefined ? undefined : TUNNEL_PROTOCOL[fixed.inner.src.address.family];
  if (wanted !== undefined && message.protocol !== 0 && message.protocol !== wanted) {
    return { kind: 'protocol' };
  }
  const sa: SecurityAssociation = {
    type: message.type,
    spi: message.spi,
    pairSpi: undefined,
    auth: message.auth,
    encr: message.encr,
    replayWindow: fixed.srcKind === 'unspecified' ? 0 : message.replayWindow,
    replayValue: message.replayValue ?? 0,
    ...tables,
    dead: false,
    used: false,
    hard: kept(message.hard),
    soft: shortened(kept(message.soft), tables.outbound && !both),
    idle: kept(message.idle),
    ...keys,
    srcId: message.srcId,
    dstId: message.dstId,
    protocol: wanted ?? message.protocol,
    src: fixed.src,
    dst: message.dst,
    inner: fixed.inner === undefined ? undefined : { ...fixed.inner, protocol: message.inner?.protocol ?? 0 },
    natLocal: message.natLocal,
    natRemote: message.natRemote,
    addedAt: host.now,
  };
  if (!insertSa(sad, sa)) return { kind: 'exists' };
  if (message.pairSpi === undefined || pair(sad, sa, message.pairSpi)) return { kind: 'done', sa };
  replaceSa(sad, { ...sa, dead: true });
  return invalid(DIAGNOSTIC.pairUnsuitable);
}

/** By flag, else by addresses: to us = in, from us = out, cannot tell = both. */
function directionOf(
  message: SaMessage,
  { srcKind, dstKind }: Exclude<ReturnType<typeof fixAddresses>, number>,
): { inbound: boolean; outbound: boolean } {
  if (message.inbound || message.outbound) return { inbound: message.inbound, outbound: message.outbound };
  if (dstKind === 'multicast') return { inbound: true, outbound: true };
  if (dstKind === 'me') return { inbound: true, outbound: srcKind !== 'not-me' };
  return { inbound: srcKind !== 'me', outbound: true };
}

const ALL_ONES = 2n ** 64n - 1n;

/** A 64-bit limit with every bit set counts as none. */
function kept(limits: Lifetime | undefined): Lifetime {
  if (limits === undefined) return NO_LIMITS;
  const limit = (value: bigint): bigint => (value === ALL_ONES ? 0n : value);
  return {
    allocations: limits.allocations,
    bytes: limit(limits.bytes),
    addSeconds: limit(limits.addSeconds),
    useSeconds: limit(limits.useSeconds),
  };
}

/** Outbound SAs expire softly 8–23 s early, by chance, so that two ends do not renew at once; here always 8. */
function shortened(soft: Lifetime, outboundOnly: boolean): Lifetime {
  if (!outboundOnly || soft.addSeconds === 0n) return soft;
  return { ...soft, addSeconds: BigInt.asUintN(64, soft.addSeconds - 8n) };
}

/** `update`, `update-pair`: limits and pairing of an SA that is there. Keys cannot be changed. */
export function updateSa(sad: SadDraft, message: SaMessage, withPair: boolean, host: KernelSurroundings): SadAnswer {
  const envelope = checkEnvelope(message);
  if (envelope !== undefined) return invalid(envelope);
  if (message.type === SA_TYPE.ah && message.encrKey !== undefined) return invalid(DIAGNOSTIC.cipherKeyPresent);
  const fixed = fixAddresses(message, host.addresses);
  if (typeof fixed === 'number') return invalid(fixed);
  const name = { ...message, src: fixed.src.address, dst: message.dst.address };
  const found = locate(sad, name);
  if (found === undefined) return { kind: 'absent', diagnostic: DIAGNOSTIC.absent };
  if (message.authKey !== undefined) return invalid(DIAGNOSTIC.authKeyPresent);
  if (message.encrKey !== undefined) return invalid(DIAGNOSTIC.cipherKeyPresent);
  if (message.state !== 'mature') return invalid(DIAGNOSTIC.badState);
  if (message.inner !== undefined) return invalid(DIAGNOSTIC.badFlags);
  const lifetimes = checkLifetimes(message.hard, message.soft, message.idle);
  if (lifetimes !== undefined) return invalid(lifetimes);
  if (message.replayValue !== undefined) return invalid(DIAGNOSTIC.badState);
  const changed = withLimits(found.sa, message, true);
  replaceSa(sad, changed);
  if (withPair) {
    if (found.pair === undefined) return { kind: 'absent', diagnostic: DIAGNOSTIC.pairAbsent };
    replaceSa(sad, withLimits(found.pair, message, false));
  }
  if (message.pairSpi === undefined || pair(sad, changed, message.pairSpi)) return { kind: 'done', sa: changed };
  return invalid(DIAGNOSTIC.pairUnsuitable);
}

/** Zero leaves a limit as it was; a soft limit is cut to the hard one. */
function withLimits(sa: SecurityAssociation, { hard, soft, idle }: SaMessage, fuzzy: boolean): SecurityAssociation {
  const set = (old: Lifetime, given: Lifetime | undefined): Lifetime => ({
    allocations: given?.allocations || old.allocations,
    bytes: given?.bytes || old.bytes,
    addSeconds: given?.addSeconds || old.addSeconds,
    useSeconds: given?.useSeconds || old.useSeconds,
  });
  const newHard = set(sa.hard, hard);
  const least = (wanted: bigint, limit: bigint): bigint => (wanted > limit ? limit : wanted);
  const cutSoft = soft && {
    ...soft,
    bytes: least(soft.bytes, newHard.bytes),
    useSeconds: least(soft.useSeconds, newHard.useSeconds),
  };
  const newSoft = set(sa.soft, cutSoft);
  return {
    ...sa,
    hard: newHard,
    soft: soft === undefined ? sa.soft : shortened(newSoft, fuzzy),
    idle: set(sa.idle, idle),
  };
}
