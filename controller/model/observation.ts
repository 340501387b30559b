/** What a host reports about itself, and what becomes of a transaction there (docs/agent-protocol.md). */

import type { Address } from './address.js';
import type { FileKind } from './file-kind.js';
import type { RuleChange } from './policy.js';

export interface Observation {
  readonly facts: ReadonlyMap<string, string>;
  /** `undefined` before the first transaction; 0 is the baseline taken by it. */
  readonly generation: number | undefined;
  readonly run: string | undefined;
  readonly manifest: Manifest | undefined;
  readonly files: readonly ObservedFile[];
  /** Loaded policy in canonical form: rule texts in kernel index order. */
  readonly spd: readonly string[];
  readonly sad: readonly ObservedSa[];
  /** Short FMRI (`network/ipsec/policy`) to its state. */
  readonly services: ReadonlyMap<string, string>;
  readonly daemonRunning: boolean;
  /** Log tails of services in maintenance. */
  readonly logs: readonly { readonly service: string; readonly lines: readonly string[] }[];
  readonly openTransaction: OpenTransaction | undefined;
}

export interface ObservedFile {
  readonly path: string;
  readonly state: 'present' | 'absent';
  readonly type?: FileKind;
  /** Target of a symbolic link. */
  readonly linkTo?: string;
  /** Lower-case hex, of the whole content. */
  readonly sha256?: string;
  /** Octal, e.g. `0400`. */
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
}

export interface ObservedSa {
  readonly type: string;
  /** `0x…` */
  readonly spi: string;
  readonly dst: string;
  readonly src: string | undefined;
  readonly encr: string | undefined;
  readonly auth: string | undefined;
  /** Against the installed ipseckeys: `same`, `differs`, `unlisted` (loaded, not in the file) or `missing` (in the file, not loaded). */
  readonly key: 'same' | 'differs' | 'unlisted' | 'missing';
}

export interface OpenTransaction {
  readonly id: string;
  readonly state: string;
  readonly step: string;
  readonly generation: number;
  readonly revertsInSeconds: number;
}

/** The non-secret record of a generation, written by the controller and kept on the host: the host is the truth. */
export interface Manifest {
  readonly generation: number;
  readonly run: string;
  /** ISO 8601, UTC. */
  readonly made: string;
  readonly files: readonly { readonly path: string; readonly mode: string; readonly sha256: string }[];
  readonly keys: readonly {
    readonly id: string;
    readonly part: string;
    readonly bits: number;
    readonly fingerprint: string;
  }[];
}

/** The steps of a transaction, in their order. */
export const STEP_NAMES = [
  'preflight',
  'snapshot',
  'arm',
  'read',
  'chmod',
  'keys',
  'policy',
  'ike',
  'verify',
  'confirm',
  'revert',
] as const;

export type StepName = (typeof STEP_NAMES)[number];

export interface StepReport {
  readonly name: StepName;
  readonly state: 'begin' | 'done' | 'failed' | 'skipped';
  readonly text: string;
  /** What the host's tool said, for a failed step; never holds a key. */
  readonly output: readonly string[];
}

/** The agent's last word on a request about a transaction. */
export type TransactionOutcome =
  | { readonly state: 'verified'; readonly id: string; readonly generation: number; readonly revertsInSeconds: number }
  | { readonly state: 'confirmed'; readonly id: string; readonly generation: number }
  | {
      readonly state: 'reverted';
      readonly id: string;
      readonly generation: number | undefined;
      readonly step: string;
      readonly text: string;
    }
  | { readonly state: 'refused'; readonly id: string; readonly text: string }
  | { readonly state: 'failed'; readonly id: string; readonly step: string; readonly text: string }
  | { readonly state: 'unknown'; readonly id: string; readonly text: string };

export interface TransactionRequest {
  readonly id: string;
  readonly nonce: string;
  readonly windowSeconds: number;
  readonly generation: number;
  /** The generation the plan saw. */
  readonly expectGeneration: number | undefined;
  readonly run: string;
  readonly keepGenerations: number;
  readonly steps: readonly ('read' | 'chmod' | 'keys' | 'policy' | 'ike')[];
  readonly ike: 'restart' | 'start' | 'stop' | 'none';
  readonly expectFiles: readonly { readonly path: string; readonly sha256: string | undefined }[];
  /** SHA-256 of the canonical loaded policy the plan saw. */
  readonly expectSpd: string;
  readonly files: readonly TransactionFile[];
  /** Canonical form of what must be loaded afterwards. */
  readonly spd: readonly string[];
  /** How to come there one command after the other, on hosts that cannot replace a policy at once. Absent: the host rebuilds it. */
  readonly change?: readonly RuleChange[];
  readonly manifest: Manifest;
}

export type TransactionFile =
  | {
      readonly kind: 'send';
      readonly path: string;
      readonly mode: string;
      readonly sha256: string;
      readonly text: import('./secret.js').Secret;
    }
  | { readonly kind: 'keep'; readonly path: string; readonly mode: string; readonly sha256: string }
  | {
      readonly kind: 'stored';
      readonly path: string;
      readonly mode: string;
      readonly sha256: string;
      readonly from: number;
    }
  | { readonly kind: 'remove'; readonly path: string };

/** What `status` tells. */
export interface HostStatus {
  readonly generation: number | undefined;
  readonly run: string | undefined;
  readonly kept: readonly { readonly generation: number; readonly run: string; readonly made: string }[];
  readonly openTransaction: OpenTransaction | undefined;
  /** Latest last: `2026-11-22T10:15:00Z T-id confirmed generation=7 …` */
  readonly history: readonly string[];
  /** For `status id=T`: how that transaction ended, when it is known here. */
  readonly outcome: TransactionOutcome | undefined;
}

