/** A line that asks what a host does with packets: the policies it was given in order, and the packets. Reads, decides nothing. */

import { parseAddress, type Address } from '../model/address.js';
import type { Arrival, OutboundSa, Packet, SaBinding } from '../model/packet.js';
import type { JsonField } from './json-fields.js';

/** One run of ipsecconf: its options, and the file they name unless it takes none. */
export interface PolicyStep {
  readonly options: readonly string[];
  readonly text: string | undefined;
}

export interface InboundQuestion {
  readonly dir: 'in';
  readonly packet: Packet;
  readonly arrives: Arrival;
  /** The packet is an ICMP error about a connection: this is the packet it quotes, seen from the host. */
  readonly quoted?: Packet;
}

export interface OutboundQuestion {
  readonly dir: 'out';
  readonly packet: Packet;
  /** In the order they were added; absent: nothing was said of SAs. */
  readonly sas?: readonly OutboundSa[];
}

export type PacketQuestion = InboundQuestion | OutboundQuestion;

export interface DecideCase {
  readonly id: string | number;
  readonly steps: readonly PolicyStep[];
  readonly questions: readonly PacketQuestion[];
}

/** @throws OperatorError BAD_LINE with the path of the field that is wrong */
export function readDecideCase(line: JsonField): DecideCase {
  const first = { options: ['-q', '-a'], text: line.get('policy').text() };
  const more = line.find('more')?.list() ?? [];
  for (const address of line.find('local')?.list() ?? []) readAddress(address);
  return {
    id: line.get('id').id(),
    steps: [first, ...more.map(readStep)],
    questions: line.get('queries').list().map(readQuestion),
  };
}

function readStep(step: JsonField): PolicyStep {
  return {
    options: step
      .get('options')
      .list()
      .map((option) => option.text()),
    text: step.find('policy')?.text(),
  };
}

function readQuestion(query: JsonField): PacketQuestion {
  const packet = readPacket(query);
  if (query.get('dir').oneOf(['in', 'out']) === 'out') {
    const sas = query.find('sas')?.list();
    return { dir: 'out', packet, ...(sas && { sas: sas.map((sa) => readSa(sa, packet)) }) };
  }
  const conn = query.find('conn');
  const { local, remote } = packet;
  return {
    dir: 'in',
    packet,
    arrives: readArrival(query.get('arrives')),
    ...(conn && {
      quoted: {
        local,
        remote,
        protocol: conn.get('ulp').whole(0, 255),
        localPort: readPort(conn.get('lport')),
        remotePort: readPort(conn.get('rport')),
      },
    }),
  };
}

function readPacket(query: JsonField): Packet {
  const local = readAddress(query.get('laddr'));
  const remote = readAddress(query.get('raddr'));
  if (local.family !== remote.family) throw query.get('raddr').wrong('is of another family than `laddr`');
  const localPort = query.find('lport');
  const remotePort = query.find('rport');
  const icmpType = query.find('icmp_type');
  const icmpCode = query.find('icmp_code');
  return {
    local,
    remote,
    protocol: query.get('ulp').whole(0, 255),
    ...(localPort && { localPort: readPort(localPort) }),
    ...(remotePort && { remotePort: readPort(remotePort) }),
    ...(icmpType && { icmpType: icmpType.whole(0, 255) }),
    ...(icmpCode && { icmpCode: icmpCode.whole(0, 255) }),
  };
}

function readPort(field: JsonField): number {
  return field.whole(0, 65535);
}

function readAddress(field: JsonField): Address {
  const address = parseAddress(field.text());
  if (address === undefined) throw field.wrong('is no address');
  return address;
}

function readArrival(arrives: JsonField): Arrival {
  if (arrives.value === null || arrives.isMissing) throw arrives.wrong('is missing: say how an inbound packet comes');
  if (arrives.get('clear').value === true) return { kind: 'clear' };
  const esp = arrives.find('esp');
  const ah = arrives.find('ah');
  if (esp === undefined && ah === undefined) throw arrives.wrong('is neither clear nor has `esp` or `ah`');
  const auth = esp && integrityOf(esp);
  return {
    kind: 'protected',
    ...(esp && { esp: { encr: esp.get('encr').text(), ...(auth !== undefined && { auth }) } }),
    ...(ah && { ah: ah.text() }),
    ...readBinding(arrives),
  };
}

/** Null and `none` both say that there is none. */
function integrityOf(esp: JsonField): string | undefined {
  const auth = esp.find('auth')?.text();
  return auth === 'none' ? undefined : auth;
}

function readSa(sa: JsonField, packet: Packet): OutboundSa {
  const esp = sa.find('esp');
  const ah = sa.find('ah');
  if ((esp === undefined) === (ah === undefined)) throw sa.wrong('has either `esp` or `ah`');
  const src = sa.get('src');
  const dst = sa.get('dst');
  const auth = esp && integrityOf(esp);
  return {
    ...(esp && {
      esp: {
        encr: esp.get('encr').text(),
        bits: esp.get('bits').whole(0, 65535),
        ...(auth !== undefined && { auth, authBits: esp.get('auth_bits').whole(0, 65535) }),
      },
    }),
    ...(ah && { ah: { auth: ah.text(), bits: sa.get('ah_bits').whole(0, 65535) } }),
    ...(src.value !== null && { source: src.isMissing ? packet.local : readAddress(src) }),
    destination: dst.isMissing ? packet.remote : readAddress(dst),
    used: sa.get('used').value === true,
    ...readBinding(sa),
  };
}

function readBinding(of: JsonField): { readonly binding?: SaBinding } {
  const unique = of.find('sa_unique');
  if (unique === undefined) return {};
  const [localPort, remotePort] = [readPort(unique.get('lport')), readPort(unique.get('rport'))];
  return { binding: { localPort, remotePort, protocol: unique.get('ulp').whole(0, 255) } };
}
