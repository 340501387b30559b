/** What is known of a lab host of either depth from outside. Owns no more than the names of what its settings and its inside hold. */

import type { Address } from '../model/address.js';
import type { PlatformName } from '../platform/adapter.js';
import type { HostInside, InsideSettings, Intercept } from './host-inside.js';
import type { Machine } from './machine.js';

export abstract class HostOutside<M extends Machine> {
  protected abstract readonly settings: InsideSettings<M>;
  protected abstract readonly inside: HostInside<M>;

  get name(): string {
    return this.settings.name;
  }

  get addresses(): readonly Address[] {
    return this.settings.addresses;
  }

  get platform(): PlatformName {
    return this.settings.platform;
  }

  /** What the host sees as `/`. */
  get root(): string {
    return this.settings.paths.root;
  }

  get isOn(): boolean {
    return this.inside.isOn;
  }

  get machine(): M {
    return this.inside.machine;
  }

  /** Calls of simulated commands since the lab came up. */
  get calls(): number {
    return this.inside.calls;
  }

  get intercept(): Intercept | undefined {
    return this.inside.intercept;
  }

  set intercept(intercept: Intercept | undefined) {
    this.inside.intercept = intercept;
  }
}
