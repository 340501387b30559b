/**
 * Sets of traffic between two addresses, as boxes: protocols with ports, ICMP of the family by type and code, and every
 * other protocol. Owns which fields a protocol has; knows nothing of addresses.
 */

import type { Packet } from '../model/packet.js';
import type { Family, NumberRange, Selector } from '../model/policy.js';
import { ICMP, ICMP6, SCTP, TCP, UDP } from './match-selector.js';

/** The protocols whose ports the kernel reads, in the order of their bits in `PortTraffic.protocols`. */
export const PORTED: readonly number[] = [TCP, UDP, SCTP];
const EVERY_PORTED = 0b111;

/** TCP, UDP and SCTP: a set of them, and ranges of ports at both ends. */
export interface PortTraffic {
  readonly kind: 'ports';
  /** Bit n stands for `PORTED[n]`. */
  readonly protocols: number;
  readonly local: NumberRange;
  readonly remote: NumberRange;
}

/** ICMP of the address family. */
export interface IcmpTraffic {
  readonly kind: 'icmp';
  readonly type: NumberRange;
  readonly code: NumberRange;
}

/** Protocols without ports; bit n stands for protocol n. */
export interface OtherTraffic {
  readonly kind: 'other';
  readonly protocols: bigint;
}

/** Never empty: an operation that leaves nothing returns nothing. */
export type Traffic = PortTraffic | IcmpTraffic | OtherTraffic;

export const ALL_PORTS: NumberRange = { from: 0, to: 65535 };
export const ALL_BYTES: NumberRange = { from: 0, to: 255 };

export function icmpOf(family: Family): number {
  return family === 4 ? ICMP : ICMP6;
}

function bit(protocol: number): bigint {
  return 1n << BigInt(protocol);
}

const PORTED_BITS = PORTED.reduce((sum, protocol) => sum | bit(protocol), 0n);
const EVERY_OTHER: Readonly<Record<Family, bigint>> = {
  4: ((1n << 256n) - 1n) & ~PORTED_BITS & ~bit(ICMP),
  6: ((1n << 256n) - 1n) & ~PORTED_BITS & ~bit(ICMP6),
};

/** Everything two addresses of a family can say to each other, in three boxes. */
export function everyTraffic(family: Family): readonly Traffic[] {
  return EVERY_TRAFFIC[family];
}

const EVERY_PORT: PortTraffic = { kind: 'ports', protocols: EVERY_PORTED, local: ALL_PORTS, remote: ALL_PORTS };
const EVERY_ICMP: IcmpTraffic = { kind: 'icmp', type: ALL_BYTES, code: ALL_BYTES };
const EVERY_TRAFFIC: Readonly<Record<Family, readonly Traffic[]>> = {
  4: [EVERY_PORT, EVERY_ICMP, { kind: 'other', protocols: EVERY_OTHER[4] }],
  6: [EVERY_PORT, EVERY_ICMP, { kind: 'other', protocols: EVERY_OTHER[6] }],
};

/**
 * What a selector leaves of all traffic, addresses apart. A port asks for a protocol that has ports, an ICMP type for ICMP of
 * the family: everything else has none, and is not met.
 */
export function selectedTraffic(selector: Selector): readonly Traffic[] {
  const { family, protocol, localPort, remotePort, icmpType, icmpCode } = selector;
  const kept: Traffic[] = [];
  const icmpAsked = icmpType !== undefined || icmpCode !== undefined;
  const portAsked = localPort !== undefined || remotePort !== undefined;
  if (protocol === undefined && !icmpAsked && !portAsked) return EVERY_TRAFFIC[family];
  const protocols = protocol === undefined ? EVERY_PORTED : portedBit(protocol);
  if (protocols !== 0 && !icmpAsked) {
    kept.push({ kind: 'ports', protocols, local: only(localPort), remote: only(remotePort) });
  }
  if ((protocol === undefined || protocol === icmpOf(family)) && !portAsked) {
    kept.push({ kind: 'icmp', type: icmpType ?? ALL_BYTES, code: icmpCode ?? ALL_BYTES });
  }
  const others = EVERY_OTHER[family] & (protocol === undefined ? EVERY_OTHER[family] : bit(protocol));
  if (others !== 0n && !portAsked && !icmpAsked) kept.push({ kind: 'other', protocols: others });
  return kept;
}

function only(port: number | undefined): NumberRange {
  return port === undefined ? ALL_PORTS : { from: port, to: port };
}

function portedBit(protocol: number): number {
  const at = PORTED.indexOf(protocol);
  return at < 0 ? 0 : 1 << at;
}

/** One protocol whole, or one destination port of it. `undefined` for `port` = all of them. */
export function trafficTo(family: Family, protocol: number, port: number | undefined): readonly Traffic[] {
  const remotePort = port === undefined ? {} : { remotePort: port };
  return selectedTraffic({ family, protocol, ...remotePort });
}

/** The first of the two itself where it lies in the other, as it mostly does. */
export function meetTraffic(a: Traffic, b: Traffic): Traffic | undefined {
  if (a === b) return a;
  if (a.kind === 'ports' && b.kind === 'ports') {
    const protocols = a.protocols & b.protocols;
    if (protocols === 0) return undefined;
    const local = meetRange(a.local, b.local);
    const remote = meetRange(a.remote, b.remote);
    if (local === undefined || remote === undefined) return undefined;
    if (protocols === a.protocols && local === a.local && remote === a.remote) return a;
    return { kind: 'ports', protocols, local, remote };
  }
  if (a.kind === 'icmp' && b.kind === 'icmp') {
    const type = meetRange(a.type, b.type);
    const code = meetRange(a.code, b.code);
    if (type === undefined || code === undefined) return undefined;
    return type === a.type && code === a.code ? a : { kind: 'icmp', type, code };
  }
  if (a.kind === 'other' && b.kind === 'other') {
    const protocols = a.protocols & b.protocols;
    if (protocols === a.protocols) return a;
    return protocols === 0n ? undefined : { kind: 'other', protocols };
  }
  return undefined;
}

