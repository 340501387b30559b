/** One entry of ipsecinit.conf after its words are understood and before rules are made of it. */

import type { Address } from '../model/address.js';
import type { EntrySource, NumberRange, TunnelTable } from '../model/policy.js';
import type { Algorithm } from './algorithms.js';

/** The source or destination half of a pattern. */
export interface EntryEnd {
  /** Whether the rule is marked as having this address. A ninth key in a pattern can falsify the mark. */
  readonly marked: boolean;
  /** What the address or name stands for, IPv6 first; absent when none was given. */
  readonly addresses?: readonly Address[];
  /** Length after the slash. */
  readonly slash?: number;
  /** Length of the netmask given by a key of its own. */
  readonly mask?: number;
  /** Whether a length counts at all; without it the address is a host. */
  readonly sized: boolean;
  /** 0 = any. */
  readonly port: number;
}

/** An algorithm as asked for; lengths of 0 = not given. */
export interface AlgorithmRequest {
  readonly algorithm: Algorithm | 'any';
  readonly minBits: number;
  readonly maxBits: number;
}

export interface AlternativeRequest {
  readonly kind: 'protect' | 'bypass' | 'discard';
  readonly unique: boolean;
  readonly ah?: AlgorithmRequest;
  readonly encr?: AlgorithmRequest;
  readonly encrAuth?: AlgorithmRequest;
}

export interface Entry {
  readonly source: EntrySource;
  readonly from: EntryEnd;
  readonly to: EntryEnd;
  /** Source is the remote side: old-style keys and traffic coming in. */
  readonly swapped: boolean;
  /** 0 = any. */
  readonly protocol: number;
  readonly icmpType?: NumberRange;
  readonly icmpCode?: NumberRange;
  /** Neither = accepted, and nothing is installed. */
  readonly directions: { readonly in: boolean; readonly out: boolean };
  readonly tunnel?: TunnelTable;
  readonly alternatives: readonly AlternativeRequest[];
}
