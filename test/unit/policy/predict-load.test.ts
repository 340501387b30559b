import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  canonicalFromListing,
  canonicalListing,
  parseListing,
  predictLoad,
} from '../../../controller/policy/predict-load.js';
import { ipsecconf } from '../../../controller/lab/tools/ipsecconf.js';
import { emptySpd } from '../../../controller/policy/spd.js';
import { NAMES } from './corpus.js';

describe('the load of a file is predicted', () => {
  test('rules come by index, with priority, direction, family and the entry they stem from', () => {
    const { accepted, exit, messages, rules } = predictLoad(
      '{dir in} drop {}\n{raddr 10.0.0.3} ipsec {auth_algs md5}\n',
    );
    expect({ accepted, exit, messages }).toEqual({ accepted: true, exit: 0, messages: '' });
    expect(
      rules.map(({ index, dir, family, priority, source }) => [index, dir, family, priority, source.line]),
    ).toEqual([
      [1, 'in', 4, 0xfffff, 1],
      [2, 'in', 6, 0xfffff, 1],
      [3, 'out', 4, 0x2ffffe, 2],
      [4, 'in', 4, 0x2ffffe, 2],
    ]);
  });

  test('a wrong entry refuses the whole file', () => {
    const { accepted, rules, messages } = predictLoad('{dir in} drop {}\n{} deny {}\n');
    expect({ accepted, rules }).toEqual({ accepted: false, rules: [] });
    expect(messages).toContain('ipsecconf: 1 policy rule(s) contained errors.\nipsecconf: Fatal error - exiting.\n');
  });

  test('success is no promise: a bypass without a direction and an empty file load nothing', () => {
    expect(predictLoad('{} bypass {}\n')).toMatchObject({ accepted: true, rules: [] });
    expect(predictLoad('# nothing\n')).toMatchObject({ accepted: true, rules: [] });
  });

  test('a crash is a verdict of its own', () => {
    expect(predictLoad('{ulp icmp type} pass {}\n')).toMatchObject({ accepted: false, exit: 139, rules: [] });
  });

  test('tunnel rules follow the host’s', () => {
    const text = '{tunnel ip.tun0 negotiate tunnel dir in} drop {}\n{dir in} drop {}\n';
    expect(predictLoad(text).rules.map(({ tunnel, index }) => `${tunnel?.name ?? 'host'} ${index}`)).toEqual([
      'host 1',
      'host 2',
      'ip.tun0 1',
      'ip.tun0 2',
    ]);
  });

  test('a thousand entries load in order', () => {
    const text = Array.from(
      { length: 1000 },
      (_, i) => `{raddr 10.1.${i >> 8}.${i & 255}} ipsec {auth_algs sha256}\n`,
    ).join('');
    const { rules } = predictLoad(text);
    expect(rules).toHaveLength(2000);
    expect(rules.at(-1)?.priority).toBe(0x200000 | (0xfffff - 999));
  });
});

describe('listings are compared in one form', () => {
  const text =
    '{tunnel ip.tun0 negotiate tunnel} ipsec {auth_algs sha1}\n{raddr 10.0.0.3} ipsec {auth_algs md5}\n{dir in} drop {}\n';

  test('what a host lists is what was predicted', () => {
    const files = { read: (path: string) => (path === 'p' ? text : undefined), write: () => undefined };
    const call = { env: {}, stdin: '', files };
    const { state } = ipsecconf({ ...call, argv: ['-q', '-a', 'p'], state: emptySpd() });
    const { stdout } = ipsecconf({ ...call, argv: ['-Ln'], state });
    expect(canonicalFromListing(stdout)).toEqual(canonicalListing(predictLoad(text).rules));
    expect(parseListing(stdout)).toContainEqual({
      index: 2,
      text: '{ raddr 10.0.0.3/32 dir in } ipsec { auth_algs hmac-md5(128) sa shared }',
    });
    expect(parseListing(stdout)).toContainEqual({
      index: 1,
      tunnel: 'ip.tun0',
      text: '{ tunnel ip.tun0 negotiate tunnel dir out } ipsec { auth_algs hmac-sha1(160) sa shared }',
    });
  });

  test('nothing listed is no rule', () => {
    expect(canonicalFromListing('')).toEqual([]);
  });

  const word = (key: string, values: readonly string[]): fc.Arbitrary<string> =>
    fc
      .option(fc.constantFrom(...values), { nil: undefined })
      .map((value) => (value === undefined ? '' : `${key} ${value} `));
  const entry = fc
    .tuple(
      word('laddr', ['10.0.0.1', '10.1.2.3/16', 'fd00::1', 'multi', 'dual']),
      word('raddr', ['10.0.0.9/8', 'fd00::/8', 'fd00:9::1', 'webserver']),
      word('ulp', ['tcp', 'udp', '1', '58']),
      word('lport', ['80', 'http', '0x35']),
      word('rport', ['22', '65535']),
      word('type', ['echo', '3', '0-20']),
      word('dir', ['in', 'out', 'both']),
      fc.constantFrom(
        'pass {}',
        'drop {}',
        'ipsec {auth_algs sha}',
        'ipsec {encr_algs aes(192..) encr_auth_algs md5 sa unique}',
        'apply {encr_algs aes-gcm}',
        'permit {encr_auth_algs sha512} or drop {}',
      ),
    )
    .map(([...words]) => `{${words.slice(0, -1).join('')}} ${words.at(-1) ?? ''}\n`);

  test('a listing loaded again gives the same listing', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
        const { rules, exit } = predictLoad(entries.join(''), NAMES);
        fc.pre(exit === 0);
        const listed = canonicalListing(rules);
        const again = predictLoad(listed.map((line) => `${line}\n`).join(''), NAMES);
        expect(canonicalListing(again.rules).toSorted()).toEqual(listed.toSorted());
      }),
    );
  });
});
