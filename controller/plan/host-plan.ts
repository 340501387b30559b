/** What will be done to one host, as data: a person can read it, a test compare it, a file keep it. Holds no secret. */

import type { KeyName, ManagedFile } from '../model/managed-file.js';
import type { TransactionRequest } from '../model/observation.js';
import type { PlatformName } from '../platform/adapter.js';
import type { FlowChangeSummary } from './flow-changes.js';
import type { RuleByRule } from './rule-by-rule.js';

export type ChangeStep = TransactionRequest['steps'][number];
export type IkeAction = TransactionRequest['ike'];

export type FileChange =
  /** Not on the host yet, or with other content; `patch` is a unified diff in which every key reads `[key]`. */
  | {
      readonly kind: 'create' | 'update';
      readonly path: string;
      readonly mode: string;
      readonly sha256: string;
      readonly file: ManagedFile;
      readonly patch: string;
      /** What stands in its place, where that is no plain file: only a judgement has it, for a change is refused. */
      readonly insteadOfFile?: string;
    }
  /** Content stays; `modeWas` is set when only the mode or owner has to be mended. */
  | {
      readonly kind: 'keep';
      readonly path: string;
      readonly mode: string;
      readonly sha256: string;
      readonly modeWas?: string;
      readonly insteadOfFile?: string;
    }
  /** Comes back from a generation kept on the host. */
  | {
      readonly kind: 'stored';
      readonly path: string;
      readonly mode: string;
      readonly sha256: string;
      readonly from: number;
      readonly patch: string;
    }
  | { readonly kind: 'remove'; readonly path: string; readonly patch: string };

/** A key that is not the one on the host, by fingerprint. */
export interface KeyChange {
  /** `PSK web1–db1`, `SA 10.0.1.11→10.0.2.21 encryption key`. */
  readonly label: string;
  readonly id: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly bits: number;
}

/** What the plan saw; the host refuses the plan when it has moved (design I7). */
export interface Expectation {
  readonly generation: number | undefined;
  readonly files: readonly { readonly path: string; readonly sha256: string | undefined }[];
  /** SHA-256 of the canonical loaded policy. */
  readonly spd: string;
}

export interface HostPlan {
  readonly host: string;
  readonly platform: PlatformName;
  /** The generation the host will be on. */
  readonly generation: number;
  readonly expect: Expectation;
  readonly files: readonly FileChange[];
  readonly keyChanges: readonly KeyChange[];
  /** Every key the new generation uses. */
  readonly keys: readonly KeyName[];
  readonly steps: readonly ChangeStep[];
  readonly ike: IkeAction;
  /** Canonical form of the policy that must be loaded afterwards. */
  readonly spd: readonly string[];
  /** Canonical form of the policy that was loaded when the plan was made. */
  readonly loaded: readonly string[];
  /** Flows that are treated otherwise afterwards, worst first. */
  readonly flowChanges: readonly FlowChangeSummary[];
  /** What has to be known to read them: a guess at the order of loaded rules, rules that could not be read. */
  readonly flowNotes: readonly string[];
  /** Rules that the loaded policy gains and loses. */
  readonly rulesAdded: readonly string[];
  readonly rulesRemoved: readonly string[];
  /** Why there is something to do, in words: shown where no file differs. */
  readonly reasons: readonly string[];
  /** On hosts that cannot replace a policy at once, when it changes. */
  readonly ruleByRule?: RuleByRule;
  /** What traffic may notice while the change is made. */
  readonly gaps: readonly string[];
}

/** Nothing to do: no step, no connection beyond the one that looked. */
export function isUnchanged(plan: HostPlan): boolean {
  return plan.steps.length === 0;
}
