/** What differs between kinds of host, as values: where files lie, what stands behind them and how policy is replaced. */

import type { ManagedPath } from '../model/managed-file.js';

export type PlatformName = 'solaris-smf' | 'solaris-legacy';

export interface Adapter {
  readonly name: PlatformName;
  readonly files: {
    readonly policy: ManagedPath;
    readonly manualKeys: ManagedPath;
    readonly ikeConfig: ManagedPath;
    readonly preshared: ManagedPath;
  };
  /** Short FMRIs as `observe` reports their states; without a service manager the same names stand for what boot scripts start. */
  readonly services: {
    readonly policy: string;
    readonly manualKeys: string;
    readonly ike: string;
  };
  /** Boot scripts have no states: what they start is judged by what is loaded and running. */
  readonly startedBy: 'smf' | 'boot-scripts';
  /** `at-once`: the kernel has the old policy or the new one at any moment. `rule-by-rule`: rules are added and deleted. */
  readonly replacesPolicy: 'at-once' | 'rule-by-rule';
  /** How a plan words the steps there. */
  readonly words: {
    readonly policy: string;
    readonly ike: Readonly<Record<'restart' | 'start' | 'stop', string>>;
  };
  /** What a person types there, and what such a person may have done. */
  readonly byHand: {
    readonly restartIke: string;
    readonly stopIke: string;
    /** Why the daemon runs though nobody asked for it. */
    readonly startedIke: string;
    /** Why a service is off that was on; `isBack`: it comes back at the next boot. */
    readonly stopped: (service: string, isBack: boolean) => string;
  };
  readonly guard: {
    /** The variable of the agent's text that holds its file (agent-bundle.ts). */
    readonly value: 'BOOT_GUARD_XML' | 'BOOT_GUARD_INIT';
    readonly file: string;
    /** Has the boot run it, once its file is written. */
    readonly enable: readonly string[];
    /** The boot does not know it. */
    readonly unknown: string;
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
