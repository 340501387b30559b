/** Lint of the algorithms that a policy asks for: too weak, too wide, or impossible to agree on. */

import { unreachable } from '../../errors.js';
import type { Algorithm } from '../algorithms.js';
import type { AlgorithmRequest, AlternativeRequest } from '../entry.js';
import type { Word } from '../lex-entry.js';
import { listRules } from '../list-rules.js';
import { predictSpd } from './listed-policy.js';
import type { Found, LintRule } from './finding.js';
import { entryPlace, pairsOf, shown, wordPlace, type LintEntry, type PolicySubject } from './policy-subject.js';

type Rule = LintRule<PolicySubject>;

type AlgorithmProperty = 'auth_algs' | 'encr_algs' | 'encr_auth_algs';

/** One algorithm of an alternative, with the word that asks for it. */
interface Asked {
  readonly property: AlgorithmProperty;
  readonly value: Word;
  readonly request: AlgorithmRequest;
}

interface Alternative {
  readonly action: Word;
  readonly request: AlternativeRequest;
  readonly asked: readonly Asked[];
}

const known = new WeakMap<PolicySubject, readonly Alternative[]>();

/** Alternatives that protect; every rule here asks for them. */
function protections(subject: PolicySubject): readonly Alternative[] {
  const found = known.get(subject) ?? [...findProtections(subject)];
  known.set(subject, found);
  return found;
}

function* findProtections({ entries }: PolicySubject): Iterable<Alternative> {
  for (const { entry, alternatives } of entries) {
    for (const [i, { action, properties }] of alternatives.entries()) {
      const request = entry.alternatives[i];
      if (request?.kind !== 'protect') continue;
      const asked = pairsOf(properties).flatMap(({ key, value }): Asked[] => {
        const property = propertyOf(key.text);
        const of = property === undefined ? undefined : requestOf(property, request);
        // `none` asks for nothing, also where another word of the same property does.
        const none = /^none\b/i.test(value.text);
        return property === undefined || of === undefined || none ? [] : [{ property, value, request: of }];
      });
      yield { action, request, asked };
    }
  }
}

function propertyOf(word: string): AlgorithmProperty | undefined {
  return (['auth_algs', 'encr_algs', 'encr_auth_algs'] as const).find((one) => one === word);
}

function requestOf(
  property: AlgorithmProperty,
  { ah, encr, encrAuth }: AlternativeRequest,
): AlgorithmRequest | undefined {
  switch (property) {
    case 'auth_algs':
      return ah;
    case 'encr_algs':
      return encr;
    case 'encr_auth_algs':
      return encrAuth;
    default:
      return unreachable(property);
  }
}

const WEAKNESS: ReadonlyMap<string, string> = new Map([
  ['des-cbc', 'its 56-bit key is found by trying them all'],
  ['3des-cbc', 'its 64-bit block leaks after some gigabytes (Sweet32, CVE-2016-2183)'],
  ['blowfish-cbc', 'its 64-bit block leaks after some gigabytes (Sweet32, CVE-2016-2183)'],
  ['hmac-md5', 'MD5 is broken, and RFC 8221 forbids it'],
  ['hmac-sha1', 'SHA-1 is broken for collisions, and RFC 8221 says to leave it'],
]);

/** Why an algorithm of ipsecalgs(1M) is to be avoided; `undefined` when it is not. */
export function weaknessOf({ name, strength }: Algorithm): string | undefined {
  if (strength === 'good' || strength === 'none') return undefined;
  return `${name} is ${strength}: ${WEAKNESS.get(name) ?? 'it is no longer considered safe'}`;
}

/** What to use in place of a weak algorithm. */
export function betterThan({ kind }: Pick<Algorithm, 'kind'>): string {
  return kind === 'encr' ? 'aes(256), or aes-gcm(256) with IKE' : 'sha256';
}

