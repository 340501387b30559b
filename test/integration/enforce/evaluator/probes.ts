/** Probes between two hosts: the orders that send them, and what must be seen of them at both ends. */

import { formatAddress, type Address } from '../../../../controller/model/address.js';
import type { Packet } from '../../../../controller/model/packet.js';
import { answers, entersAt, leaves, opens, type Book, type Sent, type Side } from './expected.js';
import { pick, type Chance } from './random-policies.js';
import type { Sightings, Sighting } from './sightings.js';

export const TCP_OPEN = [80, 8080];
export const UDP_OPEN = [53, 80];
const PORTS = [80, 8080, 53, 443];

export type HostName = 'a' | 'b';

/** A TCP connection that came about, and the policies its ends are latched to; none where no rule was in force. */
export interface Connection {
  readonly from: HostName;
  readonly packet: Packet;
  readonly near: Book | undefined;
  readonly far: Book | undefined;
}

/** Something to be seen past a host's filter. */
export interface Expectation {
  readonly what: string;
  readonly host: HostName;
  readonly way: 'in' | 'out';
  readonly find: (seen: Sightings) => readonly Sighting[];
  /** Going out: how; coming in: any. `undefined`: nothing. */
  readonly sent: Sent | undefined;
}

export interface Probe {
  readonly from: HostName;
  readonly orders: readonly string[];
  readonly expected: readonly Expectation[];
  readonly connection?: Connection;
  /** Of the first packet. */
  readonly fate: 'protected' | 'clear' | 'refused';
}

interface Course {
  readonly from: HostName;
  readonly sides: Readonly<Record<HostName, Side>>;
  readonly what: string;
  readonly expected: Expectation[];
}

const other = (host: HostName): HostName => (host === 'a' ? 'b' : 'a');

export function turned({ local, remote, localPort, remotePort, protocol }: Packet): Packet {
  return {
    local: remote,
    remote: local,
    protocol,
    ...(remotePort !== undefined && { localPort: remotePort }),
    ...(localPort !== undefined && { remotePort: localPort }),
  };
}

/** One packet from one host to the other: what must be seen, and how it came if it got in. */
function crosses(
  course: Course,
  from: HostName,
  find: Expectation['find'],
  how: { readonly sent: Sent | undefined; readonly enters: (sent: Sent) => boolean },
): Sent | undefined {
  const { what, expected } = course;
  const entered = how.sent !== undefined && how.enters(how.sent) ? how.sent : undefined;
  expected.push({ what, host: from, way: 'out', find, sent: how.sent });
  expected.push({ what, host: other(from), way: 'in', find, sent: entered });
  return entered;
}

const byPorts = ({ localPort = 0, remotePort = 0 }: Packet): Expectation['find'] => {
  return (seen) => seen.find(localPort, remotePort);
};

const latchedTo = (book: Book | undefined): Book | undefined =>
  book === undefined || book.rules.length === 0 ? undefined : book;

function tcp(course: Course, packet: Packet): Connection | undefined {
  const { from, sides } = course;
  const [near, far] = [sides[from], sides[other(from)]];
  const back = turned(packet);
  const syn = crosses(course, from, byPorts(packet), {
    sent: leaves(near, packet),
    enters: (sent) => entersAt(far, back, sent),
  });
  if (syn === undefined) return undefined;
  const answer = crosses(course, other(from), byPorts(back), {
    sent: leaves(far, back),
    enters: (sent) => entersAt(near, packet, sent, latchedTo(near.book)),
  });
  if (answer === undefined || !TCP_OPEN.includes(packet.remotePort ?? 0)) return undefined;
  // The handshake's last packet is the first one that finds the far end connected.
  const last = leaves(near, packet);
  if (last === undefined || !entersAt(far, back, last, latchedTo(far.book))) return undefined;
  return { from, packet, near: latchedTo(near.book), far: latchedTo(far.book) };
}

/** A byte on a connection, and its acknowledgement. */
function says(course: Course, { packet, near: nearBook, far: farBook }: Connection): boolean {
  const { from, sides } = course;
  const [near, far] = [sides[from], sides[other(from)]];
  const back = turned(packet);
  const byte = crosses(course, from, byPorts(packet), {
    sent: leaves(near, packet, nearBook),
    enters: (sent) => entersAt(far, back, sent, farBook),
  });
  if (byte === undefined) return false;
  const answer = crosses(course, other(from), byPorts(back), {
    sent: leaves(far, back, farBook),
    enters: (sent) => entersAt(near, packet, sent, nearBook),
  });
  return answer !== undefined;
}

