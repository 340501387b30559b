/** Lint of manual keys: SAs that clash, lack something, or reuse what must not be used twice. */

import { formatAddress, sameAddress } from '../../model/address.js';
import { NO_ALGORITHM, NULL_CIPHER, SA_TYPE } from '../../model/sa.js';
import { algorithmNumbered, type Algorithm } from '../../policy/algorithms.js';
import { betterThan, weaknessOf } from '../../policy/lint/algorithm-rules.js';
import type { LintRule, Place } from '../../policy/lint/finding.js';
import { checkKey } from '../check-key.js';
import { valuePlace, type KeySubject, type SaCommand } from './key-subject.js';

type Rule = LintRule<KeySubject>;

const A = 'encr_alg aes encrkey 8d2e1f60b7c94a35d1e0f2a3948576c1b2d3e4f5061728394a5b6c7d8e9f0a1b';
const B = 'encr_alg aes encrkey 1b0a9f8e7d6c5b4a39281706f5e4d3b2c1768594a3f2e0d1354ac9b7601f2e8d';
const AUTH_A = 'auth_alg sha256 authkey 5f1c0b2a3948576e7d8c9bafbecdd0e1f2031425364758697a8b9cadbecfd0e1';
const AUTH_B = 'auth_alg sha256 authkey e1d0cfbead9c8b7a69584736251403f2e1d0cdbeaf9b8c7d6e5748392a0b1c5f';
const LIFE = 'hard_addtime 604800 soft_addtime 518400';
const OUT = `add esp spi 0x1001 src 10.0.0.1 dst 10.0.0.9 ${A} ${AUTH_A} ${LIFE}\n`;
const IN = `add esp spi 0x1002 src 10.0.0.9 dst 10.0.0.1 ${B} ${AUTH_B} ${LIFE}\n`;
const GOOD = OUT + IN;

function typeName(type: number): string {
  return type === SA_TYPE.ah ? 'ah' : 'esp';
}

function cipherOf({ request }: SaCommand): Algorithm | undefined {
  return algorithmNumbered('encr', request.message.encr);
}

function integrityOf({ request }: SaCommand): Algorithm | undefined {
  return algorithmNumbered('auth', request.message.auth);
}

function dstOf({ request }: SaCommand): readonly string[] {
  return request.dst.addresses.map(formatAddress);
}

function srcOf({ request }: SaCommand): readonly string[] {
  return request.src?.addresses.map(formatAddress) ?? [];
}

const noSa: Rule = {
  code: 'EMPTY_KEYS',
  severity: 'warning',
  title: 'the file adds no SA',
  why: 'An empty file is a success to the tool. Traffic that a policy protects then waits for keys that never come.',
  example: { bad: '# nothing yet\n', good: GOOD },
  *check({ adds, problems }) {
    if (adds.length === 0 && problems.every(({ severity }) => severity === 'warning'))
      yield {
        line: 1,
        column: 1,
        what: 'the file adds no SA',
        todo: 'add both directions of each pair, or disable the service',
      };
  },
};

const spiReused: Rule = {
  code: 'SPI_REUSED',
  severity: 'error',
  title: 'two SAs with the same type, destination and SPI',
  why: 'The kernel refuses the second one. The check (-c) does not notice, and the lines around it are loaded all the same.',
  example: {
    bad: OUT + IN.replace('0x1002 src 10.0.0.9 dst 10.0.0.1', '0x1001 src 10.0.0.7 dst 10.0.0.9'),
    good: GOOD,
  },
  *check({ adds }) {
    const first = new Map<string, SaCommand>();
    for (const one of adds) {
      const { type, spi } = one.request.message;
      for (const dst of dstOf(one)) {
        const key = `${type} ${spi} ${dst}`;
        const other = first.get(key);
        if (other === undefined) first.set(key, one);
        else {
          yield {
            ...valuePlace(one, 'spi'),
            what: `an ${typeName(type)} SA with this SPI towards ${dst} exists already`,
            todo: 'choose another SPI, at both ends',
            related: [{ line: other.line, column: other.column, what: 'the first one' }],
          };
        }
      }
    }
  },
};

const spiReserved: Rule = {
  code: 'SPI_RESERVED',
  severity: 'warning',
  title: 'an SPI below 256',
  why: 'RFC 4303 §2.1 reserves 1 to 255. The tool takes them; another system at the other end may not.',
  example: { bad: OUT.replace('0x1001', '42') + IN, good: GOOD },
  *check({ adds }) {
    for (const one of adds) {
      const { spi } = one.request.message;
      if (spi < 256) yield { ...valuePlace(one, 'spi'), what: `SPI ${spi} is reserved`, todo: 'choose 256 or higher' };
    }
  },
};

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

