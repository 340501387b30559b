/** What an import has read of one host, before anything is made of it. */

import type { Address } from '../model/address.js';
import type { HostNames, SshSettings } from '../model/host.js';
import type { ManagedPath } from '../model/managed-file.js';
import type { HostSurroundings, Observation } from '../model/observation.js';
import type { Secret } from '../model/secret.js';

export interface CollectedHost {
  /** As the inventory will call it. */
  readonly name: string;
  readonly ssh: SshSettings;
  /** Addresses that the operator says it has. */
  readonly given: readonly Address[];
  /** Names in its files, as the operator says they resolve there. */
  readonly names?: HostNames;
  readonly seen: Observation;
  readonly surroundings: HostSurroundings;
  /**
   * Whole texts of the managed files that are there. Without keys (`--no-keys`) those that hold some are as the agent masks
   * them, each key `[key]`.
   */
  readonly texts: ReadonlyMap<ManagedPath, Secret>;
}

export const PATHS = {
  policy: '/etc/inet/ipsecinit.conf',
  manualKeys: '/etc/inet/secret/ipseckeys',
  ikeConfig: '/etc/inet/ike/config',
  presharedKeys: '/etc/inet/secret/ike.preshared',
} as const satisfies Readonly<Record<string, ManagedPath>>;