/** What is left of `from` without `without`: disjoint boxes. */
export function cutTraffic(from: Traffic, without: Traffic): readonly Traffic[] {
  if (meetTraffic(from, without) === undefined) return [from];
  if (from.kind === 'ports' && without.kind === 'ports') {
    const parts: Traffic[] = [];
    const outside = from.protocols & ~without.protocols;
    if (outside !== 0) parts.push({ ...from, protocols: outside });
    const inside: PortTraffic = { ...from, protocols: from.protocols & without.protocols };
    for (const local of cutRange(from.local, without.local)) parts.push({ ...inside, local });
    const local = meetRange(from.local, without.local) ?? from.local;
    for (const remote of cutRange(from.remote, without.remote)) parts.push({ ...inside, local, remote });
    return parts;
  }
  if (from.kind === 'icmp' && without.kind === 'icmp') {
    const type = meetRange(from.type, without.type) ?? from.type;
    return [
      ...cutRange(from.type, without.type).map((one): Traffic => ({ ...from, type: one })),
      ...cutRange(from.code, without.code).map((code): Traffic => ({ kind: 'icmp', type, code })),
    ];
  }
  if (from.kind === 'other' && without.kind === 'other') {
    const protocols = from.protocols & ~without.protocols;
    return protocols === 0n ? [] : [{ kind: 'other', protocols }];
  }
  return [from];
}

function meetRange(a: NumberRange, b: NumberRange): NumberRange | undefined {
  const from = Math.max(a.from, b.from);
  const to = Math.min(a.to, b.to);
  if (from === a.from && to === a.to) return a;
  if (from === b.from && to === b.to) return b;
  return from <= to ? { from, to } : undefined;
}

function cutRange(from: NumberRange, without: NumberRange): readonly NumberRange[] {
  const parts: NumberRange[] = [];
  if (from.from < without.from) parts.push({ from: from.from, to: Math.min(from.to, without.from - 1) });
  if (from.to > without.to) parts.push({ from: Math.max(from.from, without.to + 1), to: from.to });
  return parts;
}

/** The same traffic as the other end sees it: local and remote ports change places. */
export function mirroredTraffic(traffic: Traffic): Traffic {
  return traffic.kind === 'ports' ? { ...traffic, local: traffic.remote, remote: traffic.local } : traffic;
}

export function trafficHolds(traffic: Traffic, family: Family, packet: Packet): boolean {
  const within = ({ from, to }: NumberRange, value = 0): boolean => from <= value && value <= to;
  switch (traffic.kind) {
    case 'ports':
      return (
        (traffic.protocols & portedBit(packet.protocol)) !== 0 &&
        within(traffic.local, packet.localPort) &&
        within(traffic.remote, packet.remotePort)
      );
    case 'icmp':
      return (
        packet.protocol === icmpOf(family) &&
        within(traffic.type, packet.icmpType) &&
        within(traffic.code, packet.icmpCode)
      );
    case 'other':
      return (traffic.protocols & bit(packet.protocol)) !== 0n;
  }
}

/** Numbers of the protocols in a box, ascending. */
export function protocolsOf(traffic: Traffic, family: Family): readonly number[] {
  switch (traffic.kind) {
    case 'ports':
      return PORTED.filter((_, at) => (traffic.protocols & (1 << at)) !== 0);
    case 'icmp':
      return [icmpOf(family)];
    case 'other':
      return Array.from({ length: 256 }, (_, number) => number).filter(
        (number) => (traffic.protocols & bit(number)) !== 0n,
      );
  }
}

/** Whether a box holds every protocol that it could. */
export function isEveryProtocol(traffic: Traffic, family: Family): boolean {
  switch (traffic.kind) {
    case 'ports':
      return traffic.protocols === EVERY_PORTED;
    case 'icmp':
      return true;
    case 'other':
      return traffic.protocols === EVERY_OTHER[family];
  }
}

/** The packet's protocol, ports and ICMP fields for one member of a box: ports of the dynamic range where free. */
export function sampleTraffic(traffic: Traffic, family: Family): Omit<Packet, 'local' | 'remote'> {
  const [protocol = 0] = protocolsOf(traffic, family);
  switch (traffic.kind) {
    case 'ports':
      return { protocol, localPort: samplePort(traffic.local), remotePort: samplePort(traffic.remote) };
    case 'icmp':
      return { protocol, icmpType: sampleType(traffic.type, family), icmpCode: traffic.code.from };
    case 'other':
      return { protocol: (traffic.protocols & bit(GRE)) === 0n ? protocol : GRE };
  }
}

const GRE = 47;
/** The first port of the dynamic range, RFC 6335 §6. */
const FIRST_DYNAMIC_PORT = 49152;

function samplePort({ from, to }: NumberRange): number {
  return from <= FIRST_DYNAMIC_PORT && FIRST_DYNAMIC_PORT <= to ? FIRST_DYNAMIC_PORT : from;
}

/** Echo request where it is among them. */
function sampleType({ from, to }: NumberRange, family: Family): number {
  const echo = family === 4 ? 8 : 128;
  return from <= echo && echo <= to ? echo : from;
}
