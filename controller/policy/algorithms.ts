/**
 * The algorithm table of a stock illumos host (ipsecalgs(1M), /etc/inet/ipsecalgs), as data.
 * Owns names, numbers and key sizes; knows nothing of how policy or key files write them.
 */

export type AlgorithmKind = 'auth' | 'encr';

/** How much protection an algorithm still gives. */
export type Strength = 'good' | 'weak' | 'broken' | 'none';

export interface Algorithm {
  readonly kind: AlgorithmKind;
  /** Number in PF_KEY (RFC 2367 §3.5), as ipsecalgs lists it. */
  readonly number: number;
  /** The first name, which listings print. */
  readonly name: string;
  readonly aliases: readonly string[];
  /** Key length used when a rule names none. */
  readonly defaultBits: number;
  readonly minBits: number;
  readonly maxBits: number;
  /** Bits between two permitted lengths; 0 when there is only one. */
  readonly stepBits: number;
  /** Cipher and integrity in one: no `encr_auth_algs` beside it. */
  readonly combined: boolean;
  /** Bits of salt that a combined cipher's key carries after the key proper. */
  readonly saltBits: number;
  readonly strength: Strength;
}

function fixed(
  kind: AlgorithmKind,
  number: number,
  names: readonly [string, ...string[]],
  bits: number,
  strength: Strength,
): Algorithm {
  const [name, ...aliases] = names;
  const lengths = { defaultBits: bits, minBits: bits, maxBits: bits, stepBits: 0 };
  return { kind, number, name, aliases, ...lengths, combined: false, saltBits: 0, strength };
}

function aes(number: number, names: readonly [string, ...string[]], saltBits: number): Algorithm {
  const [name, ...aliases] = names;
  const lengths = { defaultBits: 128, minBits: 128, maxBits: 256, stepBits: 64 };
  return { kind: 'encr', number, name, aliases, ...lengths, combined: saltBits > 0, saltBits, strength: 'good' };
}

/** In the order of their numbers within each kind. */
export const ALGORITHMS: readonly Algorithm[] = [
  fixed('auth', 2, ['hmac-md5', 'md5'], 128, 'weak'),
  fixed('auth', 3, ['hmac-sha1', 'sha', 'sha1', 'sha-1', 'hmac-sha', 'hmac-sha-1'], 160, 'weak'),
  fixed('auth', 5, ['hmac-sha256', 'sha256', 'sha-256', 'hmac-sha-256'], 256, 'good'),
  fixed('auth', 6, ['hmac-sha384', 'sha384', 'sha-384', 'hmac-sha-384'], 384, 'good'),
  fixed('auth', 7, ['hmac-sha512', 'sha512', 'sha-512', 'hmac-sha-512'], 512, 'good'),
  fixed('encr', 2, ['des-cbc', 'des'], 64, 'broken'),
  fixed('encr', 3, ['3des-cbc', '3des'], 192, 'weak'),
  fixed('encr', 7, ['blowfish-cbc', 'blowfish'], 128, 'weak'),
  fixed('encr', 11, ['null'], 0, 'none'),
  aes(12, ['aes-cbc', 'aes'], 0),
  aes(14, ['aes-ccm8'], 24),
  aes(15, ['aes-ccm12'], 24),
  aes(16, ['aes-ccm', 'aes-ccm16'], 24),
  aes(18, ['aes-gcm8'], 32),
  aes(19, ['aes-gcm12'], 32),
  aes(20, ['aes-gcm', 'aes-gcm16'], 32),
];

export function algorithmNamed(kind: AlgorithmKind, name: string): Algorithm | undefined {
  const wanted = name.toLowerCase();
  return ALGORITHMS.find((one) => one.kind === kind && (one.name === wanted || one.aliases.includes(wanted)));
}

export function algorithmNumbered(kind: AlgorithmKind, number: number): Algorithm | undefined {
  return ALGORITHMS.find((one) => one.kind === kind && one.number === number);
}

/** What `any` stands for, in the order the kernel offers it: the longest shortest key first, then by number. */
export function everyAlgorithm(kind: AlgorithmKind): readonly Algorithm[] {
  return ALGORITHMS.filter((one) => one.kind === kind).sort((a, b) => b.minBits - a.minBits || a.number - b.number);
}