const weakAlgorithm: Rule = {
  code: 'WEAK_ALGORITHM',
  severity: 'warning',
  title: 'an algorithm is weak or broken',
  why: 'What it protects can be read or forged by those with the means or the patience.',
  example: {
    bad: '{ raddr 10.0.0.9 } ipsec { encr_algs 3des encr_auth_algs md5 }\n',
    good: '{ raddr 10.0.0.9 } ipsec { encr_algs aes(256) encr_auth_algs sha256 }\n',
  },
  *check(subject) {
    for (const { asked } of protections(subject)) {
      for (const { value, request } of asked) {
        const weakness = request.algorithm === 'any' ? undefined : weaknessOf(request.algorithm);
        if (request.algorithm === 'any' || weakness === undefined) continue;
        yield {
          ...wordPlace(value),
          what: weakness,
          todo: `use ${betterThan(request.algorithm)} when both ends have it`,
        };
      }
    }
  },
};

const noIntegrity: Rule = {
  code: 'NO_INTEGRITY',
  severity: 'warning',
  title: 'ESP encrypts without integrity',
  why: 'An attacker on the way alters packets unseen, and by watching what happens can decrypt them. The rule accepts SAs with any ESP integrity algorithm, or with none.',
  example: {
    bad: '{ raddr 10.0.0.9 } ipsec { encr_algs aes(256) }\n',
    good: '{ raddr 10.0.0.9 } ipsec { encr_algs aes(256) encr_auth_algs sha256 }\n',
  },
  *check(subject) {
    for (const { action, request, asked } of protections(subject)) {
      const { ah, encr, encrAuth } = request;
      if (encr === undefined || ah !== undefined || encrAuth !== undefined) continue;
      if (encr.algorithm !== 'any' && encr.algorithm.combined) continue;
      const at = asked.find(({ property }) => property === 'encr_algs')?.value ?? action;
      const nothing = encr.algorithm !== 'any' && encr.algorithm.strength === 'none';
      yield {
        ...wordPlace(at),
        ...(nothing && { severity: 'error' as const }),
        what: nothing
          ? 'null encryption without integrity protects nothing'
          : `${shown(at)} has no integrity beside it`,
        todo: 'add encr_auth_algs sha256, or use aes-gcm(256)',
      };
    }
  },
};

const noSecrecy: Rule = {
  code: 'NO_SECRECY',
  severity: 'warning',
  title: 'ESP with the null cipher',
  why: 'Packets are protected against forgery only: everyone on the way can read them. Integrity alone (encr_auth_algs without encr_algs) means the same.',
  example: {
    bad: '{ raddr 10.0.0.9 } ipsec { encr_auth_algs sha256 }\n',
    good: '{ raddr 10.0.0.9 } ipsec { encr_algs aes(256) encr_auth_algs sha256 }\n',
  },
  *check(subject) {
    for (const { action, request, asked } of protections(subject)) {
      const { encr, encrAuth } = request;
      if (encr === undefined || encr.algorithm === 'any' || encr.algorithm.strength !== 'none') continue;
      if (encrAuth === undefined) continue;
      const at = (asked.find(({ property }) => property === 'encr_algs') ?? asked[0])?.value ?? action;
      yield { ...wordPlace(at), what: 'nothing is encrypted', todo: 'add encr_algs aes(256)' };
    }
  },
};

const anyCipher: Rule = {
  code: 'ANY_CIPHER',
  severity: 'warning',
  title: '`encr_algs any` includes null and des',
  why: '`any` is every cipher the kernel knows. A peer, or whoever holds its keys, may choose no encryption at all.',
  example: {
    bad: '{ raddr 10.0.0.9 } ipsec { encr_algs any encr_auth_algs sha256 }\n',
    good: '{ raddr 10.0.0.9 } ipsec { encr_algs aes encr_auth_algs sha256 }\n',
  },
  check: (subject) =>
    anyOf(
      subject,
      ['encr_algs'],
      'every cipher is accepted, null and des among them',
      'name the ciphers, with `or` where there are several',
    ),
};

