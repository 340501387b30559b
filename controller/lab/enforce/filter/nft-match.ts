/** What a rule's selector meets, as words of nft. Owns where a packet's fields are, and in which half each address is. */

import { formatAddress, type Prefix } from '../../../model/address.js';
import type { Direction, Family, NumberRange, Selector } from '../../../model/policy.js';
import type { SaBinding } from '../../../model/packet.js';

/** Protocols of which ports are read: TCP, UDP, SCTP. */
const PORTED = [6, 17, 132];

/** The header a selector is held against. */
interface Fields {
  readonly protocol: string;
  readonly local: (prefix: Prefix) => string;
  readonly remote: (prefix: Prefix) => string;
  readonly localPort: string;
  readonly remotePort: string;
}

const WIDTH = { 4: 32, 6: 128 } as const;

/** An address without its host bits: selectors keep them as written, and match without. */
function network({ address, length }: Prefix): bigint {
  const shift = BigInt(WIDTH[address.family] - length);
  return (address.value >> shift) << shift;
}

function named(field: string): (prefix: Prefix) => string {
  return (prefix) => {
    const { family } = prefix.address;
    return `${field} ${formatAddress({ family, value: network(prefix) })}/${prefix.length}`;
  };
}

/** A field by its place in bits after the ICMP header begins, since nft has no name for it. */
function placed(at: number): (prefix: Prefix) => string {
  return (prefix) => {
    const width = WIDTH[prefix.address.family];
    const mask = network({ address: { ...prefix.address, value: (1n << BigInt(width)) - 1n }, length: prefix.length });
    return `@th,${at},${width} & 0x${mask.toString(16)} == 0x${network(prefix).toString(16)}`;
  };
}

function ownFields(dir: Direction, family: Family): Fields {
  const ip = family === 4 ? 'ip' : 'ip6';
  const [local, remote, localPort, remotePort] =
    dir === 'out' ? ['saddr', 'daddr', 'sport', 'dport'] : ['daddr', 'saddr', 'dport', 'sport'];
  return {
    protocol: 'meta l4proto',
    local: named(`${ip} ${local}`),
    remote: named(`${ip} ${remote}`),
    localPort: `th ${localPort}`,
    remotePort: `th ${remotePort}`,
  };
}

/** The header that an ICMP error quotes, one of a packet that this host sent: eight bytes after the error's own begin. */
const QUOTED: Readonly<Record<Family, Fields>> = {
  4: {
    protocol: '@th,136,8',
    local: placed(160),
    remote: placed(192),
    localPort: '@th,224,16',
    remotePort: '@th,240,16',
  },
  6: {
    protocol: '@th,112,8',
    local: placed(128),
    remote: placed(256),
    localPort: '@th,384,16',
    remotePort: '@th,400,16',
  },
};

/** The protocol of the packet that an ICMP error quotes. */
export function quotedProtocol(family: Family): string {
  return QUOTED[family].protocol;
}

/** `quoted`: the selector is held against the packet that an ICMP error is about. */
export type Held = Direction | 'quoted';

/**
 * The conditions under which a selector meets a packet of its family; any one of them is enough, and without one it meets
 * nothing. An empty text is met by every packet.
 */
export function selectorMatches(selector: Selector, held: Held): readonly string[] {
  const { family, protocol, local, remote, localPort, remotePort, icmpType, icmpCode } = selector;
  const fields = held === 'quoted' ? QUOTED[family] : ownFields(held, family);
  if (held === 'quoted' && (icmpType ?? icmpCode) !== undefined) return [];
  const ends = [
    ...(local === undefined ? [] : [fields.local(local)]),
    ...(remote === undefined ? [] : [fields.remote(remote)]),
  ];
  const details = [
    ...(localPort === undefined ? [] : [`${fields.localPort} ${localPort}`]),
    ...(remotePort === undefined ? [] : [`${fields.remotePort} ${remotePort}`]),
    ...(icmpType === undefined ? [] : [`@th,0,8 ${rangeText(icmpType)}`]),
    ...(icmpCode === undefined ? [] : [`@th,8,8 ${rangeText(icmpCode)}`]),
  ];
  const ported = localPort !== undefined || remotePort !== undefined;
  const protocols = ported ? PORTED.filter((one) => protocol === undefined || protocol === one) : [protocol];
  return protocols.map((one) =>
    [...(one === undefined ? [] : [`${fields.protocol} ${one}`]), ...ends, ...details].join(' '),
  );
}

function rangeText({ from, to }: NumberRange): string {
  return from === to ? `${from}` : `${from}-${to}`;
}

/** The ports as a packet has them: `localPort` of a binding is its source's, `remotePort` its destination's. */
export function bindingMatches({ localPort, remotePort, protocol }: SaBinding): readonly string[] {
  const ports = [
    ...(localPort === 0 ? [] : [`th sport ${localPort}`]),
    ...(remotePort === 0 ? [] : [`th dport ${remotePort}`]),
  ];
  if (ports.length === 0) return [protocol === 0 ? '' : `meta l4proto ${protocol}`];
  return PORTED.filter((one) => protocol === 0 || protocol === one).map((one) =>
    [`meta l4proto ${one}`, ...ports].join(' '),
  );
}
