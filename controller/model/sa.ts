/** Security associations and the PF_KEY messages that add, change and name them (RFC 2367, illumos net/pfkeyv2.h). */

import type { Address } from './address.js';
import type { Secret } from './secret.js';

/** SA types of PF_KEY that illumos has: 2 = AH, 3 = ESP (RFC 2367 §3.1). 0 stands for every type. */
export const SA_TYPE = { all: 0, ah: 2, esp: 3 } as const;

export type SaState = 'larval' | 'mature' | 'dying' | 'dead';

/** Numbers outside the ipsecalgs table with a meaning of their own. */
export const NO_ALGORITHM = 0;
export const NULL_CIPHER = 11;

export interface KeyMaterial {
  /** Whole bytes, the last one padded with zero bits on the right. */
  readonly secret: Secret;
  /** As declared: the trailing bits of the last byte may not count. */
  readonly bits: number;
  /** Bytes of room that ipseckey made for the digits written; the kernel compares it with `bits`. */
  readonly room: number;
  /** Bits at the end that carry an initial vector instead of key (ipseckey's `reserved_bits`). */
  readonly reservedBits: number;
}

/** Limits of an SA; 0 = none. 64-bit quantities are kept whole. */
export interface Lifetime {
  readonly allocations: number;
  readonly bytes: bigint;
  readonly addSeconds: bigint;
  readonly useSeconds: bigint;
}

export interface Identity {
  /** PF_KEY identity type: 1 prefix, 2 fqdn, 3 mailbox, 4 der_dn, 5 der_gn, or any other number. */
  readonly type: number;
  readonly text: string;
}

/** An address with a port, as one end of an SA. */
export interface SaEnd {
  readonly address: Address;
  readonly port: number;
}

/** An inner (tunnel mode) end: the length is the byte that PF_KEY carries, counted as for IPv6. */
export interface InnerEnd extends SaEnd {
  readonly prefixByte: number;
}

/** What `add`, `update` and `update-pair` hand to the kernel for one pair of addresses. */
export interface SaMessage {
  readonly type: number;
  readonly spi: number;
  readonly pairSpi: number | undefined;
  readonly auth: number;
  readonly encr: number;
  readonly state: SaState;
  readonly replayWindow: number;
  readonly replayValue: number | undefined;
  readonly inbound: boolean;
  readonly outbound: boolean;
  readonly hard: Lifetime | undefined;
  readonly soft: Lifetime | undefined;
  readonly idle: Lifetime | undefined;
  readonly authKey: KeyMaterial | undefined;
  readonly encrKey: KeyMaterial | undefined;
  readonly srcId: Identity | undefined;
  readonly dstId: Identity | undefined;
  readonly protocol: number;
  /** The unspecified IPv6 address when the command gave no source, or too many. */
  readonly src: SaEnd;
  readonly dst: SaEnd;
  readonly inner: { readonly src: InnerEnd; readonly dst: InnerEnd; readonly protocol: number } | undefined;
  readonly natLocal: SaEnd | undefined;
  readonly natRemote: SaEnd | undefined;
}

/** What `get`, `delete` and `delete-pair` name an SA by. */
export interface SaName {
  readonly type: number;
  readonly spi: number;
  readonly src: Address | undefined;
  readonly dst: Address | undefined;
  readonly inbound: boolean;
}

/** An SA in the kernel. `inbound` and `outbound` say in which tables it stands: both when direction cannot be told. */
export interface SecurityAssociation {
  readonly type: number;
  readonly spi: number;
  /** SPI of the SA of the other direction, when paired. */
  readonly pairSpi: number | undefined;
  readonly auth: number;
  readonly encr: number;
  readonly replayWindow: number;
  readonly replayValue: number;
  readonly inbound: boolean;
  readonly outbound: boolean;
  /** A failed pairing leaves it so until the kernel's reaper comes by. */
  readonly dead: boolean;
  /** Set by the traffic simulation; a newer SA makes flows that cached a used one look again. */
  readonly used: boolean;
  readonly hard: Lifetime;
  readonly soft: Lifetime;
  readonly idle: Lifetime;
  readonly authKey: { readonly secret: Secret; readonly bits: number } | undefined;
  /** Cipher key without its salt. */
  readonly encrKey: { readonly secret: Secret; readonly bits: number } | undefined;
  readonly salt: Secret | undefined;
  readonly srcId: Identity | undefined;
  readonly dstId: Identity | undefined;
  readonly protocol: number;
  readonly src: SaEnd;
  readonly dst: SaEnd;
  /** Tunnel mode: inner addresses with their true prefix lengths. */
  readonly inner:
    | {
        readonly src: SaEnd & { readonly length: number };
        readonly dst: SaEnd & { readonly length: number };
        readonly protocol: number;
      }
    | undefined;
  readonly natLocal: SaEnd | undefined;
  readonly natRemote: SaEnd | undefined;
  /** Seconds since 1970. */
  readonly addedAt: number;
  /** The key daemon that negotiated it, by the rule it used; absent for an SA that was added by hand. */
  readonly manager?: { readonly cookie: number; readonly label: string };
}

/** What the kernel counts of an SA while it lives. Times in seconds since 1970; absent until it has carried a packet. */
export interface SaCurrent {
  readonly bytes: number;
  readonly firstUsedAt?: number;
  readonly lastUsedAt?: number;
}

export const NO_LIMITS: Lifetime = { allocations: 0, bytes: 0n, addSeconds: 0n, useSeconds: 0n };
