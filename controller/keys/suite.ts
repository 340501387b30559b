/** A link's algorithms as ipsecalgs(1M) knows them: what the words mean, how long their keys are, how much they still protect. */

import type { Problem, SourcePosition } from '../errors.js';
import type { Suite } from '../model/host.js';
import { type Algorithm, type AlgorithmKind, algorithmNamed } from '../policy/algorithms.js';

/** An algorithm with the key lengths a link allows, in bits, without a combined cipher's salt. */
export interface SizedAlgorithm {
  readonly algorithm: Algorithm;
  readonly lowBits: number;
  readonly highBits: number;
  /** Bits of a new key, salt included: the longest the link allows. */
  readonly keyBits: number;
}

export interface SizedSuite {
  readonly encr: SizedAlgorithm;
  readonly encrAuth: SizedAlgorithm | undefined;
}

/**
 * Reads `aes`, `aes(256)` or `aes(128..256)`, any case; answers the reason when it cannot be used.
 * Without a length every length of the algorithm is allowed.
 */
export function sizeAlgorithm(kind: AlgorithmKind, text: string): SizedAlgorithm | { readonly reason: string } {
  const match = /^([a-z0-9-]+)(?:\((?:(\d{1,4})|(\d{0,4})\.\.(\d{0,4}))\))?$/i.exec(text);
  const algorithm = match?.[1] === undefined ? undefined : algorithmNamed(kind, match[1]);
  const title = kind === 'encr' ? 'encryption' : 'integrity';
  if (match === null || algorithm === undefined) return { reason: `"${text}" is not a known ${title} algorithm` };
  const bound = (digits: string | undefined, otherwise: number): number =>
    digits === undefined || digits === '' ? otherwise : Number(digits);
  const lowBits = bound(match[2] ?? match[3], algorithm.minBits);
  const highBits = bound(match[2] ?? match[4], algorithm.maxBits);
  const longest = longestKey(algorithm, lowBits, highBits);
  if (longest === undefined) {
    return {
      reason: `${algorithm.name} has no key of ${lowBits === highBits ? lowBits : `${lowBits} to ${highBits}`} bits`,
    };
  }
  return { algorithm, lowBits, highBits, keyBits: longest === 0 ? 0 : longest + algorithm.saltBits };
}

function longestKey(algorithm: Algorithm, low: number, high: number): number | undefined {
  const step = algorithm.stepBits === 0 ? Number.POSITIVE_INFINITY : algorithm.stepBits;
  let longest: number | undefined;
  for (let bits = algorithm.minBits; bits <= algorithm.maxBits; bits += step) {
    if (bits >= low && bits <= high) longest = bits;
  }
  return longest;
}

/** The suite's algorithms, or every reason why it cannot be used. */
export function sizeSuite(suite: Suite): SizedSuite | { readonly reasons: readonly string[] } {
  const encr = sizeAlgorithm('encr', suite.encr);
  const encrAuth = suite.encrAuth === undefined ? undefined : sizeAlgorithm('auth', suite.encrAuth);
  const reasons: string[] = [];
  if ('reason' in encr) reasons.push(encr.reason);
  if (encrAuth !== undefined && 'reason' in encrAuth) reasons.push(encrAuth.reason);
  if ('reason' in encr || (encrAuth !== undefined && 'reason' in encrAuth)) return { reasons };
  if (encr.algorithm.combined && encrAuth !== undefined) {
    return { reasons: [`${encr.algorithm.name} brings its own integrity and refuses another beside it`] };
  }
  if (encr.algorithm.strength === 'none' && encrAuth === undefined) {
    return { reasons: ['null encryption without integrity protects nothing'] };
  }
  return { encr, encrAuth };
}

/**
 * The suite in the words of ipsecinit.conf: `encr_algs aes(256) encr_auth_algs sha256`.
 * The null cipher is written as integrity alone, which is how the kernel lists it.
 */
export function suiteText(suite: Suite): string {
  const integrity = suite.encrAuth === undefined ? '' : `encr_auth_algs ${suite.encrAuth}`;
  if (algorithmNamed('encr', suite.encr)?.strength === 'none') return integrity;
  return `encr_algs ${suite.encr}${integrity === '' ? '' : ` ${integrity}`}`;
}

const WEAKNESS: ReadonlyMap<string, string> = new Map([
  ['des-cbc', 'its 56-bit key is found by trying them all'],
  ['3des-cbc', 'its 64-bit block leaks after some gigabytes (Sweet32, CVE-2016-2183)'],
  ['blowfish-cbc', 'its 64-bit block leaks after some gigabytes (Sweet32, CVE-2016-2183)'],
  ['hmac-md5', 'MD5 is broken and RFC 8221 forbids it'],
  ['hmac-sha1', 'SHA-1 is broken for collisions and RFC 8221 says to leave it'],
]);

/** Errors and warnings about one line's suite; the same for both ends, so that a caller can show each once. */
export function suiteProblems(suite: Suite, at: SourcePosition, manual = false): readonly Problem[] {
  const sized = sizeSuite(suite);
  if ('reasons' in sized) {
    const todo = 'name algorithms of ipsecalgs(1M), such as { encr: aes(256), encrAuth: sha256 }';
    return sized.reasons.map((what) => ({ code: 'SUITE_UNUSABLE', severity: 'error', what, at, todo }));
  }
  const warn = (code: string, what: string, todo: string): Problem => ({ code, severity: 'warning', what, at, todo });
  const problems: Problem[] = [];
  for (const { algorithm } of [sized.encr, ...(sized.encrAuth === undefined ? [] : [sized.encrAuth])]) {
    if (algorithm.strength === 'good' || algorithm.strength === 'none') continue;
    const why = WEAKNESS.get(algorithm.name) ?? 'it is no longer considered safe';
    const instead = algorithm.kind === 'encr' ? 'aes(256)' : 'sha256';
    problems.push(
      warn(
        'WEAK_ALGORITHM',
        `${algorithm.name} is ${algorithm.strength}: ${why}`,
        `use ${instead} when both ends have it`,
      ),
    );
  }
  if (sized.encr.algorithm.strength === 'none') {
    problems.push(
      warn('NO_SECRECY', 'the null cipher protects integrity only: everyone on the way can read it', 'use aes(256)'),
    );
  } else if (sized.encrAuth === undefined && !sized.encr.algorithm.combined) {
    problems.push(
      warn(
        'NO_INTEGRITY',
        `${sized.encr.algorithm.name} without integrity can be altered on the way`,
        'add encrAuth: sha256',
      ),
    );
  }
  if (manual && sized.encr.algorithm.combined) {
    problems.push(
      warn(
        'COUNTER_MODE_MANUAL',
        `${sized.encr.algorithm.name} with manual keys repeats its counter after a reboot, which breaks it (RFC 4106 §2)`,
        'use keying: ike-psk, or aes(256) with sha256',
      ),
    );
  }
  return problems;
}
