import { describe, expect, test } from 'vitest';

import { parseAddress, parsePrefix } from '../../../controller/model/address.js';
import type { FlowPeer, FlowTest, Host } from '../../../controller/model/host.js';
import { predictLoad } from '../../../controller/policy/predict-load.js';
import { flowTestFailures } from '../../../controller/proof/flow-tests.js';
import { testFailureText } from '../../../controller/run/objection-text.js';
import { AT, host } from '../../support/render-fleet.js';

const HOSTS = new Map<string, Host>([
  ['web1', host('web1', ['10.0.1.11', 'fd00::11'])],
  ['db1', host('db1', ['10.0.2.21'])],
]);
const NAMES: Readonly<Record<string, string>> = { [String(0x0a00010b)]: 'web1', [String(0x0a000215)]: 'db1' };

function peer(text: string): FlowPeer {
  if (HOSTS.has(text)) return { kind: 'host', host: text };
  const address = parseAddress(text);
  if (address !== undefined) return { kind: 'address', address };
  const prefix = parsePrefix(text === 'any' ? '0.0.0.0/0' : text);
  if (prefix === undefined) throw new Error(text);
  return { kind: 'prefixes', prefixes: [prefix] };
}

/** What is said of `FROM TO ulp[/port] EXPECT`; empty when it holds. */
function said(line: string, web1: string, db1 = ''): string {
  const [from = '', to = '', traffic = '', expected] = line.split(' ');
  const [ulp, port] = traffic.split('/');
  if (ulp !== 'tcp' && ulp !== 'udp' && ulp !== 'icmp') throw new Error(line);
  if (expected !== 'clear' && expected !== 'protected' && expected !== 'refused') throw new Error(line);
  const flow: FlowTest = {
    from: peer(from),
    to: peer(to),
    ulp,
    expect: expected,
    at: AT,
    ...(port === undefined ? {} : { port: Number(port) }),
  };
  const policies = new Map([
    ['web1', predictLoad(web1).rules],
    ['db1', predictLoad(db1).rules],
  ]);
  const failures = flowTestFailures(flow, HOSTS, policies);
  if (failures !== 'no-family' && failures.length === 0) return '';
  return testFailureText(flow, failures, ({ value }) => NAMES[String(value)]);
}

const ESP = '{ encr_algs aes(256) encr_auth_algs sha256 }';
const WEB = `{ lport 443 ulp tcp dir both } bypass {}\n{} ipsec ${ESP}\n`;
const DB = `{ raddr 10.0.1.11 rport 443 ulp tcp dir both } bypass {}\n{ raddr 10.0.1.11 } ipsec ${ESP}\n`;

describe('a test of the inventory holds', () => {
  test.each([
    ['any web1 tcp/443 clear', WEB, DB],
    ['192.0.2.0/24 web1 tcp/25 refused', WEB, DB],
    ['192.0.2.9 web1 icmp refused', WEB, DB],
    ['db1 web1 tcp/22 protected', WEB, DB],
    // The service's own port as the source is not asked about: no client is given it.
    ['web1 db1 tcp/5432 protected', WEB, DB],
    ['web1 db1 tcp protected', WEB, DB],
    ['web1 db1 udp/500 clear', '', ''],
    ['db1 192.0.2.9 tcp/443 clear', WEB, DB],
  ])('%s', (line, web1, db1) => expect(said(line, web1, db1)).toBe(''));
});

describe('a test fails with the part of its flows that is treated otherwise, an example and the rules', () => {
  test.each([
    [
      'any web1 tcp/25 clear',
      'is refused, expected clear: any → web1 tcp/25, such as 0.0.0.0 port 49152 → 10.0.1.11 port 25: it leaves in the clear, and the receiver wants it protected, received by { dir in } ipsec',
    ],
    ['192.0.2.0/24 web1 tcp clear', 'is refused, expected clear: 192.0.2.0/24 → web1 tcp'],
    [
      'db1 web1 tcp protected',
      'is clear, expected protected: db1 → web1 tcp/443, such as 10.0.2.21 port 49152 → 10.0.1.11 port 443',
    ],
    ['web1 192.0.2.9 tcp/80 protected', 'the receiver has no IPsec policy to agree on an SA with'],
  ])('%s', (line, words) => expect(said(line, WEB, DB)).toContain(words));

  test('a part of a prefix is told as such', () => {
    const policy = `{ raddr 192.0.2.128/25 dir both } drop {}\n`;
    expect(said('192.0.2.0/24 web1 tcp/443 clear', policy)).toContain('192.0.2.128/25 → web1 tcp/443');
  });

  test('one port that a client may be given is enough', () => {
    const policy = `{ rport 40000 lport 443 ulp tcp dir in } drop {}\n`;
    expect(said('192.0.2.9 web1 tcp/443 clear', policy)).toContain('192.0.2.9 → web1 tcp/443 from 40000');
    expect(said('192.0.2.9 web1 tcp/443 clear', policy.replace('40000', '400'))).toBe('');
  });

  test('what holds only by what was loaded before does not hold', () => {
    const doubtful = `{ dir in } ipsec ${ESP} or pass {}\n`;
    expect(said('192.0.2.9 web1 tcp/443 clear', doubtful)).toContain('is clear only in doubt');
  });

  test('ends without a family in common are told', () => {
    expect(said('fd00::9 db1 tcp/22 clear', WEB, DB)).toContain('no address family in common');
  });
});
