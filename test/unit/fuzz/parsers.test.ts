/** Every parser takes any text: it ends, says so with a value, and never with a crash or a leak of a key. */

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FILE_KINDS, formatFile, guessKind, type FileKind } from '../../../controller/keys/format-file.js';
import { parseIkeConfig } from '../../../controller/keys/parse-ike-config.js';
import { parseIkeDocument } from '../../../controller/keys/parse-ike-document.js';
import { parseIkePreshared } from '../../../controller/keys/parse-ike-preshared.js';
import { parseIpseckeys } from '../../../controller/keys/parse-ipseckeys.js';
import { parsePskDocument } from '../../../controller/keys/parse-psk-document.js';
import { parseIpsecalgs } from '../../../controller/policy/parse-ipsecalgs.js';
import { parsePolicy } from '../../../controller/policy/parse-ipsecinit.js';
import { parseListing, predictLoad } from '../../../controller/policy/predict-load.js';
import { algorithmsOf } from '../../../controller/policy/table-algorithms.js';

const PARSERS: Readonly<Record<FileKind | 'listing', (text: string) => unknown>> = {
  policy: (text) => [parsePolicy(text), predictLoad(text)],
  keys: (text) => parseIpseckeys(text, 'f', () => [{ family: 4, value: 1n }]),
  ike: (text) => parseIkeConfig(text, 'f'),
  psk: (text) => parseIkePreshared(text, 'f'),
  algs: (text) => algorithmsOf(parseIpsecalgs(text, 'f').document),
  listing: (text) => parseListing(text),
};

/** Reads a text as every kind of file; what is formatted has to stay as it is when formatted again. */
function readAll(text: string): void {
  for (const parse of Object.values(PARSERS)) parse(text);
  guessKind('x', text);
  for (const kind of FILE_KINDS) {
    const once = formatFile(kind, text, 'f');
    if (once.kind === 'refused') continue;
    const again = formatFile(kind, once.text, 'f');
    if (again.kind === 'refused' || again.text !== once.text) throw new Error(`${kind} is not settled by formatting`);
  }
}

const ALGS = readFileSync(new URL('../../fixtures/ipsecalgs', import.meta.url), 'utf8');
const SEEDS = [
  '{laddr 10.0.0.1/24 lport 22 ulp tcp dir both} bypass {} # ssh\n{saddr a} permit {encr_algs aes(128..256)}\n',
  '{} ipsec {auth_algs sha1} or pass {}\n{tunnel ip.tun0 negotiate tunnel ulp icmp type echo code 0} drop {}\n',
  '#INDEX 1\n{ dir out } pass { } \n#INDEX ip.tun0,3\n{ tunnel ip.tun0 negotiate tunnel dir in } drop { }\n',
  'add esp spi 0x100 dst 10.0.0.2 encr_alg aes encrkey 0011 \\\n  srcidtype fqdn "a b"\nflush\nquit\n',
  'p2_pfs 14\np1_xform { auth_method preshared encr_alg aes(128..256) } # x\n{ label "a" local_addr 10.0.0.0/8 }\n',
  '{ localidtype IP localid 10.0.0.1 remoteidtype IP remoteid 10.0.0.2 key "a\\"b" } // x\n',
  ALGS.slice(0, 600),
];
const pieces = [
  '{',
  '}',
  '(',
  ')',
  '"',
  '#',
  '//',
  '\\',
  '\\\n',
  '\n',
  '\r\n',
  '\t',
  '\0',
  '\uFEFF',
  'or',
  '|',
  ',',
  '/',
  '..',
];
const RUNS = { seed: 7 };