function udp(course: Course, packet: Packet): void {
  const { from, sides } = course;
  const [near, far] = [sides[from], sides[other(from)]];
  const back = turned(packet);
  const came = crosses(course, from, byPorts(packet), {
    sent: leaves(near, packet),
    enters: (sent) => entersAt(far, back, sent),
  });
  if (came === undefined || UDP_OPEN.includes(packet.remotePort ?? 0)) return;
  const [icmpType, icmpCode] = packet.local.family === 4 ? [3, 3] : [1, 4];
  const error = { local: packet.remote, remote: packet.local, protocol: icmpOf(packet.local), icmpType, icmpCode };
  const word = ((packet.localPort ?? 0) * 65_536 + (packet.remotePort ?? 0)) >>> 0;
  crosses(course, other(from), (seen) => seen.findMessage(icmpType * 256 + icmpCode, word), {
    sent: leaves(far, error),
    enters: (sent) => entersAt(near, { ...error, local: packet.local, remote: packet.remote }, sent, undefined, packet),
  });
}

const icmpOf = ({ family }: Address): number => (family === 4 ? 1 : 58);
const isRequest = (type: number): boolean => type === 8 || type === 128;

function icmp(course: Course, packet: Packet, word: number): void {
  const { from, sides } = course;
  const [near, far] = [sides[from], sides[other(from)]];
  const { local, remote, protocol, icmpType = 0, icmpCode = 0 } = packet;
  const back = { ...packet, local: remote, remote: local };
  const request = isRequest(icmpType);
  const came = crosses(course, from, (seen) => seen.findMessage(icmpType * 256 + icmpCode, word), {
    sent: leaves(near, packet),
    // The host itself answers requests, whatever its policy.
    enters: (sent) => (request ? opens(far, back, sent) : entersAt(far, back, sent)),
  });
  if (came === undefined || !request) return;
  const answerType = protocol === 1 ? 0 : 129;
  const answer = { ...back, icmpType: answerType };
  crosses(course, other(from), (seen) => seen.findMessage(answerType * 256 + icmpCode, word), {
    sent: answers(far, answer, came),
    enters: (sent) => entersAt(near, { ...packet, icmpType: answerType }, sent),
  });
}

/** A protocol that nothing at the far end speaks. */
function unanswered(course: Course, packet: Packet): void {
  const { from, sides } = course;
  const [near, far] = [sides[from], sides[other(from)]];
  const back = turned(packet);
  const came = crosses(course, from, byPorts(packet), {
    sent: leaves(near, withoutPorts(packet)),
    enters: (sent) => entersAt(far, withoutPorts(back), sent),
  });
  if (came === undefined) return;
  const [icmpType, icmpCode] = packet.local.family === 4 ? [3, 2] : [4, 1];
  // What is said of it is not looked for, but it can take an SA for its own.
  leaves(far, { local: packet.remote, remote: packet.local, protocol: icmpOf(packet.local), icmpType, icmpCode });
}

/** In the probe they name it; a policy sees ports of SCTP only. */
function withoutPorts(packet: Packet): Packet {
  if (packet.protocol === 132) return packet;
  const { local, remote, protocol } = packet;
  return { local, remote, protocol };
}

let lastNumber = 0;
/** Names a probe by its own port or message: no two of a run alike, as far as one can remember. */
function nextNumber(): number {
  lastNumber = (lastNumber + 1) % 40_000;
  return 20_000 + lastNumber;
}

