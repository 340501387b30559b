/** Policy entries made at random over the whole grammar: both styles, every alias, masks, ICMP, tunnels, alternatives. */

import fc from 'fast-check';
import type {
  AlternativeText,
  EntryItem,
  Pair,
  PropertyKey,
  SelectorKey,
} from '../../../../controller/policy/syntax/policy-document.js';
import { AT, commentText } from './documents.js';

const address = fc.constantFrom(
  ...['10.0.0.1', '10.1.2.3/16', '10', '10.1', '0x0a000001', '012.1.1.1', 'fd00::1', 'FD00:0::1/64', '::ffff:10.0.0.1'],
  ...['webserver', 'web-1.example.net', 'loopback', 'zürich/24', '::/0', '0.0.0.0/0', '10.0.0.1/999'],
);
const port = fc.constantFrom('80', '0x50', '010', 'ssh', 'my_service', '65535', '0');
const mask = fc.constantFrom('255.255.0.0', '0xffffff00', '24', '255.0.255.0', '255.255.255.255');
const dirWord = fc.constantFrom('in', 'out', 'inbound', 'outgoing');

type Pairs<Key extends string> = fc.Arbitrary<Pair<Key>[]>;

function pair<Key extends string>(keys: readonly Key[], value: fc.Arbitrary<string>): fc.Arbitrary<Pair<Key>> {
  return fc.tuple(fc.constantFrom(...keys), value).map(([key, text]) => ({ key, value: text, at: AT }));
}

/** Some of these groups, in any order. */
function someOf<Key extends string>(...groups: readonly Pairs<Key>[]): Pairs<Key> {
  return fc
    .tuple(...groups.map((group) => fc.option(group, { nil: [] })))
    .chain((made) => fc.shuffledSubarray(made, { minLength: made.length }))
    .map((made) => made.flat());
}

function one<Key extends string>(keys: readonly Key[], value: fc.Arbitrary<string>): Pairs<Key> {
  return pair(keys, value).map((made) => [made]);
}

const icmp: Pairs<SelectorKey> = fc
  .tuple(
    pair<SelectorKey>(['type'], fc.constantFrom('echo', '3', '0-8', '9-3', 'neigh-sol6')),
    fc.option(pair<SelectorKey>(['code'], fc.constantFrom('net-unr', '0-3', 'nonsense')), { nil: undefined }),
  )
  .map(([type, code]) => (code === undefined ? [type] : [type, code]));
const ulp = one<SelectorKey>(['ulp', 'proto'], fc.constantFrom('tcp', 'UDP', '58', '300', '-5', 'icmp', 'mine'));
const tunnel: Pairs<SelectorKey> = fc.tuple(
  pair<SelectorKey>(['tunnel'], fc.constantFrom('ip.tun0', '{', 'o\\r', 'a'.repeat(31))),
  pair<SelectorKey>(['negotiate'], fc.constantFrom('tunnel', 'transport', 'tunnelling')),
);

const oldPattern = someOf<SelectorKey>(
  one(['saddr', 'src', 'srcaddr'], address),
  one(['daddr', 'dst', 'dstaddr'], address),
  one(['sport'], port),
  one(['dport'], port),
  one(['smask'], mask),
  one(['dmask'], mask),
  ulp,
  icmp,
);
const newPattern = someOf<SelectorKey>(
  one(['laddr', 'local'], address),
  one(['raddr', 'remote'], address),
  one(['lport'], port),
  one(['rport'], port),
  one(['dir'], fc.oneof(dirWord, fc.constantFrom('both', 'bothways'))),
  fc.oneof(ulp, icmp, tunnel),
);

const auth = fc.constantFrom('sha1', 'HMAC-SHA256', 'any', '5', 'sha256(256)', 'md5(..128)', 'md5()');
const cipher = fc.constantFrom('aes', 'AES(256)', 'aes(128..256)', 'aes(..192)', 'aes(192..)', 'any', '3des', '12');
const sa = one<PropertyKey>(['sa'], fc.constantFrom('shared', 'unique'));
const protection = fc.oneof(
  someOf<PropertyKey>(one(['encr_algs'], fc.oneof(cipher, fc.constant('none'))), sa).chain((rest) =>
    pair<PropertyKey>(['encr_auth_algs', 'auth_algs'], auth).map((made) => [...rest, made]),
  ),
  fc.tuple(pair<PropertyKey>(['encr_algs'], fc.constantFrom('aes-gcm', 'aes-ccm8(128)'))),
);

function alternative(action: AlternativeText['action'], properties: readonly Pair<PropertyKey>[]): AlternativeText {
  return { action, properties, at: AT };
}

const clear = fc.constantFrom('bypass' as const, 'pass' as const, 'drop' as const);
const newAlternative = fc.oneof(
  fc
    .tuple(fc.constantFrom('apply' as const, 'permit' as const, 'ipsec' as const), protection)
    .map(([action, properties]) => alternative(action, properties)),
  fc.tuple(clear, fc.option(sa, { nil: [] })).map(([action, properties]) => alternative(action, properties)),
);

const oldAlternative = fc.oneof(
  fc
    .tuple(fc.constantFrom(['apply', 'out'] as const, ['permit', 'in'] as const), protection, fc.boolean())
    .map(([[action, dir], properties, given]) =>
      alternative(action, given ? [...properties, { key: 'dir', value: dir, at: AT }] : properties),
    ),
  fc
    .tuple(clear, fc.constantFrom('in', 'out'))
    .map(([action, dir]) => alternative(action, [{ key: 'dir', value: dir, at: AT }])),
);

/** `ipsec` wants its direction in an old-style pattern, not behind it. */
const oldBothWays = fc.tuple(
  fc.tuple(oldPattern, pair<SelectorKey>(['dir'], dirWord)).map(([pattern, dir]) => [...pattern, dir]),
  protection.map((properties) => [alternative('ipsec', properties)]),
);

/** Cipher and integrity in one forbids integrity in every alternative after it: the real tool forgets to reset a mark. */
function combines({ properties }: AlternativeText): boolean {
  return properties.some(({ value }) => /gcm|ccm/.test(value));
}

export const policyEntry: fc.Arbitrary<EntryItem> = fc
  .tuple(
    fc.oneof(
      fc.tuple(
        newPattern,
        fc
          .array(newAlternative, { minLength: 1, maxLength: 6 })
          .map((made) => (made.length > 1 ? made.filter((each) => !combines(each)) : made))
          .filter((made) => made.length > 0),
      ),
      fc.tuple(oldPattern, fc.tuple(oldAlternative)),
      oldBothWays,
    ),
    fc.option(commentText, { nil: undefined }),
  )
  .map(([[pattern, alternatives], text]) => ({
    kind: 'entry' as const,
    at: AT,
    pattern,
    alternatives,
    ...(text !== undefined && { comment: { at: AT, text } }),
  }));
