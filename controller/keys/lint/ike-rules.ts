/** Lint of ike/config: phase 1 that is too weak, peers that are not checked, values that do nothing. */

import type { Problem } from '../../errors.js';
import { hostPrefix, prefixContains, type Address } from '../../model/address.js';
import type { IkeAddresses, IkeConfig } from '../../model/ike.js';
import { algorithmNamed } from '../../policy/algorithms.js';
import { betterThan, keyLengths, weaknessOf } from '../../policy/lint/algorithm-rules.js';
import type { Found, LintRule, Place } from '../../policy/lint/finding.js';
import type { LintComment } from '../../policy/lint/suppressions.js';
import { parseIkeConfig } from '../parse-ike-config.js';
import { parseIkeAddresses } from '../parse-ike-addresses.js';
import { readTokens, type IkeComment, type IkeToken } from '../parse-ike-tokens.js';

/** A word with the one behind it, and key lengths in brackets behind that. */
export interface IkePair {
  readonly key: IkeToken;
  readonly value: IkeToken;
  readonly lengths: IkeToken | undefined;
}

export interface IkeSubject {
  readonly pairs: readonly IkePair[];
  readonly words: readonly IkeToken[];
  readonly config: IkeConfig;
  readonly problems: readonly Problem[];
  readonly comments: readonly LintComment[];
  readonly lines: readonly number[];
  readonly local: readonly Address[];
}

export function readIkeSubject(text: string, local: readonly Address[]): IkeSubject {
  const { tokens, comments } = readTokens(text, '');
  const { config, problems } = parseIkeConfig(text, '');
  const lines = [...new Set(tokens.map(({ at }) => at.line))];
  return {
    pairs: pairsOf(tokens),
    words: tokens.filter(({ kind }) => kind === 'word'),
    config,
    problems,
    comments: lintComments(comments, new Set(lines)),
    lines,
    local,
  };
}

export function lintComments(comments: readonly IkeComment[], withWords: ReadonlySet<number>): readonly LintComment[] {
  return comments.map(({ at, text }) => ({ line: at.line, column: at.column, text, alone: !withWords.has(at.line) }));
}

function pairsOf(tokens: readonly IkeToken[]): readonly IkePair[] {
  return tokens.flatMap((key, i) => {
    const value = tokens[i + 1];
    if (key.kind !== 'word' || (value?.kind !== 'word' && value?.kind !== 'string')) return [];
    const third = tokens[i + 2];
    return [{ key, value, lengths: third?.kind === 'group' ? third : undefined }];
  });
}

function at({ at: { line, column } }: IkeToken): Place {
  return { line, column };
}

function pairsNamed({ pairs }: IkeSubject, ...names: readonly string[]): readonly IkePair[] {
  return pairs.filter(({ key }) => names.includes(key.text));
}

type Rule = LintRule<IkeSubject>;

const PHASE1 = 'p1_xform { auth_method preshared oakley_group 14 auth_alg sha256 encr_alg aes(256..256) }';
const ENDS = 'local_addr 10.0.0.1\n  remote_addr 10.0.0.9';
const rule = (phase1: string, ends = ENDS, more = 'p2_pfs 14'): string =>
  `{\n  label "db"\n  ${ends}\n  ${phase1}\n  ${more}\n}\n`;
const GOOD = rule(PHASE1);

const noRule: Rule = {
  code: 'EMPTY_IKE',
  severity: 'warning',
  title: 'the file has no rule',
  why: 'Without a rule the daemon negotiates with nobody, and what the policy protects waits for keys in vain.',
  example: { bad: `${PHASE1}\n`, good: GOOD },
  *check({ config, problems }) {
    if (config.rules.length === 0 && problems.length === 0)
      yield { line: 1, column: 1, what: 'the file has no rule', todo: 'add a rule for each peer' };
  },
};

const weakAlgorithm: Rule = {
  code: 'WEAK_ALGORITHM',
  severity: 'warning',
  title: 'an algorithm is weak or broken',
  why: 'Phase 1 guards the keys of phase 2: who breaks it has them all.',
  example: { bad: rule(PHASE1.replace('sha256', 'md5').replace('aes(256..256)', '3des')), good: GOOD },
  *check(subject) {
    for (const { key, value } of pairsNamed(subject, 'auth_alg', 'encr_alg')) {
      const algorithm = algorithmNamed(key.text === 'auth_alg' ? 'auth' : 'encr', value.text);
      const weakness = algorithm === undefined ? undefined : weaknessOf(algorithm);
      if (algorithm === undefined || weakness === undefined) continue;
      yield {
        ...at(value),
        what: weakness,
        todo: `use ${algorithm.kind === 'encr' ? 'aes(256..256)' : betterThan(algorithm)} when both ends have it`,
      };
    }
  },
};

