/** What happens while hosts are watched: told to people, to programs, to the log and to metrics in the same words. */

import type { Problem } from '../errors.js';
import type { DriftDigest, DriftMemory, DriftPass, Quarantine, RemediationRecord } from './drift.js';

/** What went wrong, and what to do about it. */
export interface WatchFault {
  readonly code: string;
  readonly what: string;
  readonly where?: string | undefined;
  readonly todo?: string | undefined;
  /** Where the input is at fault: each of them, with its place. */
  readonly problems?: readonly Problem[];
}

/** Times are ISO 8601, UTC. */
export type WatchEvent =
  | { readonly event: 'watch-started'; readonly hosts: number; readonly schedule: string; readonly timeZone: string }
  /** The next pass; told once for each. */
  | { readonly event: 'watch-waiting'; readonly until: string }
  /** The loop is alive: at least every half minute while it waits, and at each look of a pass. */
  | { readonly event: 'watch-beat'; readonly at: string }
  /** Scheduled times without a pass. `late`: the process stood still or the clock jumped; `busy`: the pass before took too long; `absent`: nobody watched. */
  | {
      readonly event: 'watch-missed';
      readonly count: number;
      readonly since: string;
      readonly why: 'late' | 'busy' | 'absent';
    }
  | { readonly event: 'watch-pass-begun'; readonly at: string; readonly hosts: number }
  | WatchPassEnded
  | { readonly event: 'watch-told'; readonly notifier: string; readonly told: true }
  | { readonly event: 'watch-told'; readonly notifier: string; readonly told: false; readonly fault: WatchFault }
  | {
      readonly event: 'watch-remediated';
      readonly records: readonly RemediationRecord[];
      readonly quarantines: readonly Quarantine[];
      /** Hosts that drifted and were not worked on, and why. */
      readonly left?: readonly { readonly host: string; readonly why: string }[];
      /** Why nothing was done at all. */
      readonly halted?: string;
    }
  /** A pass, or what follows from it, could not be made. Watching goes on. */
  | {
      readonly event: 'watch-failed';
      readonly fault: WatchFault;
      /** In a row. */
      readonly failures: number;
      /** No pass is tried before. */
      readonly notBefore: string;
    }
  | { readonly event: 'watch-reloaded'; readonly hosts: number; readonly schedule: string; readonly timeZone: string }
  | { readonly event: 'watch-reload-refused'; readonly fault: WatchFault }
  | { readonly event: 'watch-stopped'; readonly at: string };

export interface WatchPassEnded {
  readonly event: 'watch-pass-ended';
  readonly pass: DriftPass;
  /** False when it was stopped before every host had its turn. */
  readonly complete: boolean;
  readonly memory: DriftMemory;
  readonly digest: DriftDigest;
}
