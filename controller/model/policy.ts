/** Rules of a host's policy database as plain values: what traffic they meet, and what is done with it. */

import type { Address, Prefix } from './address.js';

export type Direction = 'in' | 'out';
export type Family = Address['family'];

/** Key lengths a rule accepts, in bits, both ends included. A cipher without a key has 0 and 0. */
export interface Transform {
  /** Name as ipsecalgs(1M) lists it first, e.g. `aes-cbc`. */
  readonly algorithm: string;
  readonly minBits: number;
  readonly maxBits: number;
}

/** One protection a rule asks for or accepts. At least one of `ah` and `esp` is there. */
export interface Protection {
  readonly kind: 'protect';
  readonly ah?: Transform;
  readonly esp?: {
    readonly encr: Transform;
    /** Absent: integrity is not asked for, and any or none is accepted. */
    readonly auth?: Transform;
    /** Integrity was asked for beside `any` cipher, and this one has its own: a packet with more is refused. */
    readonly sealed?: true;
  };
  /** An SA of its own for each flow. */
  readonly unique: boolean;
}

/** RFC 4301 PROTECT, BYPASS, DISCARD. */
export type Action = Protection | { readonly kind: 'bypass' } | { readonly kind: 'discard' };

/** From and to, both included. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** The traffic a rule meets. What is absent meets everything. */
export interface Selector {
  readonly family: Family;
  readonly protocol?: number;
  readonly local?: Prefix;
  readonly remote?: Prefix;
  readonly localPort?: number;
  readonly remotePort?: number;
  readonly icmpType?: NumberRange;
  readonly icmpCode?: NumberRange;
}

/** `old`: entries of one direction each, as Solaris 8 reads them. */
export type PolicySyntax = 'new' | 'old';

/**
 * One step from one loaded policy to another on a host that cannot replace all at once: an entry as a policy file has it, or a
 * rule as it is listed.
 */
export type RuleChange =
  { readonly kind: 'add'; readonly rule: string } | { readonly kind: 'delete'; readonly rule: string };

/** A tunnel's own policy table, apart from the host's. */
export interface TunnelTable {
  readonly name: string;
  readonly mode: 'tunnel' | 'transport';
}

/** Where an entry stands in its file, and its text without comments. */
export interface EntrySource {
  /** Lines and columns count from 1. */
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

/** One rule in force: one direction, one family. */
export interface LoadedRule {
  /** Number the kernel gave it; each tunnel table counts by itself. */
  readonly index: number;
  readonly dir: Direction;
  readonly family: Family;
  /** Highest wins. */
  readonly priority: number;
  readonly selector: Selector;
  /** Alternatives in order, at least one. */
  readonly actions: readonly Action[];
  readonly tunnel?: TunnelTable;
  /** As `ipsecconf -Ln` prints it, without the trailing blank. */
  readonly text: string;
  readonly source: EntrySource;
}
