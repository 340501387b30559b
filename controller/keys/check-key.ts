/** Whether key material may be used: the right size, and none of the values that give no protection. */

import type { Secret } from '../model/secret.js';
import { sizeAlgorithm } from './suite.js';

/** What a key is for: a PSK, or an algorithm in the words of ipsecalgs(1M). */
export type KeyUse =
  | { readonly kind: 'psk' }
  | { readonly kind: 'encr'; readonly algorithm: string }
  | { readonly kind: 'auth'; readonly algorithm: string };

/** Shortest PSK that is taken: what RFC 4868 asks of a key for the PRF of SHA-256, halved for keys made elsewhere. */
const SHORTEST_PSK_BITS = 128;

/** Weak (4) and semi-weak (12) DES keys with odd parity, NIST SP 800-67 rev. 2 §3.3.2. */
const WEAK_DES = new Set([
  '0101010101010101',
  'fefefefefefefefe',
  'e0e0e0e0f1f1f1f1',
  '1f1f1f1f0e0e0e0e',
  '011f011f010e010e',
  '1f011f010e010e01',
  '01e001e001f101f1',
  'e001e001f101f101',
  '01fe01fe01fe01fe',
  'fe01fe01fe01fe01',
  '1fe01fe00ef10ef1',
  'e01fe01ff10ef10e',
  '1ffe1ffe0efe0efe',
  'fe1ffe1ffe0efe0e',
  'e0fee0fef1fef1fe',
  'fee0fee0fef1fef1',
]);

/** Why the key may not be used, or `undefined` when it may. Never says anything of its value. */
export function checkKey(use: KeyUse, secret: Secret): string | undefined {
  const bytes = secret.reveal();
  if (use.kind === 'psk') {
    if (secret.bits < SHORTEST_PSK_BITS)
      return `a PSK of ${secret.bits} bits is too short: ${SHORTEST_PSK_BITS} at least`;
    return repeats(bytes) ? 'it is one byte over and over' : undefined;
  }
  const sized = sizeAlgorithm(use.kind, use.algorithm);
  if ('reason' in sized) return sized.reason;
  const { algorithm } = sized;
  const bits = secret.bits - algorithm.saltBits;
  const onStep = algorithm.stepBits === 0 || (bits - algorithm.minBits) % algorithm.stepBits === 0;
  if (algorithm.maxBits === 0) return `${algorithm.name} takes no key`;
  if (
    bits < Math.max(sized.lowBits, algorithm.minBits) ||
    bits > Math.min(sized.highBits, algorithm.maxBits) ||
    !onStep
  ) {
    return `${secret.bits} bits is not a key length of ${use.algorithm}`;
  }
  const des = algorithm.name === 'des-cbc' || algorithm.name === '3des-cbc' ? checkDes(bytes) : undefined;
  return repeats(bytes) ? 'it is one byte over and over' : des;
}

function repeats(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === bytes[0]);
}

/**
 * Each 8 bytes a DES key: odd parity, because the kernel corrects it and would then list another key than was sent;
 * not weak; and no two alike, which makes 3DES a single DES (ipseckey refuses such keys with diagnostic 47).
 */
function checkDes(bytes: Uint8Array): string | undefined {
  const parts = Array.from({ length: bytes.length / 8 }, (_, i) => bytes.subarray(8 * i, 8 * i + 8));
  const hex = parts.map((part) => Buffer.from(part).toString('hex'));
  if (parts.some((part) => part.some((byte) => oddParity(byte) !== byte))) return 'its parity bits are wrong';
  if (hex.some((part) => WEAK_DES.has(part))) return 'it holds a weak DES key';
  return new Set(hex).size < hex.length ? 'two of its three DES keys are alike' : undefined;
}

/** The byte with its lowest bit set so that the number of ones is odd. */
export function oddParity(byte: number): number {
  let ones = 0;
  for (let bit = 1; bit < 8; bit++) ones += (byte >> bit) & 1;
  return (byte & 0xfe) | (ones % 2 === 0 ? 1 : 0);
}
