/** What a host reports about itself, and what becomes of a transaction there (docs/agent-protocol.md). */

import type { Address } from './address.js';

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

export type StepName =
  'preflight' | 'snapshot' | 'arm' | 'read' | 'chmod' | 'keys' | 'policy' | 'ike' | 'verify' | 'confirm' | 'revert';

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
