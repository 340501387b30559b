/**
 * What a protected packet carries on the wire of the lab instead of an ESP or AH header: its inner protocol in the TTL, and
 * a tag that only who holds the same SAs can make. Owns where in a packet it stands.
 */

import { createHash } from 'node:crypto';

import type { Family } from '../../../model/policy.js';
import { SA_TYPE, type SecurityAssociation } from '../../../model/sa.js';

/** IP protocols of RFC 4303 and RFC 4302. Of a packet with both, and of IPv6, the lab shows ESP. */
const WIRE_PROTOCOL = { esp: 50, ah: 51 } as const;

/** Inner protocols that can be carried, the usual ones first. */
const CARRIED = [6, 17, 1, 58, 132, 2, 4, 41, 46, 47, 88, 89, 103, 112];

const USUAL_TTL = 64;

export interface WireTag {
  readonly protocol: number;
  /** IPv4: identification; IPv6: flow label. */
  readonly label: number;
  readonly dscp: number;
}

/** 16 + 6 bits for IPv4, 20 + 6 for IPv6, of a digest over all that both ends must have alike, keys included. */
export function wireTag(sas: readonly SecurityAssociation[]): WireTag {
  const digest = createHash('sha256');
  for (const sa of sas) {
    const { type, spi, auth, encr, dst, authKey, encrKey, salt } = sa;
    const keys = [authKey?.secret, encrKey?.secret, salt].map((key) => key?.reveal() ?? new Uint8Array());
    digest.update(`${type} ${spi} ${auth} ${encr} ${dst.address.family} ${dst.address.value.toString(16)}\n`);
    for (const key of keys) digest.update(`${key.length}\n`).update(key);
  }
  const bits = digest.digest().readUInt32BE();
  const six = sas[0]?.dst.address.family === 6;
  // Of an IPv6 packet everybody on the way, this kernel included, would go on reading behind an AH header.
  const shownAsEsp = six || sas.some(({ type }) => type === SA_TYPE.esp);
  const protocol = shownAsEsp ? WIRE_PROTOCOL.esp : WIRE_PROTOCOL.ah;
  return { protocol, label: six ? bits >>> 12 : bits >>> 16, dscp: bits & 0x3f };
}

export function tagText({ protocol, label, dscp }: WireTag): string {
  return `${protocol} ${label} ${dscp}`;
}

/** The words that put a tag on a packet that is wrapped. */
export function putTag(family: Family, { label, dscp }: WireTag): string {
  return family === 4 ? `ip id set ${label} ip dscp set ${dscp}` : `ip6 flowlabel set ${label} ip6 dscp set ${dscp}`;
}

export function matchTag(family: Family, { protocol, label, dscp }: WireTag): string {
  return family === 4
    ? `ip protocol ${protocol} ip id ${label} ip dscp ${dscp}`
    : `ip6 nexthdr ${protocol} ip6 flowlabel ${label} ip6 dscp ${dscp}`;
}

/** Of the identification, while the protocol is changed; any value serves. */
const SCRATCH = 0x100;

/**
 * Rules that turn a packet into one of a wire protocol, its own in the TTL, and return. nft would change the checksum of TCP and
 * UDP along with the protocol by its name, and not change it back at the other end, where it sees ESP. So the byte is written by its
 * place, and for IPv4 the header's checksum is told of the difference by way of the identification.
 */
export function wrapRules(family: Family, wire: number): readonly string[] {
  return CARRIED.map((inner) =>
    family === 4
      ? [
          `ip protocol ${inner} ip ttl set ${inner} ip id set ${SCRATCH}`,
          `@nh,32,16 set ${SCRATCH - (wire - inner)} ip id set ${SCRATCH} @nh,72,8 set ${wire} return`,
        ].join(' ')
      : `ip6 nexthdr ${inner} ip6 hoplimit set ${inner} @nh,48,8 set ${wire} return`,
  );
}

/** Rules that turn it back. */
export function unwrapRules(family: Family): readonly string[] {
  return CARRIED.map((inner) =>
    family === 4
      ? `ip ttl ${inner} ip protocol set ${inner} ip dscp set 0 ip ttl set ${USUAL_TTL} accept`
      : `ip6 hoplimit ${inner} @nh,48,8 set ${inner} ip6 dscp set 0 ip6 flowlabel set 0 ip6 hoplimit set ${USUAL_TTL} accept`,
  );
}

export const WIRE_PROTOCOLS = Object.values(WIRE_PROTOCOL);
