import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatFile } from '../../../controller/keys/format-file.js';
import { parseKeyDocument, type KeyField, type KeyItem } from '../../../controller/keys/parse-key-document.js';
import { IN_FULL } from '../../../controller/keys/print-keys.js';
import { printKeyDocument } from '../../../controller/keys/print-ipseckeys.js';
import { parseIpseckeys, type ParsedCommand } from '../../../controller/keys/parse-ipseckeys.js';
import { Secret } from '../../../controller/model/secret.js';
import { AT, blank, comment, commentText, plain, RUNS } from '../policy/syntax/documents.js';

const KEY = '5ec0de0123456789abcdef0123456789';

function field(keyword: string, ...values: readonly (string | Secret)[]): KeyField {
  return { keyword, values, at: AT };
}

const number = fc.constantFrom('1', '0x1001', '077', '4294967295');
const address = fc.constantFrom('10.0.0.1', 'webserver', 'fd00::1', 'zürich');
const some = (...fields: readonly fc.Arbitrary<KeyField>[]): fc.Arbitrary<KeyField[]> =>
  fc
    .tuple(...fields.map((one) => fc.option(one, { nil: undefined })))
    .chain((made) => fc.shuffledSubarray(made, { minLength: made.length }))
    .map((made) => made.filter((one) => one !== undefined));
const of = (keywords: readonly string[], value: fc.Arbitrary<string>): fc.Arbitrary<KeyField> =>
  fc.tuple(fc.constantFrom(...keywords), value).map(([keyword, text]) => field(keyword, text));

const identity = fc
  .tuple(
    fc.constantFrom('srcidtype', 'dstidtype'),
    fc.constantFrom('fqdn', 'MAILBOX', 'der_dn', '7'),
    fc.constantFrom('host.example', 'C=DE, O=Ein Haus', 'a"b c', '#x', 'user@host'),
  )
  .map(([keyword, type, text]) => field(keyword, type, text));
const sa: fc.Arbitrary<KeyItem> = fc
  .tuple(
    fc.constantFrom('add' as const, 'update' as const),
    fc.constantFrom('esp', 'ESP', '3'),
    number,
    some(
      of(['src', 'saddr', 'srcaddr'], address),
      of(['encr_alg', 'encralg'], fc.constantFrom('aes', '3DES', '12')),
      of(['hard_bytes'], number),
      of(['soft_addtime'], number),
      of(['idle_usetime'], number),
      of(['sport'], number),
      of(['proto', 'ulp'], fc.constantFrom('4', '41')),
      of(['replay_value'], number),
      of(['isrc', 'proxy'], fc.constantFrom('10.1.0.0/16', 'fd00::/64')),
      fc.constantFrom(field('inbound'), field('outbound')),
      identity,
    ),
    fc.constantFrom(KEY, `0x${KEY}`, `${KEY}/128`, '123'),
  )
  .map(([name, type, spi, fields, key]) => ({
    kind: 'command' as const,
    at: AT,
    name,
    type,
    fields: [
      ...[field('spi', spi), field('dst', '10.0.0.2'), field('auth_alg', 'sha1'), ...fields],
      field('authkey', Secret.fromText(key)),
    ],
  }));
const lookup: fc.Arbitrary<KeyItem> = fc
  .constantFrom('delete' as const, 'get' as const, 'delete-pair' as const)
  .map((name) => {
    return { kind: 'command', at: AT, name, type: 'ah', fields: [field('spi', '9'), field('daddr', 'peer')] };
  });
const flush: fc.Arbitrary<KeyItem> = fc.constantFrom(undefined, 'ah', 'ESP', 'all').map((type) => {
  return { kind: 'command', at: AT, name: 'flush', ...(type !== undefined && { type }), fields: [] };
});
const unread: fc.Arbitrary<KeyItem> = fc
  .constantFrom('add esp spi 1 \\\n  bogus 2', 'frobnicate', '# off \\\nadd esp spi 1', `add ah spi 1 encrkey ${KEY}`)
  .map((text) => ({ kind: 'unread', at: AT, text: Secret.fromText(text) }));
const keyComment = comment.filter(({ text }) => !text.endsWith('\\'));
const items = fc.array(fc.oneof({ weight: 5, arbitrary: sa }, lookup, flush, keyComment, blank, unread), {
  maxLength: 7,
});

/** What the tool would be asked, without places and texts. */
function commandsOf(text: string): unknown {
  const { commands } = parseIpseckeys(text, 'f', () => [{ family: 4, value: 1n }]);
  return commands.map(({ command }): ParsedCommand => command).map(plain);
}