/** A kept generation as the host gives it back: files without keys in full, the others by the manifest only. */
export interface StoredGeneration {
  readonly manifest: Manifest;
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

/** What a host tells of names and addresses around it, for an import. */
export interface HostSurroundings {
  /** Where the SSH connection comes from, as the host sees it. */
  readonly client: string | undefined;
  /** Text of its /etc/inet/hosts. */
  readonly hosts: string;
  /** Addresses of its interfaces, without loopback and link-local ones. */
  readonly addresses: readonly Address[];
}

/** A key found in an installed file, named by its fingerprint. */
export interface InstalledKey {
  readonly kind: 'psk' | 'sa';
  readonly part: 'psk' | 'encr' | 'auth';
  /** PSK: local and remote identity; SA: type, SPI and destination. */
  readonly identity: string;
  readonly bits: number;
  readonly fingerprint: string;
}

/** What `drift` tells: an observation made without touching anything, and what a check of drift wants besides. */
export interface DriftReport extends Observation {
  /** The host's clock, ISO 8601, UTC. */
  readonly time: string;
  /** The managed files; absent ones too. */
  readonly files: readonly DriftFile[];
  readonly sad: readonly DriftSa[];
  /** The state folder itself. */
  readonly stateFolder: DriftFile;
  /** SHA-256 of each agent stored there, by which it is named. */
  readonly agents: readonly string[];
  readonly guard: BootGuardState;
  /** What the generation has to load, in canonical form; absent where the host has no record of it. */
  readonly appliedRules?: readonly string[];
  /** Rules that only earlier generations had, the baseline among them. */
  readonly earlierRules?: readonly string[];
  /** What was found where it does not belong. */
  readonly leftovers: readonly Leftover[];
  /** Short FMRI to what the service manager says of it besides its state; no entry where the host has no such service. */
  readonly serviceDetails: ReadonlyMap<string, ServiceDetails>;
  /** The key daemon; `undefined` where the host has no such service. */
  readonly daemon: DaemonReport | undefined;
  /** Who keeps the open transaction, holds the lock, or has begun a transaction that is not armed yet. */
  readonly keepers: readonly Keeper[];
  /** A transaction has begun and nothing is changed by it yet, or its maker is gone and left its folder. */
  readonly unarmed: boolean;
  /** The last lines of the history, latest last. */
  readonly history: readonly string[];
  /** No transaction was begun, open or ended while the host was looked at: what does not fit is then no passing state. */
  readonly settled: boolean;
}

export interface DriftFile extends ObservedFile {
  /** Hard links. */
  readonly links?: number;
  /** ISO 8601, UTC: when the content was last changed; to the minute or day on hosts whose `ls` says no more. */
  readonly modified?: string;
}

export interface DriftSa extends ObservedSa {
  /** Limits after which the kernel removes it; absent for none. What IKE negotiated has some, manual keys seldom. */
  readonly hard?: { readonly addSeconds?: number; readonly useSeconds?: number; readonly bytes?: number };
  /** Seconds until the kernel removes it, for SAs of ipseckeys with a limit. */
  readonly expiresInSeconds?: number;
}

export interface BootGuardState {
  /** SHA-256 of its copy of the agent. */
  readonly script: string | undefined;
  /** Whether the script is the shipped agent. */
  readonly scriptIsShipped: boolean;
  readonly manifest: 'same' | 'differs' | 'absent';
}

export interface Leftover {
  /** `staged`: a file of a transaction that is over; `state`: not ours in the state folder; `copy`: beside a managed file. */
  readonly kind: 'staged' | 'state' | 'copy';
  /** Its name is `?` where it has odd characters; then nothing more is told. */
  readonly path: string;
  readonly file: DriftFile | undefined;
}

export interface ServiceDetails {
  /** Whether it starts at the next boot. */
  readonly enabled: boolean | undefined;
  /** When it came into its state, ISO 8601, UTC. */
  readonly since: string | undefined;
  /** Its `config/config_file`. */
  readonly configFile: string | undefined;
}

export interface Keeper {
  /** `ender`: who confirms or reverts at this moment; `holder`: of the lock. */
  readonly name: 'deadman' | 'agent' | 'ender' | 'holder';
  /** `unknown` where the host does not tell its processes. */
  readonly state: 'alive' | 'gone' | 'unknown';
}

/** Daemon, its file and the kernel side by side. */
export interface DaemonReport {
  /** `hangs`: it was asked and did not answer in time. */
  readonly state: 'running' | 'absent' | 'hangs';
  /** Counters of `ikeadm get stats` since its start, both roles together; `undefined` where they cannot be read. */
  readonly phase1: DaemonCounters | undefined;
  /** Its rules against those of its file, by label; `differs`: other addresses under one label. */
  readonly rules: readonly { readonly label: string; readonly state: 'same' | 'missing' | 'extra' | 'differs' }[];
  /** Peers with which phase 1 is up, and the SAs with limits that the kernel has to (out) and from (in) them. */
  readonly peers: readonly DaemonPeer[];
}

export interface DaemonCounters {
  readonly current: number;
  readonly total: number;
  readonly attempted: number;
  readonly failed: number;
}

export interface DaemonPeer {
  readonly local: string;
  readonly remote: string;
  readonly phase1: number;
  readonly sasOut: number;
  readonly sasIn: number;
}
