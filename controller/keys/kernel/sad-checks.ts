/**
 * What the kernel demands of a new SA before it files it, in the kernel's order.
 * Source: illumos keysock.c ext_check(), sadb.c sadb_addrfix(), ipsecah.c ah_add_sa(), ipsecesp.c esp_add_sa().
 */

import { parseAddress, sameAddress, type Address } from '../../model/address.js';
import {
  NO_ALGORITHM,
  NULL_CIPHER,
  SA_TYPE,
  type InnerEnd,
  type KeyMaterial,
  type Lifetime,
  type SaEnd,
  type SaMessage,
} from '../../model/sa.js';
import { Secret } from '../../model/secret.js';
import { algorithmNumbered, type Algorithm } from '../../policy/algorithms.js';
import { correctedDesKey } from './des-keys.js';
import { DIAGNOSTIC, type Diagnostic } from './sad-diagnostics.js';

export type AddressKind = 'me' | 'not-me' | 'unspecified' | 'multicast';

/** Addresses as the kernel files them: families made equal, inner prefixes masked. */
export interface FixedAddresses {
  readonly src: SaEnd;
  readonly srcKind: AddressKind;
  readonly dstKind: AddressKind;
  readonly inner:
    | { readonly src: SaEnd & { readonly length: number }; readonly dst: SaEnd & { readonly length: number } }
    | undefined;
}

function addressKind(address: Address, local: readonly Address[]): AddressKind {
  if (address.value === 0n) return 'unspecified';
  const multicast = address.family === 4 ? address.value >> 28n === 0xen : address.value >> 120n === 0xffn;
  if (multicast) return 'multicast';
  return local.some((own) => sameAddress(own, address)) ? 'me' : 'not-me';
}

/** Room for a key as the kernel counts it: whole bytes only, in steps of eight. */
function keyIsMalformed(key: KeyMaterial | undefined): boolean {
  return key !== undefined && (key.bits === 0 || Math.ceil((key.bits >> 3) / 8) * 8 !== key.room);
}

export function checkEnvelope(message: SaMessage): Diagnostic | undefined {
  if (keyIsMalformed(message.encrKey)) return DIAGNOSTIC.malformedCipherKey;
  if (keyIsMalformed(message.authKey)) return DIAGNOSTIC.malformedAuthKey;
  if (message.type === SA_TYPE.all) return DIAGNOSTIC.typeNeeded;
  return message.type === SA_TYPE.ah || message.type === SA_TYPE.esp ? undefined : DIAGNOSTIC.unknownType;
}

export function fixAddresses(message: SaMessage, local: readonly Address[]): FixedAddresses | Diagnostic {
  const { src, dst, inner, natLocal, natRemote } = message;
  const srcKind = addressKind(src.address, local);
  const dstKind = addressKind(dst.address, local);
  if (srcKind === 'multicast') return DIAGNOSTIC.badSource;
  if (dstKind === 'unspecified') return DIAGNOSTIC.badDestination;
  if (natLocal !== undefined) {
    const kind = addressKind(natLocal.address, local);
    if (kind !== 'not-me' && kind !== 'unspecified') return DIAGNOSTIC.malformedNatLocal;
    if (natLocal.address.family !== 4) return DIAGNOSTIC.natLocalFamily;
  }
  if (natRemote !== undefined) {
    const kind = addressKind(natRemote.address, local);
    if (kind !== 'not-me' && !(inner !== undefined && kind === 'unspecified')) return DIAGNOSTIC.malformedNatRemote;
    if (natRemote.address.family !== 4) return DIAGNOSTIC.natRemoteFamily;
  }
  let fixedInner: FixedAddresses['inner'];
  if (inner !== undefined) {
    const innerDst = maskedInner(inner.dst);
    if (innerDst === undefined) return DIAGNOSTIC.innerDestinationPrefix;
    const innerSrc = maskedInner(inner.src);
    if (innerSrc === undefined) return DIAGNOSTIC.innerSourcePrefix;
    if (innerSrc.address.family !== innerDst.address.family) return DIAGNOSTIC.innerFamilies;
    if ((inner.src.port !== 0 || inner.dst.port !== 0) && (src.port !== 0 || dst.port !== 0)) {
      return DIAGNOSTIC.dualPorts;
    }
    fixedInner = { src: innerSrc, dst: innerDst };
  }
  if (src.address.family === dst.address.family) return { src, srcKind, dstKind, inner: fixedInner };
  const any = parseAddress('0.0.0.0');
  // An unspecified IPv6 source stands for "no source given" whatever the destination's family.
  if (src.address.family === 4 || srcKind !== 'unspecified' || any === undefined) return DIAGNOSTIC.familyMismatch;
  return { src: { address: any, port: src.port }, srcKind, dstKind, inner: fixedInner };
}

function maskedInner(end: InnerEnd): (SaEnd & { readonly length: number }) | undefined {
  const { address, port, prefixByte } = end;
  const width = address.family === 4 ? 32 : 128;
  const length = address.family === 4 ? (prefixByte - 96) & 0xff : prefixByte;
  if (length > width) return undefined;
  const shift = BigInt(width - length);
  return { address: { family: address.family, value: (address.value >> shift) << shift }, port, length };
}