function readCases(): { id: string; input: string; accept: boolean; load_exit: number; nsaved: number }[] {
  return readFileSync(new URL('../../fixtures/corpus/keys.jsonl', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

describe('a file of manual keys', () => {
  test('is read back as it was printed', () => {
    fc.assert(
      fc.property(items, (made) => {
        const text = printKeyDocument({ items: made }, IN_FULL);
        expect(plain(parseKeyDocument(text, 'f').document.items)).toEqual(plain(made));
      }),
      RUNS,
    );
  });

  test('asks the same of the kernel after formatting, in every case of the corpus', () => {
    let formattedCases = 0;
    for (const { id, input } of readCases()) {
      const once = formatFile('keys', input, 'f');
      if (once.kind === 'refused') continue;
      formattedCases++;
      const mended = once.problems.some(({ code }) => /CRLF|BOM|NEWLINE/.test(code));
      if (!mended) expect({ id, asked: commandsOf(once.text) }).toEqual({ id, asked: commandsOf(input) });
      expect({ id, again: formatFile('keys', once.text, 'f') }).toMatchObject({ id, again: { text: once.text } });
    }
    expect(formattedCases).toBeGreaterThan(440);
  });

  test('is one command a line, with comments where they stand', () => {
    const text = [
      '#  both ways',
      'add   esp \\',
      '   spi 1 dst 10.0.0.2 \\',
      `   auth_alg sha1 authkey ${KEY}`,
      '',
      '',
      '   # the other',
      'delete ah spi "2" dst peer',
    ].join('\n');
    expect(formatFile('keys', text, 'f')).toMatchObject({
      kind: 'formatted',
      text: `#  both ways\nadd esp spi 1 dst 10.0.0.2 auth_alg sha1 authkey ${KEY}\n\n# the other\ndelete ah spi 2 dst peer\n`,
    });
  });

  test('shows no key, wherever one stands', () => {
    const lines = [
      `add esp spi 1 dst 10.0.0.2 auth_alg sha1 authkey ${KEY}`,
      `add esp spi 1 dst 10.0.0.2 auth_alg sha1 authkey "${KEY}"`,
      `# add esp spi 1 authkey ${KEY}`,
      `# formerly ${KEY}`,
      `# the key is 5ec0de`,
      `add esp spi 1 dst 10.0.0.2 authkey: ${KEY}`,
      `add esp spi 1 dst ${KEY} auth_alg sha1 authkey 00`,
      `${KEY}`,
      `quit`,
      `${KEY}`,
    ];
    const formatted = formatFile('keys', lines.join('\n'), 'f');
    expect(formatted.kind).toBe('formatted');
    const said = formatted.kind === 'formatted' ? formatted.shown : '';
    expect(said).not.toMatch(/5ec0de/);
    expect(said.split('\n')).toHaveLength(lines.length + 1);
    expect(JSON.stringify(formatted.problems)).not.toMatch(/5ec0de/);
  });

  test.each([
    ['a backslash that joins nothing before CR LF', '# x \\\r\nflush\r\n', 'FMT_BACKSLASH 1:5'],
    ['a backslash at the very end', 'flush\\', 'FMT_BACKSLASH 1:6'],
    ['a command that is dropped', 'flush \\\n', 'KEYS_COMMAND_DROPPED 1:1'],
    ['a command at which the tool dies', 'flush\nadd esp inbound spi 1\n', 'KEYS_TOOL_DIES 2:1'],
    ['a line that is too long', `# ${'x'.repeat(4100)}\n`, 'KEYS_LINE_TOO_BIG 1:1'],
    ['a NUL byte', 'flush\0\n', 'FMT_NUL 1:6'],
  ])('%s is refused with its place', (_what, text, expected) => {
    const formatted = formatFile('keys', text, 'f');
    expect(formatted.kind).toBe('refused');
    expect(formatted.problems.map(({ code, at }) => `${code} ${at?.line}:${at?.column}`)).toEqual([expected]);
  });

  test('a comment is masked from the word key on, and an ordinary one is not', () => {
    fc.assert(
      fc.property(commentText, (text) => {
        fc.pre(!/key|[0-9a-f]{8}/i.test(text) && !text.endsWith('\\'));
        expect(formatFile('keys', `#${text}\n`, 'f')).toMatchObject({ shown: `#${text}\n` });
      }),
      RUNS,
    );
  });
});
