/** The ESP algorithms of ipsecalgs(1M): names, aliases, key lengths, and what is wrong with the old ones. */

export interface Algorithm {
  /** The name we write, followed by all its aliases. */
  readonly names: readonly string[];
  /** Key lengths in bits, shortest first. A length is written only where there is a choice. */
  readonly lengths: readonly number[];
  /** Cipher and integrity in one; runs in counter mode, where one key may never start twice (RFC 4106). */
  readonly isCombined?: true;
  readonly weakness?: string;
}

const AES = [128, 192, 256];
const SWEET32 = 'has 64-bit blocks, so a busy key leaks plaintext after some gigabytes (Sweet32)';

export const CIPHERS: readonly Algorithm[] = [
  { names: ['aes', 'aes-cbc'], lengths: AES },
  { names: ['aes-gcm16', 'aes-gcm'], lengths: AES, isCombined: true },
  { names: ['aes-gcm12'], lengths: AES, isCombined: true },
  { names: ['aes-gcm8'], lengths: AES, isCombined: true },
  { names: ['aes-ccm16', 'aes-ccm'], lengths: AES, isCombined: true },
  { names: ['aes-ccm12'], lengths: AES, isCombined: true },
  { names: ['aes-ccm8'], lengths: AES, isCombined: true },
  { names: ['blowfish', 'blowfish-cbc'], lengths: [128], weakness: SWEET32 },
  { names: ['3des', '3des-cbc'], lengths: [192], weakness: SWEET32 },
  { names: ['des', 'des-cbc'], lengths: [64], weakness: 'has a 56-bit key that can be found by trying them all' },
  { names: ['null', 'none'], lengths: [], weakness: 'gives no secrecy: everybody on the path can read the traffic' },
];

export const INTEGRITIES: readonly Algorithm[] = [
  { names: ['sha256', 'hmac-sha256', 'sha-256', 'hmac-sha-256'], lengths: [256] },
  { names: ['sha384', 'hmac-sha384', 'sha-384', 'hmac-sha-384'], lengths: [384] },
  { names: ['sha512', 'hmac-sha512', 'sha-512', 'hmac-sha-512'], lengths: [512] },
  {
    names: ['sha1', 'hmac-sha1', 'sha', 'sha-1', 'hmac-sha', 'hmac-sha-1'],
    lengths: [160],
    weakness: 'is a dated hash on its way out (MUST- in RFC 8221)',
  },
  { names: ['md5', 'hmac-md5'], lengths: [128], weakness: 'is a broken hash (MUST NOT in RFC 8221)' },
];

export type AlgorithmReading =
  | { readonly kind: 'algorithm'; readonly algorithm: Algorithm; readonly text: string }
  | { readonly kind: 'unknown'; readonly name: string }
  | { readonly kind: 'bad-length'; readonly algorithm: Algorithm; readonly length: number };

/** Reads `aes(256)` in any case and by any alias. Without a length the longest key is meant: `aes` is `aes(256)`. */
export function readAlgorithm(text: string, table: readonly Algorithm[]): AlgorithmReading {
  const match = /^([a-z0-9-]+)(?:\((\d{1,5})\))?$/.exec(text.trim().toLowerCase());
  const algorithm = table.find(({ names }) => names.includes(match?.[1] ?? ''));
  if (algorithm === undefined) return { kind: 'unknown', name: match?.[1] ?? text };
  const [name = ''] = algorithm.names;
  const length = match?.[2] === undefined ? algorithm.lengths.at(-1) : Number(match[2]);
  if (length !== undefined && !algorithm.lengths.includes(length)) return { kind: 'bad-length', algorithm, length };
  return { kind: 'algorithm', algorithm, text: algorithm.lengths.length > 1 ? `${name}(${length})` : name };
}
