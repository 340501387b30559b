/** `policy decide` for people. What the kernel decides is held to recorded packets in test/cli/policy-predict.test.ts. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OperatorError } from '../../../controller/errors.js';
import { parseAddress } from '../../../controller/model/address.js';
import type { Selector } from '../../../controller/model/policy.js';
import type { Packet } from '../../../controller/model/packet.js';
import { playPolicy } from '../../../controller/policy/decide-answers.js';
import { selectorMisses } from '../../../controller/policy/decide-misses.js';
import { parsePacketWords } from '../../../controller/policy/decide-packet.js';
import { decideWords } from '../../../controller/policy/decide-words.js';
import { selectorMeets } from '../../../controller/policy/match-selector.js';
import { REFERENCE_HOST } from '../../../controller/policy/reference-host.js';
import { hostRules } from '../../../controller/policy/spd.js';
import { decideText } from '../../../controller/report/decide-text.js';
import { plain } from '../../../controller/report/paint.js';

const ip = (text: string) => parseAddress(text) ?? expect.fail(text);
const read = (words: string) => parsePacketWords(words, REFERENCE_HOST);

const WEB = `{lport 80 ulp tcp dir both} bypass {}
{lport 443 ulp tcp dir both} bypass {}
{raddr 10.9.9.9 dir in} drop {}
{} ipsec {encr_algs aes encr_auth_algs sha256}
`;

function shown(words: string, policy = WEB): string {
  const { spd, marksOf } = playPolicy([{ options: ['-q', '-a'], text: policy }], REFERENCE_HOST.names);
  return decideText(decideWords(hostRules(spd), read(words), marksOf), 'web.conf', plain);
}

describe('a packet is asked about in words', () => {
  test('both ends with ports, the direction said', () => {
    expect(read('in tcp 192.0.2.9:40000 -> 10.0.1.11:22 clear')).toMatchObject({
      dir: 'in',
      arrives: { kind: 'clear' },
      packet: { local: ip('10.0.1.11'), remote: ip('192.0.2.9'), protocol: 6, localPort: 22, remotePort: 40000 },
    });
  });

  test('the host’s own address tells the direction, and tcp need not be said', () => {
    expect(read('10.0.0.1:ssh->10.5.0.1:999')).toMatchObject({
      dir: 'out',
      packet: { local: ip('10.0.0.1'), protocol: 6, localPort: 22, remotePort: 999 },
    });
    expect(read('udp [fd00:5::1]:53 → [fd00::1]:9')).toMatchObject({ dir: 'in', packet: { protocol: 17 } });
  });

  test('names, ICMP types and protection', () => {
    expect(read('in icmp echo peer -> 10.0.0.1 esp aes sha256 ah sha1')).toMatchObject({
      packet: { remote: ip('10.0.0.9'), protocol: 1, icmpType: 8 },
      arrives: { esp: { encr: 'aes-cbc', auth: 'hmac-sha256' }, ah: 'hmac-sha1' },
    });
    expect(read('in ipv6-icmp echo dual -> fd00::1 esp aes none').packet).toMatchObject({ icmpType: 128 });
    expect(read('out 1 unreach/4 10.0.0.1 -> 10.0.0.9').packet).toMatchObject({ icmpType: 3, icmpCode: 4 });
    expect(read('in ipv6-icmp echo dual -> fd00::1 esp aes none')).toMatchObject({
      arrives: { esp: { encr: 'aes-cbc' } },
    });
  });

  test.each([
    ['', 'there is no `->` between the ends'],
    ['in -> 10.0.0.1', 'an end is missing'],
    ['in tcp 10.0.0.9 ->', 'an end is missing'],
    ['10.1.1.9 -> 10.1.1.8', "begin with in or out, or give the host's own address with --local"],
    ['10.0.0.1 -> 10.0.0.1', 'both ends are the host itself: such packets are never encrypted'],
    ['in 10.0.0.9 -> fd00::1', 'the ends are of different families'],
    ['in multi -> 10.0.0.1', 'a name has several addresses: write the one you mean'],
    ['in nobody -> 10.0.0.1', '"nobody" is neither an address nor a known name'],
    ['in 10.0.0.9:70000 -> 10.0.0.1', '"70000" is no port'],
    ['in icmp 10.0.0.9:7 -> 10.0.0.1', 'protocol icmp has no ports'],
    ['in 300 10.0.0.9 -> 10.0.0.1', '"300" is no protocol'],
    ['in tcp echo 10.0.0.9 -> 10.0.0.1', '"echo" is not understood'],
    ['in icmp 8/x 10.0.0.9 -> 10.0.0.1', '"x" is no ICMP code'],
    ['in 10.0.0.9 -> 10.0.0.1 esp rot13', '"rot13" is no cipher'],
    ['in 10.0.0.9 -> 10.0.0.1 ah', 'the integrity algorithm is missing'],
    ['in 10.0.0.9 -> 10.0.0.1 naked', '"naked" is not how a packet arrives'],
    ['out 10.0.0.1 -> 10.0.0.9 clear', 'only a packet that comes in says how it is protected'],
  ])('%j: %s', (words, what) => {
    const error = (() => {
      try {
        return read(words);
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(OperatorError);
    expect(error).toMatchObject({ code: 'PACKET_MALFORMED', what });
  });
});

describe('the answer names the rule and why no other one decided', () => {
  test('a clear packet to a protected port', () => {
    expect(shown('in tcp 192.0.2.9:40000 -> 10.0.0.1:22').split('\n')).toEqual([
      'in tcp 192.0.2.9:40000 -> 10.0.0.1:22: dropped',
      '  it must come protected, and protection is missing, wholly or in part',
      '  rule: web.conf:4:1  { dir in } ipsec { encr_algs aes-cbc(128..256) encr_auth_algs hmac-sha256(256) sa shared }',
      '  passed over, though they rank higher:',
      '    web.conf:1:1  { ulp 6 lport 80 dir in } pass { }',
      '      lport 80, not 22',
      '    web.conf:2:1  { ulp 6 lport 443 dir in } pass { }',
      '      lport 443, not 22',
      '',
    ]);
  });

  test('a drop rule that the class order puts last', () => {
    const text = shown('in tcp 10.9.9.9:1 -> 10.0.0.1:80');
    expect(text).toContain('accepted\n  the rule lets it pass\n  rule: web.conf:1:1');
    expect(text).toMatch(/would match too, but rank lower:\n.*web\.conf:4:1.*\n.*web\.conf:3:1/);
  });

  test('protection where clear is expected, and the connected socket that takes it', () => {
    expect(shown('in 10.5.0.1:9 -> 10.0.0.1:80 esp aes sha256')).toContain(
      'it came protected, and the rule expects it in clear',
    );
    const text = shown('in 10.5.0.1:9 -> 10.0.0.1:22 esp aes', '{raddr 10.7.0.1 dir out} drop {}\n');
    expect(text).toContain('dropped\n  it came protected, and no rule asks for protection');
    expect(text).toContain('a socket that connected while this policy was in force accepts it');
  });

  test('what goes out, and what is only sure on a host without a past', () => {
    expect(shown('out 10.0.0.1:22 -> 10.0.0.9:40000')).toContain('protected\n  it needs ESP:');
    expect(shown('out 10.0.0.1:80 -> 10.0.0.9:40000')).toContain('sent in clear');
    expect(shown('in 10.0.0.9:1 -> 10.0.0.1:2', '{dir in} ipsec {encr_algs aes} or pass {}\n')).toContain('doubtful:');
  });

  test('what a plain bypass in the same file does to a later mixture', () => {
    const policy = '{lport 80 dir in} bypass {}\n{raddr 10.0.0.9 dir in} ipsec {encr_algs aes} or pass {}\n';
    const text = shown('in 10.0.0.9:1 -> 10.0.0.1:2', policy);
    expect(text).toMatch(/: accepted\n/);
    expect(text).toContain('on a host that loaded nothing but this file since boot: dropped');
    const other = policy.split('\n').toReversed().join('\n').trimStart();
    expect(shown('in 10.0.0.9:1 -> 10.0.0.1:2', `${other}\n`)).not.toContain('on a host that loaded');
  });

  test('a long list ends in a count', () => {
    const policy = `${Array.from({ length: 9 }, (_, i) => `{lport ${i + 1} dir in} bypass {}\n`).join('')}{} permit {auth_algs sha}\n`;
    expect(shown('in 10.0.0.9:99 -> 10.0.0.1:99', policy)).toContain('    and 4 more\n');
  });
});

test('a rule has no miss exactly when it meets the packet', () => {
  const address = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.1.0.1').map(ip);
  const small = fc.integer({ min: 0, max: 3 });
  const range = fc.tuple(small, small).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
  const prefix = fc.record({ address, length: fc.constantFrom(0, 8, 24, 31, 32) });
  const protocol = fc.constantFrom(1, 6, 17, 47);
  const selector: fc.Arbitrary<Selector> = fc
    .record(
      {
        protocol,
        local: prefix,
        remote: prefix,
        localPort: small,
        remotePort: small,
        icmpType: range,
        icmpCode: range,
      },
      { requiredKeys: [] },
    )
    .map((fields) => ({ family: 4, ...fields }));
  const packet: fc.Arbitrary<Packet> = fc.record(
    {
      local: address,
      remote: address,
      protocol,
      localPort: small,
      remotePort: small,
      icmpType: small,
      icmpCode: small,
    },
    { requiredKeys: ['local', 'remote', 'protocol'] },
  );
  fc.assert(
    fc.property(selector, packet, (wanted, one) => {
      expect(selectorMisses(wanted, one).length === 0).toBe(selectorMeets(wanted, one));
    }),
    { seed: 7, numRuns: 2000 },
  );
});
