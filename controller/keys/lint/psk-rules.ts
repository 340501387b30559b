/** Lint of ike.preshared: secrets that are too short, shared, or guessable. No finding ever repeats a word of one. */

import type { Problem } from '../../errors.js';
import { hostPrefix, prefixContains, type Address } from '../../model/address.js';
import type { PresharedKey } from '../../model/ike.js';
import type { LintRule, Place } from '../../policy/lint/finding.js';
import type { LintComment } from '../../policy/lint/suppressions.js';
import { checkKey } from '../check-key.js';
import { parseIkePreshared } from '../parse-ike-preshared.js';
import { readTokens, type IkeToken } from '../parse-ike-tokens.js';
import { lintComments } from './ike-rules.js';
import { insecureMode } from './key-rules.js';

export interface PskSubject {
  readonly keys: readonly PresharedKey[];
  readonly problems: readonly Problem[];
  readonly comments: readonly LintComment[];
  readonly lines: readonly number[];
  readonly tokens: readonly IkeToken[];
  readonly local: readonly Address[];
  readonly mode: number | undefined;
}

export function readPskSubject(text: string, local: readonly Address[], mode: number | undefined): PskSubject {
  const { tokens, comments } = readTokens(text, '');
  const { keys, problems } = parseIkePreshared(text, '');
  const lines = [...new Set(tokens.map(({ at }) => at.line))];
  return { keys, problems, comments: lintComments(comments, new Set(lines)), lines, tokens, local, mode };
}

type Rule = LintRule<PskSubject>;

const block = (key: string, remote = '10.0.0.9', local = '10.0.0.1', more = ''): string =>
  `{\n  localidtype IP\n  localid ${local}\n  remoteidtype IP\n  remoteid ${remote}\n${more}  key ${key}\n}\n`;
const KEY = '5f1c0b2a3948576e7d8c9bafbecdd0e1f2031425364758697a8b9cadbecfd0e1';
const OTHER = 'e1d0cfbead9c8b7a69584736251403f2e1d0cdbeaf9b8c7d6e5748392a0b1c5f';
const GOOD = block(KEY);

/** The value behind a name in the block of a key, else the block. */
function valueIn({ tokens }: PskSubject, { at }: PresharedKey, name: string): Place {
  const start = tokens.findIndex((token) => token.at.line === at.line && token.at.column === at.column);
  for (let i = start + 1; start >= 0 && i < tokens.length && tokens[i]?.kind !== 'close'; i++) {
    const value = tokens[i + 1];
    if (tokens[i]?.text.toLowerCase() === name && value !== undefined) {
      return { line: value.at.line, column: value.at.column };
    }
  }
  return { line: at.line, column: at.column };
}

const noKey: Rule = {
  code: 'EMPTY_PSK',
  severity: 'warning',
  title: 'the file holds no key',
  why: 'Without a key the daemon cannot agree with any peer.',
  example: { bad: '# nothing yet\n', good: GOOD },
  *check({ keys, problems }) {
    if (keys.length === 0 && problems.length === 0)
      yield { line: 1, column: 1, what: 'the file holds no key', todo: 'add a block for each peer' };
  },
};

const weakSecret: Rule = {
  code: 'PSK_WEAK',
  severity: 'error',
  title: 'a preshared key that can be guessed',
  why: 'Whoever records one negotiation can try keys at home; below 128 bits, or with a byte repeated, trying ends in success.',
  example: { bad: block('0123abcd'), good: GOOD },
  *check(subject) {
    for (const one of subject.keys) {
      const reason = checkKey({ kind: 'psk' }, one.key);
      if (reason !== undefined)
        yield { ...valueIn(subject, one, 'key'), what: reason, todo: 'draw 256 bits at random, for both ends' };
    }
  },
};

const textSecret: Rule = {
  code: 'PSK_TEXT',
  severity: 'info',
  title: 'a preshared key in words',
  why: 'Text that people can remember holds far fewer bits than it has letters; only Oracle Solaris 11 takes it.',
  example: { bad: block('"correct horse battery staple"'), good: GOOD },
  *check(subject) {
    for (const one of subject.keys) {
      const place = valueIn(subject, one, 'key');
      const token = subject.tokens.find(({ at }) => at.line === place.line && at.column === place.column);
      if (token?.kind === 'string')
        yield { ...place, what: 'the key is quoted text', todo: 'write hexadecimal digits drawn at random' };
    }
  },
};

const shared: Rule = {
  code: 'KEY_REUSED',
  severity: 'warning',
  title: 'one key for several peers',
  why: 'Each peer that has the key can pass itself off as any other that has it.',
  example: { bad: GOOD + block(KEY, '10.0.0.10'), good: GOOD + block(OTHER, '10.0.0.10') },
  *check(subject) {
    const first = new Map<string, PresharedKey>();
    for (const one of subject.keys) {
      // The digest serves as a name within this run and is never shown.
      const name = one.key.fingerprint('');
      const other = first.get(name);
      if (other === undefined) first.set(name, one);
      else {
        yield {
          ...valueIn(subject, one, 'key'),
          what: 'another peer has the same key',
          todo: 'draw a key of its own for each pair of hosts',
          related: [{ line: other.at.line, column: other.at.column, what: 'the first one' }],
        };
      }
    }
  },
};

const aggressive: Rule = {
  code: 'AGGRESSIVE_MODE',
  severity: 'warning',
  title: 'aggressive mode with a preshared key',
  why: 'Aggressive mode sends a hash of the key to whoever asks, who then tries keys at home (RFC 2409 §5.4, CVE-2002-1623).',
  example: { bad: block(KEY, '10.0.0.9', '10.0.0.1', '  ike_mode aggressive\n'), good: GOOD },
  *check(subject) {
    for (const one of subject.keys) {
      if (one.mode?.toLowerCase() === 'aggressive')
        yield {
          ...valueIn(subject, one, 'ike_mode'),
          what: 'aggressive mode gives the key away to be guessed',
          todo: 'use main mode',
        };
    }
  },
};

const wrongSide: Rule = {
  code: 'WRONG_SIDE',
  severity: 'error',
  title: 'localid is no address of this host',
  why: 'The daemon finds a key by the two addresses of the exchange: this one is never found.',
  example: { local: ['10.0.0.9'], bad: GOOD, good: block(KEY, '10.0.0.1', '10.0.0.9') },
  *check(subject) {
    const { keys, local } = subject;
    if (local.length === 0) return;
    for (const one of keys) {
      const id = one.local;
      if (id.type !== 'ip' || local.some((own) => prefixContains(id.prefix, hostPrefix(own)))) continue;
      yield {
        ...valueIn(subject, one, 'localid'),
        what: 'localid is no address of this host',
        todo: 'let localid and remoteid change places, or mend the address',
      };
    }
  },
};

export const PSK_RULES: readonly Rule[] = [
  noKey,
  weakSecret,
  textSecret,
  shared,
  aggressive,
  wrongSide,
  insecureMode({ bad: GOOD, good: GOOD }),
];
