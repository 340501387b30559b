/** A flow tried on the wire between two hosts, what came back, and what the SAs at an end have carried. */

import type { Address } from './address.js';

/** One try. The host that is asked sends it. */
export interface Probe {
  /** Unique in a request: letters, digits, `.` and `-`. */
  readonly id: string;
  readonly protocol: 'tcp' | 'icmp';
  /** An address of the host that sends. */
  readonly source: Address;
  readonly destination: Address;
  /** TCP port at the destination. */
  readonly port?: number;
}

/**
 * `open`: a connection, or an echo reply. `closed`: refused by a packet of the other end (RST), so that there is a way there and back
 * all the same. `silent`: nothing came until the deadline. `untried`: the host has no means for it, or they failed; the text says why.
 */
export type ProbeAnswer = 'open' | 'closed' | 'silent' | 'untried';

export interface ProbeReply {
  readonly id: string;
  readonly answer: ProbeAnswer;
  /** What it was tried with, e.g. `nc`, `ksh`, `ping`; empty when untried. */
  readonly means: string;
  readonly text: string;
}

/** What one SA has carried, as the host's kernel counts it. */
export interface SaCount {
  /** `esp` or `ah`. */
  readonly type: string;
  /** `0x…` */
  readonly spi: string;
  readonly src: string | undefined;
  readonly dst: string;
  readonly bytes: number;
}

/** A host's answer to a request of several tries: its SAs before the first and after the last. */
export interface ProbeReport {
  readonly replies: readonly ProbeReply[];
  readonly before: readonly SaCount[];
  readonly after: readonly SaCount[];
}

/** Of one request: all are tried at once. */
export const MOST_PROBES = 64;
