/** Lint of key material: weak algorithms and keys, keys that are missing or used twice, files that others may read. */

import { NO_ALGORITHM, NULL_CIPHER, SA_TYPE } from '../../model/sa.js';
import { algorithmNumbered, type Algorithm } from '../../policy/algorithms.js';
import { betterThan, weaknessOf } from '../../policy/lint/algorithm-rules.js';
import type { LintRule } from '../../policy/lint/finding.js';
import { checkKey } from '../check-key.js';
import { A, AUTH_A, B, GOOD, IN, OUT } from './key-examples.js';
import { valuePlace, type KeySubject, type SaCommand } from './key-subject.js';
import { dstOf, SA_RULES } from './sa-rules.js';

type Rule = LintRule<KeySubject>;

function cipherOf({ request }: SaCommand): Algorithm | undefined {
  return algorithmNumbered('encr', request.message.encr);
}

function integrityOf({ request }: SaCommand): Algorithm | undefined {
  return algorithmNumbered('auth', request.message.auth);
}

const keyReused: Rule = {
  code: 'KEY_REUSED',
  severity: 'warning',
  title: 'one key for several SAs',
  why: 'Who learns one key has all of them, and a packet of one SA can be played into another. With a counter mode two SAs under one key give the plain text away (RFC 3686 §2.1).',
  example: { bad: OUT + IN.replace(B, A), good: GOOD },
  *check({ adds }) {
    const first = new Map<string, SaCommand>();
    for (const one of adds) {
      const { encrKey, authKey } = one.request.message;
      for (const [key, word] of [
        [encrKey, 'encrkey'],
        [authKey, 'authkey'],
      ] as const) {
        if (key === undefined) continue;
        // The digest serves as a name within this run and is never shown.
        const name = key.secret.fingerprint('');
        const other = first.get(name);
        if (other === undefined) first.set(name, one);
        else {
          const counter = word === 'encrkey' && cipherOf(one)?.combined === true;
          yield {
            ...valuePlace(one, word),
            ...(counter && { severity: 'error' as const }),
            what: other === one ? 'the same key encrypts and authenticates' : 'another SA has the same key',
            todo: 'draw a key of its own for each SA, at random',
            ...(other !== one && { related: [{ line: other.line, column: other.column, what: 'the first one' }] }),
          };
        }
      }
    }
  },
};

const counterMode: Rule = {
  code: 'COUNTER_MODE_MANUAL',
  severity: 'warning',
  title: 'a counter mode with a manual key',
  why: 'The counter starts again when the SA is added again, after each reboot: the same key and counter twice break CCM and GCM (RFC 4106 §2).',
  example: {
    bad:
      OUT.replace(A, 'encr_alg aes-gcm encrkey 8d2e1f60b7c94a35d1e0f2a3948576c1b2d3e4f5').replace(` ${AUTH_A}`, '') +
      IN,
    good: GOOD,
  },
  *check({ adds }) {
    for (const one of adds) {
      const cipher = cipherOf(one);
      if (cipher?.combined !== true) continue;
      yield {
        ...valuePlace(one, 'encr_alg', 'encralg'),
        what: `${cipher.name} is keyed by hand`,
        todo: 'use IKE, or aes with sha256',
      };
    }
  },
};

const weakAlgorithm: Rule = {
  code: 'WEAK_ALGORITHM',
  severity: 'warning',
  title: 'an algorithm is weak or broken',
  why: 'What it protects can be read or forged by those with the means or the patience.',
  example: { bad: OUT.replace(AUTH_A, 'auth_alg md5 authkey 5f1c0b2a3948576e7d8c9bafbecdd0e1') + IN, good: GOOD },
  *check({ adds }) {
    for (const one of adds) {
      for (const [algorithm, ...words] of [
        [cipherOf(one), 'encr_alg', 'encralg'],
        [integrityOf(one), 'auth_alg', 'authalg'],
      ] as const) {
        const weakness = algorithm === undefined ? undefined : weaknessOf(algorithm);
        if (algorithm === undefined || weakness === undefined) continue;
        yield {
          ...valuePlace(one, ...words),
          what: weakness,
          todo: `use ${algorithm.kind === 'encr' ? 'aes' : betterThan(algorithm)} when both ends have it`,
        };
      }
    }
  },
};