export function randomProbe(
  chance: Chance,
  from: HostName,
  sides: Course['sides'],
  addresses: Readonly<Record<HostName, readonly Address[]>>,
): Probe {
  const local = pick(chance, addresses[from]);
  const remote = pick(
    chance,
    addresses[other(from)].filter(({ family }) => family === local.family),
  );
  const number = nextNumber();
  const [source, destination] = [formatAddress(local), formatAddress(remote)];
  const kind = pick(chance, ['tcp', 'tcp', 'tcp', 'udp', 'udp', 'icmp', 'icmp', 'sctp', 'gre'] as const);
  const expected: Expectation[] = [];
  const what = (packet: Packet): string =>
    `${from}: ${kind} ${source}${packet.localPort === undefined ? '' : `:${packet.localPort}`} -> ${destination}${packet.remotePort === undefined ? ` type ${packet.icmpType ?? 0}` : `:${packet.remotePort}`}`;
  if (kind === 'icmp') {
    const icmpType = pick(chance, local.family === 4 ? [8, 8, 8, 0, 16, 15, 30] : [128, 128, 128, 129, 140]);
    const icmpCode = isRequest(icmpType) || chance() < 0.5 ? 0 : 2;
    const packet: Packet = { local, remote, protocol: icmpOf(local), icmpType, icmpCode };
    const message = Buffer.from([icmpType, icmpCode, 0, 0, number >>> 8, number & 255, 0, 0]);
    // A checksum that no other message of the round has, whatever addresses it goes by.
    const sequence = (number * 8) & 0xffff;
    message.writeUInt16BE(sequence, 6);
    message.writeUInt16BE(checksum(message), 2);
    icmp({ from, sides, what: what(packet), expected }, packet, number * 65_536 + sequence);
    return {
      from,
      orders: [`raw ${source} ${packet.protocol} ${destination} ${message.toString('hex')}`],
      expected,
      fate: fateOf(expected),
    };
  }
  const remotePort = pick(chance, PORTS);
  const protocol = { tcp: 6, udp: 17, sctp: 132, gre: 47 }[kind];
  const packet: Packet = { local, remote, protocol, localPort: number, remotePort };
  const course: Course = { from, sides, what: what(packet), expected };
  if (kind === 'tcp' || kind === 'udp') {
    const connection = kind === 'tcp' ? tcp(course, packet) : undefined;
    if (kind === 'udp') udp(course, packet);
    const orders = [`${kind} ${source} ${number} ${destination} ${remotePort}`];
    return { from, orders, expected, fate: fateOf(expected), ...(connection && { connection }) };
  }
  unanswered(course, packet);
  const header = Buffer.alloc(16);
  header.writeUInt16BE(number, 0);
  header.writeUInt16BE(remotePort, 2);
  return {
    from,
    orders: [`raw ${source} ${protocol} ${destination} ${header.toString('hex')}`],
    expected,
    fate: fateOf(expected),
  };
}

/** What is said on a connection that was made under an earlier policy. */
export function latchedProbe(connection: Connection, sides: Course['sides']): Probe {
  const { from, packet } = connection;
  const expected: Expectation[] = [];
  const what = `${from}: on the connection from port ${packet.localPort ?? 0} to ${packet.remotePort ?? 0}`;
  const heard = says({ from, sides, what, expected }, connection);
  return {
    from,
    orders: [`say ${packet.localPort ?? 0}`],
    expected,
    fate: fateOf(expected),
    ...(heard && { connection }),
  };
}

function fateOf([out, into]: readonly Expectation[]): Probe['fate'] {
  if (out?.sent === undefined || into?.sent === undefined) return 'refused';
  return out.sent.tag === undefined ? 'clear' : 'protected';
}

function checksum(message: Buffer): number {
  let sum = 0;
  for (let i = 0; i < message.length; i += 2) sum += message.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** The difference between what was expected and what was seen; none when they agree. */
export function difference({ what, host, way, find, sent }: Expectation, seen: Sightings): string | undefined {
  const found = find(seen);
  const wanted =
    sent === undefined
      ? 'nothing'
      : way === 'in'
        ? 'let in'
        : sent.tag === undefined
          ? 'clear'
          : `under SPI ${spis(sent)}`;
  const got = found.length === 0 ? 'nothing' : way === 'in' ? 'let in' : looks(found, sent);
  return wanted === got
    ? undefined
    : `${what}: at ${host}, ${way}bound: the evaluator says ${wanted}, the packets say ${got}`;
}

const spis = ({ sas }: Sent): string => sas.map(({ spi }) => `0x${spi.toString(16)}`).join(' and ');

function looks(found: readonly Sighting[], sent: Sent | undefined): string {
  const ways = new Set(
    found.map(({ protocol, dscp4, dscp6, label4, label6 }) => {
      if (protocol !== 50 && protocol !== 51) return 'clear';
      const tag = sent?.tag;
      const [dscp, label] = sent?.sas[0]?.dst.address.family === 6 ? [dscp6, label6] : [dscp4, label4];
      const mine = tag !== undefined && tag.protocol === protocol && tag.dscp === dscp && tag.label === label;
      return mine && sent !== undefined ? `under SPI ${spis(sent)}` : 'under another SA';
    }),
  );
  return [...ways].join(' and ');
}
