import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatFile } from '../../../../controller/keys/format-file.js';
import { PATTERN_KEYS } from '../../../../controller/policy/pattern-words.js';
import { parsePolicyDocument, SELECTOR_KEYS } from '../../../../controller/policy/syntax/policy-document.js';
import { printPolicyDocument } from '../../../../controller/policy/syntax/print-policy.js';
import { AT, blank, comment, plain, RUNS } from './documents.js';
import { policyEntry } from './policy-entries.js';

const unread = fc
  .constantFrom(
    '{lprt 80} bypass {}',
    'or {} ipsec',
    '{} deny {} # no',
    '{dir in}\n  drop {} x',
    '{laddr 10.0.0.300} drop {}',
  )
  .map((text) => ({ kind: 'unread' as const, at: AT, text }));
const items = fc.array(fc.oneof({ weight: 6, arbitrary: policyEntry }, comment, blank, unread), { maxLength: 8 });

function format(text: string): string {
  const formatted = formatFile('policy', text, 'ipsecinit.conf');
  if (formatted.kind === 'refused') throw new Error(formatted.problems.map(({ what }) => what).join('\n'));
  return formatted.text;
}

function problems(text: string): string[] {
  return formatFile('policy', text, 'f').problems.map(
    ({ severity, code, at }) => `${severity} ${code} ${at?.line ?? 0}:${at?.column ?? 0}`,
  );
}

describe('a policy document', () => {
  test('is read back as it was printed', () => {
    fc.assert(
      fc.property(items, (made) => {
        const text = printPolicyDocument({ items: made });
        expect(plain(parsePolicyDocument(text, 'f').document.items)).toEqual(plain(made));
      }),
      RUNS,
    );
  });

  test('is formatted once and for all, in lines that the tool does not cut', () => {
    fc.assert(
      fc.property(items, (made) => {
        const once = format(printPolicyDocument({ items: made }));
        expect(format(once)).toBe(once);
        for (const line of once.split('\n')) expect(Buffer.byteLength(line)).toBeLessThan(1000);
        expect(once === '' || once.endsWith('\n')).toBe(true);
      }),
      RUNS,
    );
  });

  test('knows every key that the loader knows', () => {
    expect([...SELECTOR_KEYS].sort()).toEqual([...PATTERN_KEYS.keys()].sort());
  });
});

describe('policy fmt', () => {
  test('one entry a line, single blanks, comments kept where they stand', () => {
    const text = [
      '',
      '#  the web server',
      '{ lport 80   ulp tcp # pages',
      '  dir both }   bypass{} # for all',
      '',
      '   ',
      '{} permit {encr_algs aes}  or or ',
      'ipsec{ encr_auth_algs sha256\tsa shared }',
      '',
      '',
    ].join('\n');
    expect(format(text)).toBe(
      [
        '#  the web server',
        '# pages',
        '{lport 80 ulp tcp dir both} bypass {} # for all',
        '',
        '{} permit {encr_algs aes} or ipsec {encr_auth_algs sha256 sa shared}',
        '',
      ].join('\n'),
    );
  });

  test('positions are those of the words in the file', () => {
    const [entry] = parsePolicyDocument('\n  {lport 80\n  dir both} pass {} # x\n', 'f').document.items.slice(1);
    expect(entry).toEqual({
      kind: 'entry',
      at: { line: 2, column: 3 },
      pattern: [
        { key: 'lport', value: '80', at: { line: 2, column: 4 } },
        { key: 'dir', value: 'both', at: { line: 3, column: 3 } },
      ],
      alternatives: [{ action: 'pass', properties: [], at: { line: 3, column: 13 } }],
      comment: { at: { line: 3, column: 21 }, text: ' x' },
    });
  });

  test('a byte order mark, CR LF and a missing last newline are mended and said', () => {
    const text = '\uFEFF# web\r\n{lport 80 dir both} pass {}\r\n{} drop {}';
    expect(format(text)).toBe('# web\n{lport 80 dir both} pass {}\n{} drop {}\n');
    expect(problems(text)).toEqual(['warning FMT_BOM 1:1', 'warning FMT_CRLF 1:6', 'warning FMT_LAST_NEWLINE 3:11']);
  });

  test('an entry that the tool refuses is left to the letter', () => {
    const text = '{lport  80} bypass {}# glued\n{lprt   80}\n   bypass {}\n{} drop {}\n';
    expect(format(text)).toBe(text);
    expect(problems(text)).toEqual(['warning FMT_UNREAD 1:1', 'warning FMT_UNREAD 3:4']);
  });

  test.each([
    ['a line that the tool cuts', `# ${'x'.repeat(1100)}\n`, ['error FMT_LINE_CUT 1:1']],
    ['an entry at which the tool dies', '{} drop {}\n{ulp icmp type} pass {}\n', ['error FMT_STOPS 2:1']],
    ['an entry at which the tool leaves', '{tunnel ip.tun0} pass {}\n', ['error FMT_STOPS 1:1']],
    ['a NUL byte', '{} drop\0 {}\n', ['error FMT_NUL 1:8']],
  ])('%s is refused with its place', (_what, text, expected) => {
    expect(formatFile('policy', text, 'f').kind).toBe('refused');
    expect(problems(text)).toEqual(expected);
  });

  test('an entry too long for a line is broken where the tool does not mind', () => {
    const words = Array.from({ length: 19 }, (_, i) => `encr_auth_algs sha256 encr_algs aes(${128 + i})`);
    const text = `{raddr ${'h'.repeat(600)} dir both} ipsec {${words[0]}} ${words
      .slice(1)
      .map((each) => `or\n ipsec {${each}}`)
      .join(' ')} # all of them\n`;
    const formatted = format(text);
    expect(formatted.split('\n').length).toBeGreaterThan(2);
    expect(formatted).not.toMatch(/\n\s*or/);
    expect(format(formatted)).toBe(formatted);
  });

  test('a comment too long for a line becomes several', () => {
    const formatted = format(`{} drop {} # ${'word '.repeat(200)}end\n`);
    expect(formatted.split('\n')).toHaveLength(4);
    expect(formatted.replace(/\n# ?/g, ' ').split('word')).toHaveLength(201);
  });

  test('an empty file stays empty', () => {
    expect(format('')).toBe('');
    expect(format('\n\n')).toBe('');
  });
});