const anyIntegrity: Rule = {
  code: 'ANY_INTEGRITY',
  severity: 'warning',
  title: '`any` integrity includes md5',
  why: '`any` is every algorithm the kernel knows, MD5 and SHA-1 among them.',
  example: {
    bad: '{ raddr 10.0.0.9 } ipsec { encr_algs aes encr_auth_algs any }\n',
    good: '{ raddr 10.0.0.9 } ipsec { encr_algs aes encr_auth_algs sha256 }\n',
  },
  check: (subject) =>
    anyOf(
      subject,
      ['encr_auth_algs', 'auth_algs'],
      'every integrity algorithm is accepted, md5 among them',
      'name the algorithm',
    ),
};

function* anyOf(
  subject: PolicySubject,
  properties: readonly AlgorithmProperty[],
  what: string,
  todo: string,
): Iterable<Found> {
  for (const { asked } of protections(subject)) {
    for (const { property, value, request } of asked) {
      if (request.algorithm === 'any' && properties.includes(property)) yield { ...wordPlace(value), what, todo };
    }
  }
}

const impossibleLength: Rule = {
  code: 'KEY_LENGTH_IMPOSSIBLE',
  severity: 'error',
  title: 'no key can have the length asked for',
  why: 'The tool takes every range that overlaps the algorithm’s own, but keys come in steps: IKE can never agree on a length between them.',
  example: {
    bad: '{ raddr 10.0.0.9 } ipsec { encr_algs aes(130..140) encr_auth_algs sha256 }\n',
    good: '{ raddr 10.0.0.9 } ipsec { encr_algs aes(128..192) encr_auth_algs sha256 }\n',
  },
  *check(subject) {
    for (const { asked } of protections(subject)) {
      for (const { value, request } of asked) {
        const { algorithm, minBits, maxBits } = request;
        if (algorithm === 'any' || algorithm.maxBits === 0 || (minBits === 0 && maxBits === 0)) continue;
        const lengths = keyLengths(algorithm);
        if (lengths.some((bits) => bits >= minBits && (maxBits === 0 || bits <= maxBits))) continue;
        yield {
          ...wordPlace(value),
          what: `${algorithm.name} has no key of ${minBits === maxBits ? minBits : `${minBits} to ${maxBits}`} bits`,
          todo: `choose among ${lengths.join(', ')}`,
        };
      }
    }
  },
};

/** Every key length of an algorithm, in bits. */
export function keyLengths({ minBits, maxBits, stepBits }: Algorithm): readonly number[] {
  const lengths: number[] = [];
  for (let bits = minBits; bits <= maxBits; bits += stepBits || Number.POSITIVE_INFINITY) lengths.push(bits);
  return lengths;
}

const unlistable: Rule = {
  code: 'LISTING_OVERFLOW',
  severity: 'error',
  title: 'the rule is too large to be listed',
  why: '`any` for several kinds of algorithm multiplies to more alternatives than a reply of the kernel holds: the rule is in force, but `ipsecconf -l` and every check that reads it fail.',
  example: {
    bad: '{ raddr 10.0.0.9 } ipsec { auth_algs any encr_algs any encr_auth_algs any }\n',
    good: '{ raddr 10.0.0.9 } ipsec { encr_algs aes(256) encr_auth_algs sha256 }\n',
  },
  *check({ entries }) {
    const wide = entries.filter(({ entry }) => countAny(entry.alternatives) > 1);
    for (const one of wide) {
      if (listRules(predictSpd(one.entry), { kind: 'all' }).refusal === undefined) continue;
      yield {
        ...entryPlace(one),
        what: `${actionsOf(one)} alternatives: the listing of this rule overflows`,
        todo: 'name the algorithms',
      };
    }
  },
};

function countAny(alternatives: readonly AlternativeRequest[]): number {
  const requests = alternatives.flatMap(({ ah, encr, encrAuth }) => [ah, encr, encrAuth]);
  return requests.filter((one) => one?.algorithm === 'any').length + (alternatives.length > 8 ? 2 : 0);
}

function actionsOf({ rules }: LintEntry): number {
  return rules[0]?.actions.length ?? 0;
}

export const ALGORITHM_RULES: readonly Rule[] = [
  weakAlgorithm,
  noIntegrity,
  noSecrecy,
  anyCipher,
  anyIntegrity,
  impossibleLength,
  unlistable,
];