const keyUnusable: Rule = {
  code: 'KEY_UNUSABLE',
  severity: 'error',
  title: 'a key has the wrong size, or protects nothing',
  why: 'Only the kernel looks at key sizes and weak keys, when the file is loaded: the check (-c) accepts them all. A repeated byte is a placeholder that somebody forgot.',
  example: { bad: OUT.replace(A, 'encr_alg aes encrkey 8d2e1f60b7c94a35d1e0f2a3948576') + IN, good: GOOD },
  *check({ adds }) {
    for (const one of adds) {
      const { encrKey, authKey } = one.request.message;
      for (const [kind, algorithm, key, word] of [
        ['encr', cipherOf(one), encrKey, 'encrkey'],
        ['auth', integrityOf(one), authKey, 'authkey'],
      ] as const) {
        if (algorithm === undefined || key === undefined || key.bits !== key.secret.bits) continue;
        const reason = checkKey({ kind, algorithm: algorithm.name }, key.secret);
        // Parity is corrected without a word.
        if (reason === undefined || reason.includes('parity')) continue;
        yield {
          ...valuePlace(one, word),
          what: `the key cannot be used: ${reason}`,
          todo: 'draw a new one of the right size, at random',
        };
      }
    }
  },
};

const keyMissing: Rule = {
  code: 'KEY_MISSING',
  severity: 'error',
  title: 'an algorithm without its key',
  why: 'The check accepts an SA with one key for two algorithms; the kernel even adds one that names integrity without having a key for it.',
  example: { bad: OUT.replace(/ authkey \S+/, '') + IN, good: GOOD },
  *check({ adds }) {
    for (const one of adds) {
      const { encr, auth, encrKey, authKey } = one.request.message;
      const cipher = encr !== NO_ALGORITHM && encr !== NULL_CIPHER;
      if (cipher && encrKey === undefined)
        yield { ...valuePlace(one, 'encr_alg', 'encralg'), what: 'this cipher has no key', todo: 'add encrkey' };
      if (auth !== NO_ALGORITHM && authKey === undefined)
        yield {
          ...valuePlace(one, 'auth_alg', 'authalg'),
          what: 'this integrity algorithm has no key',
          todo: 'add authkey',
        };
    }
  },
};

const noIntegrity: Rule = {
  code: 'NO_INTEGRITY',
  severity: 'warning',
  title: 'ESP encrypts without integrity',
  why: 'An attacker on the way alters packets unseen, and by watching what happens can decrypt them.',
  example: { bad: OUT.replace(` ${AUTH_A}`, '') + IN, good: GOOD },
  *check({ adds }) {
    const withAh = new Set(adds.filter(({ request }) => request.message.type === SA_TYPE.ah).flatMap(dstOf));
    for (const one of adds) {
      const { type, auth } = one.request.message;
      const cipher = cipherOf(one);
      if (type !== SA_TYPE.esp || auth !== NO_ALGORITHM || cipher === undefined || cipher.combined) continue;
      if (dstOf(one).every((dst) => withAh.has(dst))) continue;
      yield {
        ...valuePlace(one, 'encr_alg', 'encralg'),
        what: `${cipher.name} has no integrity beside it`,
        todo: 'add auth_alg sha256 and an authkey',
      };
    }
  },
};

const noSecrecy: Rule = {
  code: 'NO_SECRECY',
  severity: 'warning',
  title: 'ESP with the null cipher',
  why: 'Packets are protected against forgery only: everyone on the way can read them.',
  example: { bad: OUT.replace(` ${A}`, '') + IN, good: GOOD },
  *check({ adds }) {
    for (const one of adds) {
      const { type, encr } = one.request.message;
      if (type !== SA_TYPE.esp || encr !== NULL_CIPHER) continue;
      yield {
        ...valuePlace(one, 'encr_alg', 'encralg'),
        what: 'nothing is encrypted',
        todo: 'add encr_alg aes and an encrkey',
      };
    }
  },
};

/** Group and other may do nothing with a file of keys. */
const OPEN_TO_OTHERS = 0o077;

/** For key files of both kinds: under SMF ipseckey refuses such a file (ipseckey(8), "Security"). */
export function insecureMode(example: LintRule<never>['example']): LintRule<{ readonly mode: number | undefined }> {
  return {
    code: 'INSECURE_MODE',
    severity: 'error',
    title: 'others may read or write a file of keys',
    why: 'Its keys are no secret on this machine. As a service ipseckey refuses such a file, and the host comes up without its SAs.',
    example: { ...example, mode: 0o644 },
    *check({ mode }) {
      if (mode === undefined || (mode & OPEN_TO_OTHERS) === 0) return;
      yield {
        line: 1,
        column: 1,
        what: `the file has mode ${(mode & 0o7777).toString(8).padStart(4, '0')}`,
        todo: 'chmod 0600, owner root',
      };
    },
  };
}

export const KEY_RULES: readonly Rule[] = [
  ...SA_RULES,
  keyReused,
  counterMode,
  weakAlgorithm,
  keyUnusable,
  keyMissing,
  noIntegrity,
  noSecrecy,
  insecureMode({ bad: GOOD, good: GOOD }),
];
