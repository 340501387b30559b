import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatFile, guessKind } from '../../../controller/keys/format-file.js';
import { parseIkeConfig } from '../../../controller/keys/parse-ike-config.js';
import { parseIkeDocument, type IkeItem, type IkeRuleLine } from '../../../controller/keys/parse-ike-document.js';
import { parsePskDocument, PSK_NAMES, type PskItem } from '../../../controller/keys/parse-psk-document.js';
import { printIkeDocument } from '../../../controller/keys/print-ike-config.js';
import { printPskDocument } from '../../../controller/keys/print-ike-preshared.js';
import { IN_FULL } from '../../../controller/keys/print-keys.js';
import { Secret } from '../../../controller/model/secret.js';
import { AT, blank, commentText, lineText, plain, RUNS } from '../policy/syntax/documents.js';

const mark = fc.constantFrom('#' as const, '//' as const);
const remark = fc.tuple(mark, commentText).map(([one, text]) => ({ at: AT, mark: one, text }));
const comment = remark.map((one) => ({ kind: 'comment' as const, ...one }));
const trailing = fc.option(remark, { nil: undefined }).map((one) => (one === undefined ? {} : { comment: one }));
const value = fc.oneof(
  fc.oneof(lineText, fc.constant('two\nlines')).map((text) => ({ text, quoted: true })),
  fc
    .constantFrom('10.0.0.1', 'a/b', 'x\\y', '0x10', 'fd00::/64', '10.0.0.1-10.0.0.9', 'back\\', 'zürich')
    .map((text) => {
      return { text, quoted: false };
    }),
);

function setting(names: readonly string[]): fc.Arbitrary<IkeRuleLine> {
  return fc.tuple(fc.constantFrom(...names), value, trailing).map(([name, one, more]) => {
    return { kind: 'setting', at: AT, name, value: one, ...more };
  });
}

const transform: fc.Arbitrary<IkeRuleLine> = fc
  .tuple(
    fc.array(fc.tuple(fc.constantFrom('auth_method', 'encr_alg', 'oakley_group'), value, fc.boolean()), {
      maxLength: 4,
    }),
    trailing,
  )
  .map(([pairs, more]) => ({
    kind: 'transform',
    at: AT,
    settings: pairs.map(([name, one, long]) => {
      return { name, value: one, at: AT, ...(long && { lengths: '128..256' }) };
    }),
    ...more,
  }));
const flag = fc.tuple(fc.constantFrom('ignore_crls', 'use_http'), trailing).map(([name, more]): IkeRuleLine => {
  return { kind: 'setting', at: AT, name, ...more };
});
const line = fc.oneof(setting(['label', 'local_addr', 'remote_id', 'p2_pfs']), transform, comment, blank);
const rule: fc.Arbitrary<IkeItem> = fc.tuple(fc.array(line, { maxLength: 6 }), trailing).map(([lines, more]) => {
  return { kind: 'rule', at: AT, lines, ...more };
});
const unread: fc.Arbitrary<IkeItem> = fc
  .constantFrom('nonsense 1 { x\n }', '{ label "x"\n   frob 1\n}', '}', 'p1_xform preshared // no')
  .map((text) => ({ kind: 'unread', at: AT, text }));
const items = fc.array(
  fc.oneof(setting(['cert_root', 'p2_pfs', 'retry_limit']), flag, transform, rule, comment, blank, unread),
  { maxLength: 6 },
);

