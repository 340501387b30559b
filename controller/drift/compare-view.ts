/** What one look at a host gave a comparison, and what it is compared under. Plain values; nothing here asks a host. */

import type { SeenGeneration } from '../model/drift.js';
import type { Host } from '../model/host.js';
import type { DriftReport, InstalledKey } from '../model/observation.js';
import type { DesiredHost, DigestFile } from '../plan/file-changes.js';
import type { Adapter } from '../platform/adapter.js';
import type { AddressName } from '../policy/region-text.js';

export interface HostView {
  readonly host: Host;
  readonly report: DriftReport;
  readonly adapter: Adapter;
  /** Controller's time just before the host was asked and just after it had answered: its clock is somewhere between. */
  readonly asked: Date;
  readonly answered: Date;
  /** Text on the host of each managed file that is not as recorded, keys masked as `[key]`. */
  readonly texts: ReadonlyMap<string, string>;
  /** The same files as the generation wrote them, where that is known. */
  readonly recordedTexts: ReadonlyMap<string, string>;
  /** Keys found in changed key files; a file without an entry was not asked. */
  readonly installedKeys: ReadonlyMap<string, readonly InstalledKey[]>;
}

/** What the inventory asks of the host today. */
export interface DesiredState {
  readonly host: DesiredHost;
  readonly digest: DigestFile;
}

export interface CompareSettings {
  /** As the operator names it on the command line. */
  readonly inventory: string;
  /** Days until a key counts as old; 0 = never. */
  readonly keyAgeDays: number;
  /** Seconds a host's clock may be off. */
  readonly clockSeconds: number;
  /** When a stored key was drawn, ISO 8601, by its id; without it the generation's date stands for it. */
  readonly keyDates?: ReadonlyMap<string, string>;
  /** The generation that the host was last seen on, where that is remembered. */
  readonly lastGeneration?: Pick<SeenGeneration, 'generation' | 'confirmed'>;
  readonly nameOf?: AddressName;
}
