import { describe, expect, test } from 'vitest';
import { parseAddress, type Address } from '../../../controller/model/address.js';
import { flowBetween, type Flow, type HostPolicy } from '../../support/flow-between.js';
import { predictLoad } from '../../../controller/policy/predict-load.js';
import { NAMES } from './corpus.js';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
}

function policy(text: string, ...addresses: string[]): HostPolicy {
  return { rules: predictLoad(text, NAMES).rules, addresses: addresses.map(address) };
}

function flow(source: string, destination: string, rest: Partial<Flow>): Flow {
  return { ulp: 'tcp', ...rest, source: address(source), destination: address(destination) };
}

const SERVER = policy(
  [
    '{lport 80 ulp tcp dir both} bypass {}',
    '{lport 443 ulp tcp dir both} bypass {}',
    '{rport 53 dir both} bypass {}',
    '{} permit {encr_algs blowfish encr_auth_algs sha}',
    '{} apply {encr_algs blowfish encr_auth_algs sha sa shared}',
    '',
  ].join('\n'),
  '10.0.0.80',
);
const PEER_PERMIT = '{saddr webserver} permit {encr_algs blowfish encr_auth_algs sha}\n';
const PEER = policy(
  `${PEER_PERMIT}{daddr webserver} apply {encr_algs blowfish encr_auth_algs sha sa shared}\n`,
  '10.0.0.9',
);

describe('a web server that protects all but its pages, and its peer', () => {
  const [server, peer, stranger] = ['10.0.0.80', '10.0.0.9', '192.0.2.9'];

  test.each<
    [string, HostPolicy | null, HostPolicy | null, Flow, 'clear' | 'protected' | 'refused', string | undefined]
  >([
    ['anybody reads pages in the clear', null, SERVER, flow(stranger, server, { port: 80 }), 'clear', undefined],
    ['the peer reaches other ports protected', PEER, SERVER, flow(peer, server, { port: 22 }), 'protected', undefined],
    [
      'the peer cannot read pages: it sends protected',
      PEER,
      SERVER,
      flow(peer, server, { port: 80 }),
      'refused',
      'expects it clear',
    ],
    [
      'nor hear the answer: it wants protection',
      SERVER,
      PEER,
      flow(server, peer, { sourcePort: 80 }),
      'refused',
      'wants it protected',
    ],
    [
      'the server asks a name server in the clear',
      SERVER,
      null,
      flow(server, stranger, { ulp: 'udp', port: 53 }),
      'clear',
      undefined,
    ],
    [
      'the server reaches nobody else without IPsec',
      SERVER,
      null,
      flow(server, stranger, { port: 25 }),
      'refused',
      'no IPsec policy',
    ],
    [
      'a peer that serves names does not hear the question',
      SERVER,
      PEER,
      flow(server, peer, { ulp: 'udp', port: 53 }),
      'refused',
      'wants it protected',
    ],
  ])('%s', (_name, sender, receiver, one, kind, reason) => {
    const verdict = flowBetween(sender, receiver, one);
    expect(verdict.kind).toBe(kind);
    if (reason !== undefined) expect(verdict.reason).toContain(reason);
  });

  test('the rules that decide are named with their place in the file', () => {
    const verdict = flowBetween(PEER, SERVER, flow(peer, server, { port: 22 }));
    expect(verdict.sender?.source.line).toBe(2);
    expect(verdict.receiver?.source).toMatchObject({ line: 4, column: 1 });
  });

  test('a peer that confuses source and destination sends clear and is refused', () => {
    const mistaken = policy(
      `${PEER_PERMIT}{saddr webserver} apply {encr_algs blowfish encr_auth_algs sha}\n`,
      '10.0.0.9',
    );
    expect(flowBetween(mistaken, SERVER, flow(peer, server, { port: 22 })).kind).toBe('refused');
    expect(flowBetween(SERVER, mistaken, flow(server, peer, { port: 22 })).kind).toBe('protected');
  });
});

describe('two hosts agree on an SA when their alternatives have one in common', () => {
  const between = (a: string, b: string): string =>
    flowBetween(policy(`{} ${a}\n`, '10.0.0.1'), policy(`{} ${b}\n`, '10.0.0.2'), flow('10.0.0.1', '10.0.0.2', {}))
      .kind;

  test.each([
    ['ipsec {encr_algs aes encr_auth_algs sha256}', 'ipsec {encr_algs aes(256) encr_auth_algs sha256}', 'protected'],
    ['ipsec {encr_algs aes(128) encr_auth_algs sha256}', 'ipsec {encr_algs aes(256) encr_auth_algs sha256}', 'refused'],
    ['ipsec {encr_algs aes(130..140) encr_auth_algs sha256}', 'ipsec {encr_algs aes encr_auth_algs sha256}', 'refused'],
    ['ipsec {encr_algs aes encr_auth_algs sha1}', 'ipsec {encr_algs aes encr_auth_algs sha256}', 'refused'],
    ['ipsec {encr_algs aes}', 'ipsec {encr_algs aes encr_auth_algs sha256}', 'protected'],
    ['ipsec {auth_algs sha1}', 'ipsec {encr_algs aes encr_auth_algs sha256}', 'refused'],
    ['ipsec {auth_algs sha1} or ipsec {encr_algs aes encr_auth_algs sha1}', 'ipsec {auth_algs sha1}', 'refused'],
    [
      'ipsec {encr_algs 3des encr_auth_algs sha1} or ipsec {encr_algs aes encr_auth_algs sha1}',
      'ipsec {encr_algs aes encr_auth_algs any}',
      'protected',
    ],
    ['ipsec {encr_algs aes encr_auth_algs sha1} or pass {}', 'ipsec {encr_algs aes encr_auth_algs sha1}', 'protected'],
    ['ipsec {encr_algs any encr_auth_algs any}', 'ipsec {encr_algs aes-gcm}', 'protected'],
  ])('%s with %s: %s', (a, b, kind) => {
    expect(between(a, b)).toBe(kind);
  });
});

test('IKE talks in the clear whatever the rules say', () => {
  expect(flowBetween(PEER, SERVER, flow('10.0.0.9', '10.0.0.80', { ulp: 'udp', port: 500 })).kind).toBe('clear');
});

test('a rule whose doings hang on earlier policies makes the verdict doubtful', () => {
  const receiver = policy('{dir in} ipsec {encr_algs aes encr_auth_algs sha256} or pass {}\n', '10.0.0.2');
  expect(flowBetween(null, receiver, flow('10.0.0.1', '10.0.0.2', {}))).toMatchObject({
    kind: 'clear',
    doubtful: true,
  });
});