/** Keys as the kernel stores them: parity corrected, salt and initial vector cut off. */
export interface AcceptedKeys {
  readonly authKey: { readonly secret: Secret; readonly bits: number } | undefined;
  readonly encrKey: { readonly secret: Secret; readonly bits: number } | undefined;
  readonly salt: Secret | undefined;
}

export function checkNewSa(message: SaMessage): AcceptedKeys | Diagnostic {
  const ah = message.type === SA_TYPE.ah;
  if (ah && message.encrKey !== undefined) return DIAGNOSTIC.cipherKeyPresent;
  if (ah && message.authKey === undefined) return DIAGNOSTIC.missingAuthKey;
  if (!ah && message.encrKey === undefined && message.encr !== NULL_CIPHER) return DIAGNOSTIC.missingCipherKey;
  if (message.state !== 'mature') return DIAGNOSTIC.badState;
  if (!ah && message.encr === NO_ALGORITHM) return DIAGNOSTIC.badCipher;
  if (!ah && message.encr === NULL_CIPHER && message.auth === NO_ALGORITHM) return DIAGNOSTIC.badAuthAlgorithm;
  if (ah && (message.natLocal !== undefined || message.natRemote !== undefined)) return DIAGNOSTIC.badFlags;
  const lifetimes = checkLifetimes(message.hard, message.soft, message.idle);
  if (lifetimes !== undefined) return lifetimes;
  const { authKey, encrKey } = message;
  if (authKey !== undefined) {
    const algorithm = algorithmNumbered('auth', message.auth);
    if (algorithm === undefined) return DIAGNOSTIC.badAuthAlgorithm;
    if (!sizeInRange(algorithm, authKey.bits)) return DIAGNOSTIC.badAuthBits;
  }
  const auth = authKey === undefined ? undefined : { secret: authKey.secret, bits: authKey.bits };
  if (encrKey === undefined) return { authKey: auth, encrKey: undefined, salt: undefined };
  const cipher = checkCipherKey(message.encr, encrKey);
  return typeof cipher === 'number' ? cipher : { authKey: auth, ...cipher };
}

function checkCipherKey(number: number, key: KeyMaterial): Omit<AcceptedKeys, 'authKey'> | Diagnostic {
  const algorithm = algorithmNumbered('encr', number);
  if (algorithm === undefined) return DIAGNOSTIC.badCipher;
  const bits = (key.bits - key.reservedBits - algorithm.saltBits) & 0xffff;
  if (number === NULL_CIPHER || !sizeInRange(algorithm, bits)) return DIAGNOSTIC.badCipherBits;
  const given = key.secret.reveal();
  const bytes = algorithm.name.includes('des') ? correctedDesKey(given.slice(0, bits >> 3)) : given;
  if (bytes === undefined) return DIAGNOSTIC.weakCipherKey;
  if (algorithm.stepBits > 0 && bits % algorithm.stepBits !== 0) return DIAGNOSTIC.cryptoFramework;
  const keyLength = bits >> 3;
  const saltLength = algorithm.saltBits >> 3;
  const salt = saltLength === 0 ? undefined : new Secret(bytes.slice(keyLength, keyLength + saltLength));
  return { encrKey: { secret: new Secret(bytes.slice(0, keyLength)), bits }, salt };
}

/** The kernel looks at the range only; the step is found by the crypto framework. */
function sizeInRange(algorithm: Algorithm, bits: number): boolean {
  return bits >= algorithm.minBits && bits <= algorithm.maxBits;
}

type Quantity = 'allocations' | 'bytes' | 'addSeconds' | 'useSeconds';

/** Only when both a hard and a soft limit are there: a soft (or idle) one may not be later. */
export function checkLifetimes(
  hard: Lifetime | undefined,
  soft: Lifetime | undefined,
  idle: Lifetime | undefined,
): Diagnostic | undefined {
  if (hard === undefined || soft === undefined) return undefined;
  const later = (first: Lifetime, second: Lifetime, quantity: Quantity): boolean =>
    first[quantity] != 0 && second[quantity] != 0 && first[quantity] > second[quantity];
  if (later(soft, hard, 'allocations')) return DIAGNOSTIC.softAllocations;
  if (later(soft, hard, 'bytes')) return DIAGNOSTIC.softBytes;
  if (later(soft, hard, 'addSeconds')) return DIAGNOSTIC.softAddTime;
  if (later(soft, hard, 'useSeconds')) return DIAGNOSTIC.softUseTime;
  if (idle === undefined) return undefined;
  if (later(idle, hard, 'addSeconds') || later(idle, soft, 'addSeconds')) return DIAGNOSTIC.softAddTime;
  return later(idle, hard, 'useSeconds') || later(idle, soft, 'useSeconds') ? DIAGNOSTIC.softUseTime : undefined;
}