describe('any text is read without a crash, and formatting settles it', () => {
  test('random bytes', () => {
    const character = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));
    const anything = fc.array(character, { maxLength: 80 }).map((characters) => characters.join(''));
    const bytes = fc.uint8Array({ maxLength: 120 }).map((one) => Buffer.from(one).toString('latin1'));
    fc.assert(fc.property(fc.oneof(bytes, anything), readAll), {
      ...RUNS,
      numRuns: 60,
    });
  });

  test('words and marks of the languages in any order', () => {
    const words = SEEDS.flatMap((seed) => seed.match(/[\w.]+/g) ?? []);
    const part = fc.oneof(fc.constantFrom(...pieces), fc.constantFrom(...words), fc.constant(' '));
    const text = fc.array(part, { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(fc.property(text, readAll), { ...RUNS, numRuns: 150 });
  });

  test('good files with a few places changed', () => {
    const change = fc.record({ at: fc.nat(700), drop: fc.nat(12), put: fc.constantFrom('', 'x', ' ', ...pieces) });
    fc.assert(
      fc.property(fc.constantFrom(...SEEDS), fc.array(change, { minLength: 1, maxLength: 4 }), (seed, changes) => {
        readAll(
          changes.reduce((text, { at, drop, put }) => {
            const place = at % (text.length + 1);
            return text.slice(0, place) + put + text.slice(place + drop);
          }, seed),
        );
      }),
      { ...RUNS, numRuns: 120 },
    );
  });
});

/** Not timed: the sizes are such that anything quadratic would run into the time limit of a test. */
describe('a very large file is read in reasonable time', () => {
  const TEN_MB = 10 * 1024 * 1024;

  test('a line of 10 MB', () => {
    for (const text of ['a'.repeat(TEN_MB), '{'.concat('/'.repeat(TEN_MB)), '"'.concat('\\'.repeat(TEN_MB))]) {
      for (const parse of Object.values(PARSERS)) expect(parse(text)).toBeDefined();
    }
  });

  test('brackets in brackets in brackets, and quotes that nothing closes', () => {
    for (const unit of ['{', '{ ', '}', '(', '"', '{ label ', '{ key ', '{} pass {} or ', '\\\n']) {
      const text = unit.repeat(6000);
      for (const parse of Object.values(PARSERS)) expect(parse(text)).toBeDefined();
      for (const kind of FILE_KINDS) expect(formatFile(kind, text, 'f').problems).toBeDefined();
    }
  });

  test('100,000 blank lines', () => {
    for (const kind of FILE_KINDS) expect(formatFile(kind, '\n'.repeat(100_000), 'f')).toMatchObject({ text: '' });
  });

  test('130,000 comments between two words are all kept', () => {
    const comments = '#\n'.repeat(130_000);
    expect(parseIkeDocument(`p2_pfs\n${comments}14\n`, 'f').document.items).toHaveLength(130_001);
    const psk = parsePskDocument(`{ localid\n${comments}10.0.0.1 }\n`, 'f').document.items;
    expect(psk).toMatchObject([{ kind: 'block', lines: { length: 130_001 } }]);
  });

  test('100,000 rules are loaded, every one of them', () => {
    const rules = Array.from({ length: 100_000 }, (_, i) => {
      return `{raddr 10.${i >> 16}.${(i >> 8) & 255}.${i & 255} dir in} drop {}\n`;
    });
    expect(predictLoad(rules.join('')).rules).toHaveLength(100_000);
  });

  test('an ICMP rule is not compared with every rule before it', () => {
    const icmp = (i: number, algorithm: string): string =>
      `{laddr 10.${i >> 8}.${i & 255}.0/24 ulp icmp dir in} ipsec {encr_algs ${algorithm} encr_auth_algs sha1}\n`;
    const others = Array.from({ length: 8000 }, (_, i) => `{laddr 11.${i >> 8}.${i & 255}.0/24 dir in} drop {}\n`);
    const refused = Array.from({ length: 8000 }, (_, i) => icmp(i + 1, '3des'));
    expect(predictLoad([icmp(0, 'aes'), ...others, ...refused].join('')).rules).toHaveLength(8001);
  });
});
