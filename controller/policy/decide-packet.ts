/**
 * One packet in a person's words: `in tcp 192.0.2.9:40000 -> 10.0.1.11:22 clear`. Reads the words; decides nothing.
 */

import { OperatorError } from '../errors.js';
import { parseAddress, sameAddress, type Address } from '../model/address.js';
import type { Arrival, Packet } from '../model/packet.js';
import { algorithmNamed, type AlgorithmKind } from './algorithms.js';
import { ICMP, ICMP6, SCTP, TCP, UDP } from './match-selector.js';
import { ICMP_TYPES } from './pattern-words.js';
import { readPort } from './read-values.js';
import type { Surroundings } from './reference-host.js';

export type WordedPacket = { readonly words: string; readonly packet: Packet } & (
  { readonly dir: 'in'; readonly arrives: Arrival } | { readonly dir: 'out' }
);

const EXAMPLE =
  "write it like 'in tcp 192.0.2.9:40000 -> 10.0.1.11:22 clear' or 'out icmp echo 10.0.1.11 -> 10.0.2.21'";

/**
 * `[in|out] [PROTOCOL] FROM[:PORT] -> TO[:PORT] [clear | esp CIPHER [INTEGRITY] | ah INTEGRITY]`. The direction may be
 * left out when one end is an address of the host; a packet that comes in is clear unless said otherwise.
 * @throws OperatorError PACKET_MALFORMED
 */
export function parsePacketWords(text: string, around: Surroundings): WordedPacket {
  const wrong = (what: string): OperatorError =>
    new OperatorError('PACKET_MALFORMED', { what, where: `"${text.trim()}"`, todo: EXAMPLE });
  const words = text.replace(/->|→/g, ' -> ').trim().split(/\s+/);
  const arrow = words.indexOf('->');
  if (arrow < 0) throw wrong('there is no `->` between the ends');
  const before = words.slice(0, arrow);
  const [to, ...protection] = words.slice(arrow + 1);
  const given = before[0] === 'in' || before[0] === 'out' ? before[0] : undefined;
  const front = given === undefined ? before : before.slice(1);
  const from = front.at(-1);
  if (from === undefined || to === undefined) throw wrong('an end is missing');
  const [protocolWord = 'tcp', icmp, ...rest] = front.slice(0, -1);
  if (rest.length > 0) throw wrong(`"${rest.join(' ')}" is not understood`);
  const protocol = readProtocolWord(protocolWord, around);
  if (protocol === undefined) throw wrong(`"${protocolWord}" is no protocol`);
  const [source, destination] = readEnds(from, to, around, wrong);
  const ported = [TCP, UDP, SCTP].includes(protocol);
  if (!ported && (source.port ?? destination.port) !== undefined) throw wrong(`protocol ${protocolWord} has no ports`);
  const dir = given ?? directionOf(source.address, destination.address, around, wrong);
  const [local, remote] = dir === 'in' ? [destination, source] : [source, destination];
  const packet: Packet = {
    local: local.address,
    remote: remote.address,
    protocol,
    ...(local.port !== undefined && { localPort: local.port }),
    ...(remote.port !== undefined && { remotePort: remote.port }),
    ...(icmp !== undefined && readIcmpWord(icmp, protocol, wrong)),
  };
  if (dir === 'in') return { words: text.trim(), dir, packet, arrives: readProtection(protection, wrong) };
  if (protection.length > 0) throw wrong('only a packet that comes in says how it is protected');
  return { words: text.trim(), dir, packet };
}

type Wrong = (what: string) => OperatorError;

interface End {
  readonly address: Address;
  readonly port?: number;
}

function readProtocolWord(word: string, { names }: Surroundings): number | undefined {
  const named = names.protocols.get(word.toLowerCase());
  if (named !== undefined) return named;
  return /^\d{1,3}$/.test(word) && Number(word) < 256 ? Number(word) : undefined;
}

/** A name with addresses of both families takes that of the other end's. */
function readEnds(from: string, to: string, around: Surroundings, wrong: Wrong): readonly [End, End] {
  const source = readEnd(from, around, wrong);
  const destination = readEnd(to, around, wrong);
  const pairs = source.addresses.flatMap((one) =>
    destination.addresses.filter((other) => other.family === one.family).map((other) => [one, other] as const),
  );
  const [only, second] = pairs;
  if (only === undefined) throw wrong('the ends are of different families');
  if (second !== undefined) throw wrong('a name has several addresses: write the one you mean');
  const end = (address: Address, port: number | undefined): End => ({ address, ...(port !== undefined && { port }) });
  return [end(only[0], source.port), end(only[1], destination.port)];
}