describe('an IKE configuration', () => {
  test('is read back as it was printed', () => {
    fc.assert(
      fc.property(items, (made) => {
        const text = printIkeDocument({ items: made });
        expect(plain(parseIkeDocument(text, 'f').document.items)).toEqual(plain(made));
      }),
      RUNS,
    );
  });

  test('is a setting a line, means the same, and is formatted once and for all', () => {
    const text = [
      'p2_pfs   14 p1_xform {auth_method preshared // how',
      ' oakley_group 14 auth_alg sha256 encr_alg aes (256)} # ours',
      '{label "db1" local_addr 10.0.0.1',
      '',
      '',
      ' remote_addr 10.0.0.0/24 # theirs',
      '} // end',
    ].join('\n');
    const formatted = formatFile('ike', text, 'config');
    const expected = [
      'p2_pfs 14',
      '// how',
      'p1_xform { auth_method preshared oakley_group 14 auth_alg sha256 encr_alg aes(256) } # ours',
      '{',
      '  label "db1"',
      '  local_addr 10.0.0.1',
      '',
      '  remote_addr 10.0.0.0/24 # theirs',
      '} // end',
      '',
    ].join('\n');
    expect(formatted).toMatchObject({ kind: 'formatted', text: expected });
    expect(plain(parseIkeConfig(expected, 'f'))).toEqual(plain(parseIkeConfig(text, 'f')));
    expect(formatFile('ike', expected, 'config')).toMatchObject({ text: expected, problems: [] });
  });

  test.each([
    ['a quote', '{ label "x\n}\n', '1:9'],
    ['a rule', 'use_http\n{ label x\n', '2:1'],
    ['a bracket', 'p1_xform { encr_alg aes(128 }\n', '1:24'],
  ])('%s that is not closed is refused with its place', (_what, text, place) => {
    const { kind, problems } = formatFile('ike', text, 'f');
    expect([kind, ...problems.map(({ code, at }) => `${code} ${at?.line}:${at?.column}`)]).toEqual([
      'refused',
      `FMT_UNCLOSED ${place}`,
    ]);
  });
});

const KEY = '5ec0de0123456789';
const field = fc.tuple(fc.constantFrom(...PSK_NAMES), value).map(([name, one]) => ({
  ...{ kind: 'field' as const, at: AT, name, quoted: one.quoted },
  value: name === 'key' ? Secret.fromText(one.text) : one.text,
}));
const block: fc.Arbitrary<PskItem> = fc.array(fc.oneof(field, comment, blank), { maxLength: 6 }).map((lines) => {
  return { kind: 'block', at: AT, lines };
});
const closed: fc.Arbitrary<PskItem> = fc
  .constantFrom('{ localid 1 kye 5ec0de }', 'key 5ec0de', '{ { key 1 } }', '}')
  .map((text) => ({ kind: 'unread', at: AT, text: Secret.fromText(text) }));

describe('a file of preshared keys', () => {
  test('is read back as it was printed', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(block, comment, blank, closed), { maxLength: 6 }), (made) => {
        const text = printPskDocument({ items: made }, IN_FULL);
        expect(plain(parsePskDocument(text, 'f').document.items)).toEqual(plain(made));
      }),
      RUNS,
    );
  });

  test('has a name and value a line, and comments in the first column', () => {
    const text = `{ LocalIDtype IP  localid 10.0.0.1 # ours\n  key 0x${KEY} } # db1\n`;
    expect(formatFile('psk', text, 'f')).toMatchObject({
      kind: 'formatted',
      text: `# db1\n{\n  localidtype IP\n# ours\n  localid 10.0.0.1\n  key 0x${KEY}\n}\n`,
      shown: '# db1\n{\n  localidtype IP\n# ours\n  localid 10.0.0.1\n  key <key not shown>\n}\n',
    });
  });

  test.each([
    `{ key ${KEY} }`,
    `{ key "${KEY} a word" }`,
    `{ kye ${KEY} }`,
    `# key ${KEY}`,
    `key ${KEY}`,
    `{ localid ${KEY}${KEY} key 1 }`,
    `{ key ${KEY}`,
    `{ key "${KEY}`,
  ])('%j is shown without its key', (text) => {
    const formatted = formatFile('psk', text, 'f');
    expect(JSON.stringify([formatted.problems, formatted.kind === 'formatted' && formatted.shown])).not.toContain(
      '5ec0de',
    );
  });
});

test.each([
  ['/etc/inet/ipsecinit.conf', '', 'policy'],
  ['x/ike/config', '', 'ike'],
  ['secret/ike.preshared', '', 'psk'],
  ['a', '# web\n{lport 22}\n apply {}', 'policy'],
  ['a', '{\n  label "x"\n}', 'ike'],
  ['a', '{ localidtype IP }', 'psk'],
  ['a', '# x\nadd esp spi 1', 'keys'],
  ['a', 'ALG|2|1', 'algs'],
  ['a', '# add esp spi\nhello', undefined],
])('%s with %j is a file of the kind %s', (path, text, kind) => {
  expect(guessKind(path, text)).toBe(kind);
});
