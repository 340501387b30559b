/** IKE rules, phase 1 transforms and preshared keys, as illumos ike.config(4) and ike.preshared(4) write them. */

import type { SourcePosition } from '../errors.js';
import type { Address, Prefix } from './address.js';
import type { Secret } from './secret.js';

export const AUTH_METHODS = ['preshared', 'rsa_sig', 'rsa_encrypt', 'dss_sig'] as const;
export type AuthMethod = (typeof AUTH_METHODS)[number];

/** Diffie-Hellman groups of phase 1; `p2_pfs` may also be 0 for none. */
export const OAKLEY_GROUPS: readonly number[] = [1, 2, 5, 14, 15, 16];

/**
 * Lifetimes in seconds where no file names one. ike.config(4) gives no number for either, and in.iked is closed: an hour for phase 1 is
 * what is taken here (`ikeadm get defaults` on a host tells its own), eight hours are the kernel's own limit (illumos ipsecesp).
 */
export const IKE_DEFAULTS = { phaseOneSeconds: 3600, phaseTwoSeconds: 28_800 } as const;

export interface IkeTransform {
  readonly authMethod: AuthMethod;
  readonly oakleyGroup: number;
  readonly authAlg: string;
  readonly encrAlg: string;
  /** Only for aes; `undefined` leaves the length to the daemon. */
  readonly encrBits: { readonly low: number; readonly high: number } | undefined;
  readonly lifetimeSeconds: number | undefined;
}

export type IkeAddresses =
  | { readonly kind: 'prefix'; readonly prefix: Prefix }
  | { readonly kind: 'range'; readonly from: Address; readonly to: Address };

export interface IkeRule {
  readonly label: string;
  readonly at: SourcePosition;
  readonly local: readonly IkeAddresses[];
  readonly remote: readonly IkeAddresses[];
  readonly localIdType: string | undefined;
  readonly localIds: readonly string[];
  readonly remoteIds: readonly string[];
  readonly p2LifetimeSeconds: number | undefined;
  readonly p2Pfs: number | undefined;
  /** Empty: those of the whole file. */
  readonly transforms: readonly IkeTransform[];
}

export interface IkeConfig {
  /** Settings for the whole daemon, as written. Flags have the value `true`. */
  readonly globals: ReadonlyMap<string, string | number | true>;
  readonly transforms: readonly IkeTransform[];
  readonly rules: readonly IkeRule[];
}

export type IkeIdentity =
  | { readonly type: 'ip'; readonly prefix: Prefix }
  | { readonly type: 'name'; readonly idType: string; readonly text: string };

export interface PresharedKey {
  readonly local: IkeIdentity;
  readonly remote: IkeIdentity;
  /** Whole bytes; an odd last digit is the high half of its byte. */
  readonly key: Secret;
  readonly bits: number;
  readonly mode: string | undefined;
  readonly at: SourcePosition;
}