const flush: Rule = {
  code: 'FLUSH_IN_FILE',
  severity: 'warning',
  title: 'flush in a key file',
  why: 'Between the flush and the lines behind it the host has no SAs: protected traffic is lost, that of IKE as well. The service flushes by itself before it loads the file.',
  example: { bad: `flush esp\n${GOOD}`, good: GOOD },
  *check({ flushes }) {
    for (const { line, column } of flushes) {
      yield {
        line,
        column,
        what: 'this removes SAs that are in use',
        todo: 'take it out; delete single SAs, or let the service do it',
      };
    }
  },
};

const noLifetime: Rule = {
  code: 'NO_LIFETIME',
  severity: 'info',
  title: 'an SA without a hard lifetime',
  why: 'A manual key without an end is used until somebody remembers it.',
  example: { bad: OUT.replace(` ${LIFE}`, '') + IN, good: GOOD },
  *check({ adds }) {
    const endless = adds.filter(({ request: { message } }) => {
      const hard = message.hard;
      return (
        hard === undefined ||
        (hard.allocations === 0 && hard.bytes === 0n && hard.addSeconds === 0n && hard.useSeconds === 0n)
      );
    });
    const [first] = endless;
    if (first === undefined) return;
    const what =
      endless.length === 1
        ? 'this SA has no hard lifetime'
        : `this SA and ${endless.length - 1} more have no hard lifetime`;
    yield {
      line: first.line,
      column: first.column,
      what,
      todo: 'change the keys regularly; hard_addtime ends an SA by itself',
    };
  },
};

const noPartner: Rule = {
  code: 'SA_WITHOUT_PARTNER',
  severity: 'warning',
  title: 'an SA for one direction only',
  why: 'Each direction needs an SA of its own. Without the other, answers find none and are dropped.',
  example: { bad: OUT, good: GOOD },
  *check({ adds }) {
    const ways = new Set(
      adds.flatMap((one) =>
        srcOf(one).flatMap((src) => dstOf(one).map((dst) => `${one.request.message.type} ${src} ${dst}`)),
      ),
    );
    for (const one of adds) {
      const { type } = one.request.message;
      const [src] = srcOf(one);
      const [dst] = dstOf(one);
      if (src === undefined || dst === undefined || ways.has(`${type} ${dst} ${src}`)) continue;
      yield {
        line: one.line,
        column: one.column,
        what: `no ${typeName(type)} SA goes from ${dst} to ${src}`,
        todo: 'add it, with keys of its own',
      };
    }
  },
};

const notOurs: Rule = {
  code: 'WRONG_SIDE',
  severity: 'warning',
  title: 'neither end of the SA is this host',
  why: 'The kernel files an SA by its destination: one between two other hosts is never used here.',
  example: {
    local: ['10.0.0.1'],
    bad: `${GOOD}${OUT.replace('0x1001 src 10.0.0.1', '0x1003 src 10.0.0.7').replace(A, B.replace('1b0a', '1b0b')).replace(AUTH_A, AUTH_B.replace('e1d0', 'e1d1'))}`,
    good: GOOD,
  },
  *check({ adds, local }) {
    if (local.length === 0) return;
    for (const one of adds) {
      const ends = [...one.request.dst.addresses, ...(one.request.src?.addresses ?? [])];
      if (one.request.src === undefined || ends.some((end) => local.some((own) => sameAddress(own, end)))) continue;
      const place: Place = { line: one.line, column: one.column };
      yield {
        ...place,
        what: 'neither source nor destination is an address of this host',
        todo: 'take it out, or mend the addresses',
      };
    }
  },
};

const manyAddresses: Rule = {
  code: 'MULTI_ADDRESS_NAME',
  severity: 'warning',
  title: 'a name has several addresses',
  why: 'Each destination address becomes an SA of its own with the same key; a source with several counts as none.',
  example: {
    hosts: '10.0.0.9 db\n10.0.0.10 db\n10.0.0.1 me\n',
    bad: OUT.replace('dst 10.0.0.9', 'dst db') + IN,
    good: GOOD,
  },
  *check({ adds }) {
    for (const one of adds) {
      const { src, dst } = one.request;
      if (dst.addresses.length > 1)
        yield {
          ...valuePlace(one, 'dst', 'daddr', 'dstaddr', 'dst6', 'daddr6', 'dstaddr6'),
          what: `the destination has ${dst.addresses.length} addresses`,
          todo: 'write the address',
        };
      if (src !== undefined && src.addresses.length > 1)
        yield {
          ...valuePlace(one, 'src', 'saddr', 'srcaddr', 'src6', 'saddr6', 'srcaddr6'),
          what: `the source has ${src.addresses.length} addresses`,
          todo: 'write the address',
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
  noSa,
  spiReused,
  spiReserved,
  keyReused,
  counterMode,
  weakAlgorithm,
  keyUnusable,
  keyMissing,
  noIntegrity,
  noSecrecy,
  flush,
  noLifetime,
  noPartner,
  notOurs,
  manyAddresses,
  insecureMode({ bad: GOOD, good: GOOD }),
];
