/** What differs between kinds of host, as values: where files lie and which services stand behind them. */

import type { ManagedPath } from '../model/managed-file.js';

export type PlatformName = 'solaris-smf';

export interface Adapter {
  readonly name: PlatformName;
  readonly files: {
    readonly policy: ManagedPath;
    readonly manualKeys: ManagedPath;
    readonly ikeConfig: ManagedPath;
    readonly preshared: ManagedPath;
  };
  /** Short FMRIs as `observe` reports their states. */
  readonly services: {
    readonly policy: string;
    readonly manualKeys: string;
    readonly ike: string;
  };
}

/** Every file we may own there, the policy first. */
export function managedPaths({ files }: Adapter): readonly ManagedPath[] {
  return [files.policy, files.manualKeys, files.ikeConfig, files.preshared];
}

/** The files that the key daemon reads. */
export function ikePaths({ files }: Adapter): readonly string[] {
  return [files.ikeConfig, files.preshared];
}