/** RFC 8247 §2.4: 1 must not, 2 and 5 should not be used. */
const LOWEST_GROUP = 14;

const weakGroup: Rule = {
  code: 'WEAK_GROUP',
  severity: 'warning',
  title: 'a Diffie-Hellman group below 14',
  why: 'Groups 1, 2 and 5 have primes of 768 to 1536 bits, which the well-funded can break (RFC 8247 §2.4).',
  example: { bad: rule(PHASE1.replace('oakley_group 14', 'oakley_group 2')), good: GOOD },
  *check(subject) {
    for (const { key, value } of pairsNamed(subject, 'oakley_group', 'p2_pfs')) {
      const group = Number(value.text);
      if (!(group > 0 && group < LOWEST_GROUP)) continue;
      yield { ...at(value), what: `${key.text} ${group} is weak`, todo: `use ${LOWEST_GROUP} or higher, at both ends` };
    }
  },
};

const noPfs: Rule = {
  code: 'PFS_OFF',
  severity: 'info',
  title: 'phase 2 without perfect forward secrecy',
  why: 'Without a Diffie-Hellman exchange of its own, phase 2 falls with phase 1: who breaks one phase 1 reads all that was sent under it.',
  example: { bad: rule(PHASE1, ENDS, ''), good: GOOD },
  *check({ config }) {
    const everywhere = config.globals.get('p2_pfs');
    for (const { p2Pfs, at: place } of config.rules) {
      const group = p2Pfs ?? everywhere ?? 0;
      if (group === 0)
        yield {
          line: place.line,
          column: place.column,
          what: 'this rule has no p2_pfs',
          todo: 'add p2_pfs 14, at both ends',
        };
    }
  },
};

const impossibleLength: Rule = {
  code: 'KEY_LENGTH_IMPOSSIBLE',
  severity: 'error',
  title: 'no key can have the length asked for',
  why: 'AES keys have 128, 192 or 256 bits: the two ends can never agree on a length between them.',
  example: { bad: rule(PHASE1.replace('256..256', '130..140')), good: GOOD },
  *check(subject) {
    for (const { value, lengths } of pairsNamed(subject, 'encr_alg')) {
      const algorithm = algorithmNamed('encr', value.text);
      const [, low, high] = /^(\d+)(?:\s*\.\.\s*(\d+))?$/.exec(lengths?.text ?? '') ?? [];
      if (algorithm === undefined || lengths === undefined || low === undefined) continue;
      const known = keyLengths(algorithm);
      if (known.some((bits) => bits >= Number(low) && bits <= Number(high ?? low))) continue;
      yield { ...at(lengths), what: `${algorithm.name} has no such key`, todo: `choose among ${known.join(', ')}` };
    }
  },
};

const ignoresCrls: Rule = {
  code: 'CRLS_IGNORED',
  severity: 'warning',
  title: 'revoked certificates are accepted',
  why: 'With ignore_crls a stolen key is good until its certificate expires.',
  example: { bad: `ignore_crls\n${GOOD}`, good: GOOD },
  *check({ words }) {
    for (const word of words.filter(({ text }) => text === 'ignore_crls')) {
      yield {
        ...at(word),
        what: 'revocation lists are not looked at',
        todo: 'install the lists with ikecert certrldb, and take this out',
      };
    }
  },
};

const CERTS = PHASE1.replace('preshared', 'rsa_sig');
const IDS = 'local_id "C=US, O=Example, CN=web"\n  remote_id "C=US, O=Example, CN=db"\n  p2_pfs 14';

