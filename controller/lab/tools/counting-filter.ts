/** Counts what the SAs of a host carry where no packet is real. Lets nothing in or out. */

import type { SecurityAssociation } from '../../model/sa.js';
import { saId, type KernelState, type PacketFilter, type SaUse } from '../packet-filter.js';

export class CountingFilter implements PacketFilter {
  #uses = new Map<string, SaUse>();

  /** What has gone takes its count along. */
  load({ sad }: KernelState): Promise<void> {
    if (this.#uses.size > 0) {
      const there = new Set([...sad.values()].map(saId));
      this.#uses = new Map([...this.#uses].filter(([id]) => there.has(id)));
    }
    return Promise.resolve();
  }

  uses(): Promise<ReadonlyMap<string, SaUse>> {
    return Promise.resolve(this.#uses);
  }

  isUsed(sa: SecurityAssociation): boolean {
    return this.#uses.has(saId(sa));
  }

  count(sa: SecurityAssociation, bytes: number): void {
    const id = saId(sa);
    const before = this.#uses.get(id) ?? { packets: 0, bytes: 0 };
    this.#uses.set(id, { packets: before.packets + 1, bytes: before.bytes + bytes });
  }
}
