/** Reads a capture that tcpdump wrote: what each packet was on the wire, and whether it was protected. Pure. */

import { formatAddress } from '../../../controller/model/address.js';

/**
 * `esp`, `ah`: a protected packet. `ike`: the daemons' own words. `neighbour`: ARP and neighbour discovery, which no policy is asked about.
 * `clear`: everything else.
 */
export type WireKind = 'clear' | 'esp' | 'ah' | 'ike' | 'neighbour';

export interface WirePacket {
  /** Seconds since 1970. */
  readonly at: number;
  readonly kind: WireKind;
  readonly from: string;
  readonly to: string;
  /** IP protocol number as it stands in the packet. */
  readonly protocol: number;
  /** Of TCP and UDP in the clear. */
  readonly fromPort?: number;
  readonly toPort?: number;
  /** With its IP header. */
  readonly bytes: number;
}

const MICROSECONDS = 0xa1b2c3d4;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET = 1;
const ETHERNET_HEADER = 14;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, fragment: 44, esp: 50, ah: 51, icmp6: 58 } as const;
const IKE_PORTS = [500, 4500];
/** Router and neighbour solicitation and advertisement, redirect (RFC 4861), multicast listeners (RFC 3810). */
const NEIGHBOUR_TYPES = [130, 131, 132, 133, 134, 135, 136, 137, 143];

/** @throws Error when it is no capture of Ethernet frames; a last record that is cut short is left out */
export function parsePcap(file: Buffer): readonly WirePacket[] {
  if (file.length < FILE_HEADER || file.readUInt32LE(0) !== MICROSECONDS || file.readUInt32LE(20) !== ETHERNET)
    throw new Error('this is no little-endian capture of Ethernet frames');
  const packets: WirePacket[] = [];
  let start = FILE_HEADER;
  while (start + RECORD_HEADER <= file.length) {
    const kept = file.readUInt32LE(start + 8);
    const at = file.readUInt32LE(start) + file.readUInt32LE(start + 4) / 1e6;
    const length = file.readUInt32LE(start + 12);
    const frame = file.subarray(start + RECORD_HEADER, start + RECORD_HEADER + kept);
    if (frame.length < kept) break;
    packets.push(readFrame(frame, at, length - ETHERNET_HEADER));
    start += RECORD_HEADER + kept;
  }
  return packets;
}

function readFrame(frame: Buffer, at: number, bytes: number): WirePacket {
  const type = frame.readUInt16BE(12);
  const ip = frame.subarray(ETHERNET_HEADER);
  if (type === IPV4) return readIpv4(ip, at, bytes);
  if (type === IPV6) return readIpv6(ip, at, bytes);
  return { at, kind: 'neighbour', from: mac(frame, 6), to: mac(frame, 0), protocol: -1, bytes };
}

function readIpv4(ip: Buffer, at: number, bytes: number): WirePacket {
  const isLaterFragment = (ip.readUInt16BE(6) & 0x1fff) !== 0;
  const payload = isLaterFragment ? undefined : ip.subarray((ip.readUInt8(0) & 0xf) * 4);
  return { at, bytes, from: ipv4(ip, 12), to: ipv4(ip, 16), ...readPayload(ip.readUInt8(9), payload) };
}

function readIpv6(ip: Buffer, at: number, bytes: number): WirePacket {
  let protocol = ip.readUInt8(6);
  let payload: Buffer | undefined = ip.subarray(40);
  if (protocol === PROTOCOL.fragment) {
    protocol = payload.readUInt8(0);
    payload = (payload.readUInt16BE(2) & 0xfff8) === 0 ? payload.subarray(8) : undefined;
  }
  return { at, bytes, from: ipv6(ip, 8), to: ipv6(ip, 24), ...readPayload(protocol, payload) };
}

type Payload = Pick<WirePacket, 'kind' | 'protocol' | 'fromPort' | 'toPort'>;

/** `payload` is absent in a later fragment, which has no ports to tell. */
function readPayload(protocol: number, payload: Buffer | undefined): Payload {
  switch (protocol) {
    case PROTOCOL.esp:
      return { kind: 'esp', protocol };
    case PROTOCOL.ah:
      return { kind: 'ah', protocol };
    case PROTOCOL.icmp6: {
      const isNeighbour = payload !== undefined && NEIGHBOUR_TYPES.includes(payload.readUInt8(0));
      return { kind: isNeighbour ? 'neighbour' : 'clear', protocol };
    }
    case PROTOCOL.tcp:
    case PROTOCOL.udp: {
      if (payload === undefined) return { kind: 'clear', protocol };
      const [fromPort, toPort] = [payload.readUInt16BE(0), payload.readUInt16BE(2)];
      const isIke = protocol === PROTOCOL.udp && (IKE_PORTS.includes(fromPort) || IKE_PORTS.includes(toPort));
      return { kind: isIke ? 'ike' : 'clear', protocol, fromPort, toPort };
    }
    default:
      return { kind: 'clear', protocol };
  }
}

function ipv4(bytes: Buffer, at: number): string {
  return formatAddress({ family: 4, value: BigInt(bytes.readUInt32BE(at)) });
}

function ipv6(bytes: Buffer, at: number): string {
  return formatAddress({ family: 6, value: (bytes.readBigUInt64BE(at) << 64n) | bytes.readBigUInt64BE(at + 8) });
}

function mac(bytes: Buffer, at: number): string {
  return bytes.subarray(at, at + 6).toString('hex');
}
