import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatFile } from '../../../../controller/keys/format-file.js';
import { ALGORITHMS } from '../../../../controller/policy/algorithms.js';
import { EXEC_MODES, parseIpsecalgs, type AlgsItem } from '../../../../controller/policy/parse-ipsecalgs.js';
import { printIpsecalgs } from '../../../../controller/policy/print-ipsecalgs.js';
import { algorithmsOf } from '../../../../controller/policy/table-algorithms.js';
import { AT, blank, comment, plain, RUNS } from './documents.js';

const STOCK = readFileSync(new URL('../../../fixtures/ipsecalgs', import.meta.url), 'utf8');

function problems(text: string): string[] {
  return parseIpsecalgs(text, 'f').problems.map(({ code, what, at }) => `${code} ${at?.line}:${at?.column} ${what}`);
}

describe('the algorithm table', () => {
  test('of a stock host is the table that policies are read with', () => {
    const { document, problems: found } = parseIpsecalgs(STOCK, 'ipsecalgs');
    expect(found).toEqual([]);
    expect(algorithmsOf(document)).toEqual(ALGORITHMS);
  });

  test('of a stock host is in our style already', () => {
    expect(formatFile('algs', STOCK, 'ipsecalgs')).toMatchObject({ kind: 'formatted', text: STOCK, problems: [] });
  });

  test('knows lists of key sizes, ranges, and algorithms that we do not know', () => {
    const text = 'proto|3|PROTO_IPSEC_ESP|async\nALG|3|200|camellia,cam|CKM_CAMELLIA_CBC|256,128,192|16\n';
    const [camellia] = algorithmsOf(parseIpsecalgs(text, 'f').document);
    expect(camellia).toEqual({
      ...{ kind: 'encr', number: 200, name: 'camellia', aliases: ['cam'], combined: false, saltBits: 0 },
      ...{ defaultBits: 256, minBits: 128, maxBits: 256, stepBits: 64, strength: 'weak' },
    });
  });

  const numbers = fc.array(fc.nat(4096), { minLength: 1, maxLength: 3 });
  const word = fc.constantFrom('aes', 'aes-cbc', 'x', 'CKM_AES_CBC', 'ζ');
  const keySizes = fc.oneof(
    numbers.map((bits) => ({ kind: 'list' as const, bits })),
    fc.tuple(fc.integer({ min: 1, max: 999 }), fc.integer({ min: 1, max: 999 })).map(([a, b]) => {
      return { kind: 'range' as const, defaultBits: a, minBits: b, maxBits: a + b, stepBits: a };
    }),
  );
  const extra = fc.oneof(
    fc.constant({}),
    fc.record({ parameters: numbers }),
    fc.record({ parameters: numbers, flags: fc.nat(31) }),
  );
  const algorithm = fc
    .tuple(fc.constantFrom(2, 3), fc.nat(255), fc.tuple(word, word), word, keySizes, numbers, extra)
    .map(([protocol, number, names, mechanism, sizes, blockBytes, more]): AlgsItem => {
      return { kind: 'algorithm', at: AT, protocol, number, names, mechanism, keySizes: sizes, blockBytes, ...more };
    });
  const protocol = fc.constantFrom(...EXEC_MODES).map((execMode): AlgsItem => {
    return { kind: 'protocol', at: AT, number: 3, name: 'PROTO_IPSEC_ESP', execMode };
  });
  const head: AlgsItem[] = [2, 3].map((number) => {
    return { kind: 'protocol', at: AT, number, name: `PROTO_${number}`, execMode: 'sync' };
  });

  test('is read back as it was printed', () => {
    const items = fc.array(fc.oneof(algorithm, protocol, comment, blank), { maxLength: 8 });
    fc.assert(
      fc.property(items, (made) => {
        const document = { items: [...head, ...made] };
        expect(plain(parseIpsecalgs(printIpsecalgs(document), 'f').document)).toEqual(plain(document));
      }),
      RUNS,
    );
  });

  const ESP = 'PROTO|3|PROTO_IPSEC_ESP|sync\n';
  test.each([
    ['ALGO|3|1\n', 'ALGS_LINE 1:1 the line begins with'],
    [' ALG|3|12|aes|-|128|16\n', 'ALGS_LINE 1:1 the line begins with'],
    ['PROTO|3|ESP|fast\n', 'ALGS_LINE 1:13 unknown execution mode'],
    ['PROTO|0|ESP|sync\n', 'ALGS_LINE 1:7 not the number of a protocol'],
    ['ALG|3|12|aes|-|128|16\n', 'ALGS_LINE 1:5 no PROTO line before'],
    [`${ESP}ALG|3|1x|aes|-|128|16\n`, 'ALGS_LINE 2:7 not the number of an algorithm'],
    [`${ESP}ALG|3|12|aes,|-|128|16\n`, 'ALGS_LINE 2:10 not a list of names'],
    [`${ESP}ALG|3|12|aes|-|128/256-128,64|16\n`, 'ALGS_LINE 2:16 not key sizes'],
    [`${ESP}ALG|3|12|aes|-|128|16||4\n`, 'ALGS_LINE 2:23 an empty field'],
    [`${ESP}ALG|3|12|aes|-\n`, 'ALGS_LINE 2:1 an algorithm has six'],
    ['# End SUNWfoo\n', 'ALGS_LINE 1:1 this comment begins or ends a package'],
    [`#${'x'.repeat(1100)}\n`, 'ALGS_LINE_CUT 1:1 the line is 1023'],
  ])('%j has a problem with its place', (text, expected) => {
    expect(problems(text)).toEqual([expect.stringContaining(expected)]);
  });
});
