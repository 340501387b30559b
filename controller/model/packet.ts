/** A packet as a policy sees it, and the protection that packets and SAs carry. */

import type { Address } from './address.js';

/** Seen from the host: `local` is its own address, `remote` the peer's, in both directions. */
export interface Packet {
  readonly local: Address;
  readonly remote: Address;
  /** IP protocol number. */
  readonly protocol: number;
  /** Read for TCP, UDP and SCTP only. */
  readonly localPort?: number;
  readonly remotePort?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

/** Ports and protocol written in an SA itself; 0 = not given. */
export interface SaBinding {
  readonly localPort: number;
  readonly remotePort: number;
  readonly protocol: number;
}

/** How a packet came in. Algorithms by their ipsecalgs(1M) names. */
export type Arrival =
  | { readonly kind: 'clear' }
  | {
      readonly kind: 'protected';
      readonly esp?: { readonly encr: string; readonly auth?: string };
      readonly ah?: string;
      readonly binding?: SaBinding;
    };

/** An SA for packets going out. Exactly one of `esp` and `ah` is there. */
export interface OutboundSa {
  readonly esp?: { readonly encr: string; readonly bits: number; readonly auth?: string; readonly authBits?: number };
  readonly ah?: { readonly auth: string; readonly bits: number };
  /** Absent: for any source. */
  readonly source?: Address;
  readonly destination: Address;
  /** Has carried traffic before. */
  readonly used: boolean;
  readonly binding?: SaBinding;
}
