/** The parts of a way against the evaluator, packet by packet: random small policies and key files on two hosts. */

import { expect, test } from 'vitest';
import { formatAddress, type Address } from '../../../controller/model/address.js';
import type { Arrival, OutboundSa, Packet } from '../../../controller/model/packet.js';
import { flowBetween } from '../../support/flow-between.js';
import { decideInbound, decideOutbound } from '../../../controller/policy/match-flow.js';
import { holds } from '../../../controller/policy/region.js';
import type { HostPicture } from '../../../controller/proof/host-picture.js';
import { flowRegions } from '../../../controller/proof/pair-findings.js';
import type { PairFault } from '../../../controller/proof/pair-fault.js';
import { flowProver, type PairFlow } from '../../../controller/proof/pair-flows.js';
import { address, handMade } from './pairs-hosts.js';

/** Pairs of hosts, each asked both ways; `PAIR_SEED` draws others. */
const ROUNDS = 1000;
const SEED = Number(process.env['PAIR_SEED'] ?? 1);

type Draw = (below: number) => number;

/** xorshift32: the same draws on every machine. */
function draws(seed: number): Draw {
  let state = seed * 2654435761 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const pick = <T>(draw: Draw, from: readonly [T, ...T[]]): T => from[draw(from.length)] ?? from[0];

const A = address('10.0.0.1');
const B = address('10.0.0.2');
const C = address('10.0.0.9');
const NAMES = ['10.0.0.1', '10.0.0.2', '10.0.0.0/30', '10.0.0.9'] as const;
const AES = 'encr_algs aes(128..256) encr_auth_algs sha256';
const LONG = 'encr_algs aes(256) encr_auth_algs sha256';
const TRIPLE = 'encr_algs 3des encr_auth_algs sha1';
const ACTIONS = [
  'bypass {}',
  'drop {}',
  `ipsec { ${AES} }`,
  `ipsec { ${LONG} }`,
  `ipsec { ${TRIPLE} } or ipsec { ${AES} }`,
  'ipsec { encr_algs aes }',
  'ipsec { auth_algs sha256 }',
  `ipsec { auth_algs sha256 ${AES} }`,
  `ipsec { auth_algs sha256 } or ipsec { ${AES} }`,
  `pass {} or ipsec { ${AES} }`,
  `ipsec { ${AES} } or pass {}`,
  `ipsec { ${AES} } or drop {}`,
  `drop {} or ipsec { ${AES} }`,
] as const;

function policyFrom(draw: Draw): string {
  const lines = Array.from({ length: draw(5) }, () => {
    const words = [
      ...(draw(3) === 0 ? [`laddr ${pick(draw, NAMES)}`] : []),
      ...(draw(2) === 0 ? [`raddr ${pick(draw, NAMES)}`] : []),
      ...(draw(3) === 0 ? [`${pick(draw, ['lport', 'rport'])} ${pick(draw, [22, 80])}`] : []),
      ...(draw(3) === 0 ? [`ulp ${pick(draw, ['tcp', 'udp', 'icmp', '47'])}`] : []),
      `dir ${pick(draw, ['in', 'out', 'both', 'both'])}`,
    ];
    return `{ ${words.join(' ')} } ${pick(draw, ACTIONS)}\n`;
  });
  return lines.join('');
}

/** A line of a key file, and the SA it makes as the evaluator takes it. */
interface Line {
  readonly text: string;
  readonly name: string;
  readonly sa: OutboundSa;
}

function lineFrom(draw: Draw): Line {
  const [source, destination] = pick(draw, [
    [A, B],
    [A, B],
    [B, A],
    [C, B],
  ] as const);
  const text = formatAddress;
  const spi = 256 + draw(3);
  const key = draw(4) === 0 ? 1 : 0;
  const port = draw(5) === 0 ? 22 : 0;
  const ports = port === 0 ? '' : ' dport 22 proto 6';
  const ends = `spi ${spi} ${draw(4) === 0 ? '' : `src ${text(source)} `}dst ${text(destination)}`;
  const common = {
    ...(ends.includes('src') && { source }),
    destination,
    used: false,
    ...(port !== 0 && { binding: { localPort: 0, remotePort: port, protocol: 6 } }),
  };
  const hex = (bits: number): string =>
    (key === 0 ? '0123456789abcdef' : '02468ace13579bdf').repeat(8).slice(0, bits / 4);
  if (draw(4) === 0) {
    const sa = { ...common, ah: { auth: 'hmac-sha256', bits: 256 } };
    return {
      text: `add ah ${ends} auth_alg sha256 authkey ${hex(256)}${ports}\n`,
      name: `ah ${text(destination)} ${spi}`,
      sa,
    };
  }
  const bits = pick(draw, [128, 256]);
  const integrity = draw(4) !== 0;
  const sa = { ...common, esp: { encr: 'aes-cbc', bits, ...(integrity && { auth: 'hmac-sha256', authBits: 256 }) } };
  const auth = integrity ? ` auth_alg sha256 authkey ${hex(256)}` : '';
  return {
    text: `add esp ${ends} encr_alg aes encrkey ${hex(bits)}${auth}${ports}\n`,
    name: `esp ${text(destination)} ${spi}`,
    sa,
  };
}

/** Lines that the kernel takes: of two for the same SPI and destination the first. */
function keyFileFrom(draw: Draw, others: readonly Line[]): readonly Line[] {
  const wanted = Array.from({ length: draw(5) }, () =>
    others.length > 0 && draw(4) !== 0 ? pick(draw, [lineFrom(draw), ...others]) : lineFrom(draw),
  );
  return wanted.filter(({ name }, i) => wanted.findIndex((one) => one.name === name) === i);
}

function packetsBetween(local: Address, remote: Address): readonly Packet[] {
  const ports = [22, 80].flatMap((localPort) => [22, 80].map((remotePort) => ({ protocol: 6, localPort, remotePort })));
  return [
    ...ports,
    { protocol: 17, localPort: 80, remotePort: 22 },
    { protocol: 17, localPort: 500, remotePort: 500 },
    { protocol: 1, icmpType: 8, icmpCode: 0 },
    { protocol: 47 },
  ].map((one) => ({ local, remote, ...one }));
}

/** One host of a round. */
interface End {
  readonly at: Address;
  readonly picture: HostPicture;
  readonly policy: string;
  readonly lines: readonly Line[];
}

function endOf(at: Address, policy: string, lines: readonly Line[]): End {
  const keys = lines.map(({ text }) => text).join('');
  return { at, policy, lines, picture: handMade(formatAddress(at), formatAddress(at), { policy, keys }) };
}

function arrivesAs(packet: Packet): Packet {
  const { localPort, remotePort, ...rest } = packet;
  const turned = { ...rest, local: packet.remote, remote: packet.local };
  return localPort === undefined || remotePort === undefined
    ? turned
    : { ...turned, localPort: remotePort, remotePort: localPort };
}

/** The kernel's own way through both hosts with one packet. */
function fate(sender: End, receiver: End, packet: Packet): PairFlow['kind'] {
  const [mine, theirs] = [sender.lines, receiver.lines];
  const [leaves, arrives] = [sender.picture.loaded, receiver.picture.loaded];
  if (packet.protocol === 17 && packet.remotePort === 500) return 'clear';
  const out = decideOutbound(
    leaves,
    packet,
    mine.map(({ sa }) => sa),
  );
  if (out.verdict === 'drop' || out.verdict === 'wait') return 'refused';
  const into = arrivesAs(packet);
  if (out.verdict === 'clear') {
    return decideInbound(arrives, into, { kind: 'clear' }).verdict === 'accept' ? 'clear' : 'refused';
  }
  const taken = Object.values(out.used).map((at) => mine[at]);
  const esp = taken.find((one) => one?.sa.esp)?.sa.esp;
  const ah = taken.find((one) => one?.sa.ah)?.sa.ah;
  // The receiver opens it with what it has for the SPI: all but a source left out must be the same.
  const bare = (line: Line | undefined): string | undefined => line?.text.replace(/src \S+ /, '');
  const same = taken.every((one) =>
    theirs.some((other) => other.name === one?.name && bare(other) === bare(one) && sourcesAgree(other.sa, one?.sa)),
  );
  const arrival: Arrival = {
    kind: 'protected',
    ...(esp && { esp: { encr: esp.encr, ...(esp.auth !== undefined && { auth: esp.auth }) } }),
    ...(ah && { ah: ah.auth }),
  };
  return same && decideInbound(arrives, into, arrival).verdict === 'accept' ? 'protected' : 'refused';
}

function sourcesAgree(a: OutboundSa, b: OutboundSa | undefined): boolean {
  return a.source === undefined || b?.source === undefined || a.source.value === b.source.value;
}

const OF_KEYS = ['missing-sa', 'key-mismatch', 'spi-clash'];

test(`the parts of a way hold every packet once and say what becomes of it: ${ROUNDS} random pairs of hosts`, () => {
  const draw = draws(SEED);
  const ask = flowProver();
  const seen = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const keys = keyFileFrom(draw, []);
    const a = endOf(A, policyFrom(draw), keyFileFrom(draw, keys));
    const b = endOf(B, policyFrom(draw), keys);
    for (const [sender, receiver] of [
      [a, b],
      [b, a],
    ] as const) {
      const way = { sender: sender.picture, receiver: receiver.picture, source: sender.at, destination: receiver.at };
      const flows = ask(way).map((flow) => ({ flow, regions: flowRegions(flow) }));
      for (const packet of packetsBetween(sender.at, receiver.at)) {
        const fail = (what: string): never =>
          expect.fail(`round ${round}: ${told(packet, [sender, receiver])}\n${what}`);
        const holding = flows.filter(({ regions }) => regions.some((region) => holds(region, packet)));
        const [flow] = holding.map((one) => one.flow);
        if (flow === undefined || holding.length !== 1) return fail(`is in ${holding.length} parts`);
        const expected = fate(sender, receiver, packet);
        if (flow.kind !== expected) return fail(`is ${flow.kind} (${flow.fault?.verdict}), not ${expected}`);
        const byRules = fateByRules(sender, receiver, packet);
        const byKeys = flow.fault !== undefined && isOfKeys(flow.fault);
        if (byRules !== (byKeys ? 'protected' : flow.kind)) return fail(`by the rules alone is ${byRules}`);
        const outcome = flow.fault?.verdict ?? flow.kind;
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
      }
    }
  }
  // A test that never meets a verdict proves nothing of it.
  const met = ['clear', 'protected', 'refused', 'clear-meets-protected', 'protected-meets-bypass', 'missing-end'];
  for (const outcome of [...met, 'no-common-algorithm', 'missing-sa', 'key-mismatch'])
    expect.soft(seen.get(outcome) ?? 0, outcome).toBeGreaterThan(0);
});

function told(packet: Packet, ends: readonly End[]): string {
  const words = JSON.stringify({ ...packet, local: '', remote: '' });
  const files = ends.map(
    ({ at, policy, lines }) => `${formatAddress(at)}:\n${policy}${lines.map(({ text }) => text).join('')}`,
  );
  return [words, ...files].join('\n');
}

function fateByRules(sender: End, receiver: End, { protocol, localPort, remotePort }: Packet): PairFlow['kind'] {
  const policy = ({ at, picture }: End) => ({ rules: picture.loaded, addresses: [at] });
  const ports = { port: remotePort, sourcePort: localPort };
  const ends = { source: sender.at, destination: receiver.at };
  return flowBetween(policy(sender), policy(receiver), { ...ends, ulp: protocol === 1 ? 'icmp' : protocol, ...ports })
    .kind;
}

function isOfKeys({ verdict, sender }: PairFault): boolean {
  return OF_KEYS.includes(verdict) || sender.path.endsWith('ipseckeys');
}