const anyoneAccepted: Rule = {
  code: 'REMOTE_ID_ANY',
  severity: 'warning',
  title: 'anyone with a certificate is accepted',
  why: 'An empty remote_id matches every identity: whoever has any certificate of a trusted CA may be this peer.',
  example: { bad: rule(CERTS, ENDS, IDS.replace(/remote_id "[^"]*"/, 'remote_id ""')), good: rule(CERTS, ENDS, IDS) },
  *check(subject) {
    for (const { value } of pairsNamed(subject, 'remote_id')) {
      if (value.kind === 'string' && value.text === '')
        yield { ...at(value), what: 'every identity is accepted', todo: 'name the peer’s own' };
    }
  },
};

const idIgnored: Rule = {
  code: 'ID_IGNORED',
  severity: 'info',
  title: 'an identity beside a preshared key',
  why: 'With preshared keys the peer is known by its address; local_id and remote_id are not looked at.',
  example: { bad: rule(PHASE1, ENDS, 'remote_id "db.example.com"\n  p2_pfs 14'), good: GOOD },
  *check({ config }) {
    for (const { at: place, transforms, localIds, remoteIds } of config.rules) {
      const used = transforms.length === 0 ? config.transforms : transforms;
      if (localIds.length + remoteIds.length === 0 || used.length === 0) continue;
      if (used.some(({ authMethod }) => authMethod !== 'preshared')) continue;
      yield {
        line: place.line,
        column: place.column,
        what: 'the identities of this rule are not looked at',
        todo: 'take local_id and remote_id out, or use certificates',
      };
    }
  },
};

const openPeer: Rule = {
  code: 'OPEN_PEER',
  severity: 'info',
  title: 'a rule for every address',
  why: 'Anyone may begin a negotiation, and only the key or certificate stands in the way.',
  example: { bad: rule(PHASE1, ENDS.replace('remote_addr 10.0.0.9', 'remote_addr 0.0.0.0/0')), good: GOOD },
  *check(subject) {
    for (const { value } of pairsNamed(subject, 'remote_addr')) {
      const addresses = parseIkeAddresses(value.text);
      if (addresses?.kind !== 'prefix' || addresses.prefix.length !== 0) continue;
      yield { ...at(value), what: 'every address may be this peer', todo: 'name the peers’ addresses or networks' };
    }
  },
};

const wrongSide: Rule = {
  code: 'WRONG_SIDE',
  severity: 'error',
  title: 'local_addr is no address of this host',
  why: 'The daemon chooses a rule by both addresses: this one never fits.',
  example: { local: ['10.0.0.9'], bad: GOOD, good: rule(PHASE1, 'local_addr 10.0.0.9\n  remote_addr 10.0.0.1') },
  *check(subject) {
    if (subject.local.length === 0) return;
    for (const pair of pairsNamed(subject, 'local_addr')) yield* foreign(pair, subject.local);
  },
};

function* foreign({ value }: IkePair, local: readonly Address[]): Iterable<Found> {
  const addresses = parseIkeAddresses(value.text);
  if (addresses === undefined || local.some((own) => holds(addresses, own))) return;
  yield {
    ...at(value),
    what: `no address of this host is ${value.text}`,
    todo: 'let local_addr and remote_addr change places, or mend the address',
  };
}

function holds(addresses: IkeAddresses, own: Address): boolean {
  if (addresses.kind === 'prefix') return prefixContains(addresses.prefix, hostPrefix(own));
  const { from, to } = addresses;
  return from.family === own.family && from.value <= own.value && own.value <= to.value;
}

/** RFC 2409 leaves lifetimes open; a day is what most peers take for phase 1. */
const LONGEST_SECONDS = 86_400;

const longLifetime: Rule = {
  code: 'LONG_LIFETIME',
  severity: 'info',
  title: 'keys live longer than a day',
  why: 'The longer a key is used the more is lost with it; many peers refuse longer lifetimes.',
  example: {
    bad: rule(PHASE1, ENDS, 'p2_pfs 14\n  p2_lifetime_secs 604800'),
    good: rule(PHASE1, ENDS, 'p2_pfs 14\n  p2_lifetime_secs 28800'),
  },
  *check(subject) {
    for (const { key, value } of pairsNamed(subject, 'p1_lifetime_secs', 'p2_lifetime_secs')) {
      if (!(Number(value.text) > LONGEST_SECONDS)) continue;
      yield { ...at(value), what: `${key.text} is ${value.text} seconds`, todo: `use ${LONGEST_SECONDS} or less` };
    }
  },
};

export const IKE_RULES: readonly Rule[] = [
  noRule,
  weakAlgorithm,
  weakGroup,
  noPfs,
  impossibleLength,
  ignoresCrls,
  anyoneAccepted,
  idIgnored,
  openPeer,
  wrongSide,
  longLifetime,
];