function readEnd(
  word: string,
  { names }: Surroundings,
  wrong: Wrong,
): { readonly addresses: readonly Address[]; readonly port: number | undefined } {
  const whole = parseAddress(word);
  if (whole !== undefined) return { addresses: [whole], port: undefined };
  const parts = /^\[(.*)\](?::(.*))?$/.exec(word) ?? /^([^:]*)(?::(.*))?$/.exec(word);
  const [, host = '', portWord] = parts ?? [];
  const literal = parseAddress(host);
  const addresses = literal === undefined ? (names.hosts.get(host.toLowerCase()) ?? []) : [literal];
  if (addresses.length === 0) throw wrong(`"${word}" is neither an address nor a known name`);
  if (portWord === undefined) return { addresses, port: undefined };
  const port = readPort(portWord, names);
  if (port === undefined) throw wrong(`"${portWord}" is no port`);
  return { addresses, port };
}

function directionOf(source: Address, destination: Address, { addresses }: Surroundings, wrong: Wrong): 'in' | 'out' {
  const own = (address: Address): boolean => addresses.some((one) => sameAddress(one, address));
  if (own(source) && own(destination)) throw wrong('both ends are the host itself: such packets are never encrypted');
  if (own(source)) return 'out';
  if (own(destination)) return 'in';
  throw wrong("begin with in or out, or give the host's own address with --local");
}

/** `echo`, `8`, `3/1`. */
function readIcmpWord(
  word: string,
  protocol: number,
  wrong: Wrong,
): { readonly icmpType: number; readonly icmpCode?: number } {
  if (protocol !== ICMP && protocol !== ICMP6) throw wrong(`"${word}" is not understood`);
  const [typeWord = '', codeWord] = word.split('/');
  const named = ICMP_TYPES.get(protocol === ICMP6 ? `${typeWord}6` : typeWord) ?? ICMP_TYPES.get(typeWord);
  const icmpType = named ?? byteOf(typeWord);
  if (icmpType === undefined) throw wrong(`"${typeWord}" is no ICMP type`);
  if (codeWord === undefined) return { icmpType };
  const icmpCode = byteOf(codeWord);
  if (icmpCode === undefined) throw wrong(`"${codeWord}" is no ICMP code`);
  return { icmpType, icmpCode };
}

function byteOf(word: string): number | undefined {
  return /^\d{1,3}$/.test(word) && Number(word) < 256 ? Number(word) : undefined;
}

/** `clear`, `esp aes sha256`, `ah sha1`, or both of the latter. */
function readProtection(words: readonly string[], wrong: Wrong): Arrival {
  if (words.length === 0 || (words.length === 1 && words[0] === 'clear')) return { kind: 'clear' };
  const left = [...words];
  let esp: { encr: string; auth?: string } | undefined;
  let ah: string | undefined;
  while (left.length > 0) {
    const word = left.shift();
    if (word === 'esp' && esp === undefined) {
      esp = { encr: algorithmOf('encr', left.shift(), wrong) };
      if (left.length > 0 && left[0] !== 'ah') {
        const auth = left.shift();
        if (auth !== 'none') esp.auth = algorithmOf('auth', auth, wrong);
      }
    } else if (word === 'ah' && ah === undefined) {
      ah = algorithmOf('auth', left.shift(), wrong);
    } else {
      throw wrong(`"${word ?? ''}" is not how a packet arrives`);
    }
  }
  return { kind: 'protected', ...(esp && { esp }), ...(ah !== undefined && { ah }) };
}

function algorithmOf(kind: AlgorithmKind, word: string | undefined, wrong: Wrong): string {
  const known = word === undefined ? undefined : algorithmNamed(kind, word);
  if (known !== undefined) return known.name;
  const what = kind === 'encr' ? 'cipher' : 'integrity algorithm';
  throw wrong(word === undefined ? `the ${what} is missing` : `"${word}" is no ${what}`);
}
