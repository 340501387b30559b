/** What lets packets in and out of a lab host, as its machine sees it. Types only: the enforcing lab implements it. */

import type { Sad } from '../keys/kernel/sad.js';
import type { SecurityAssociation } from '../model/sa.js';
import type { ActionStore } from '../policy/remembered-actions.js';
import type { Spd } from '../policy/spd.js';

/** All that decides about packets on a host. */
export interface KernelState {
  readonly spd: Spd;
  readonly sad: Sad;
  /** What the kernel remembers of the alternatives of earlier policies. */
  readonly remembered: ActionStore;
}

/** What one SA has carried since it was added. */
export interface SaUse {
  readonly packets: number;
  readonly bytes: number;
}

export interface PacketFilter {
  /** Resolves when every packet is treated as this state has it; there is no moment in between without a policy. */
  load(state: KernelState): Promise<void>;
  /** What the SAs of the loaded state have carried, by `saId`. An SA that is still there keeps its count over loads. */
  uses(): Promise<ReadonlyMap<string, SaUse>>;
}

/** Names an SA on its host for as long as it lives: no two share type, SPI and destination. */
export function saId({ type, spi, dst }: Pick<SecurityAssociation, 'type' | 'spi' | 'dst'>): string {
  const { family, value } = dst.address;
  return `${type}-${spi.toString(16)}-${family}-${value.toString(16)}`;
}
