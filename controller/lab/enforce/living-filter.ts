/** The packet filter of a host over its lives: each has a kernel of its own, which begins with nothing loaded. */

import type { KernelState, PacketFilter, SaUse } from '../packet-filter.js';

export class LivingFilter<F extends PacketFilter> implements PacketFilter {
  #life: F | undefined;

  /** The filter of the kernel that runs now; nothing on a host that is off. */
  get current(): F | undefined {
    return this.#life;
  }

  begin(filter: F): void {
    this.#life = filter;
  }

  end(): void {
    this.#life = undefined;
  }

  /** A host that lost its power in the middle has nothing to load into. */
  async load(state: KernelState): Promise<void> {
    const life = this.#life;
    await life?.load(state).catch((error: unknown) => {
      if (life === this.#life) throw error;
    });
  }

  async uses(): Promise<ReadonlyMap<string, SaUse>> {
    const life = this.#life;
    if (life === undefined) return new Map();
    return life.uses().catch((error: unknown) => {
      if (life === this.#life) throw error;
      return new Map<string, SaUse>();
    });
  }
}
