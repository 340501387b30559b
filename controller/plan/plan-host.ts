/** One host's desired files against what it reports, to a plan. Decides everything; touches nothing. */

import { createHash } from 'node:crypto';

import type { InstalledKey, Observation } from '../model/observation.js';
import type { LoadedRule, PolicySyntax } from '../model/policy.js';
import { managedPaths, type Adapter } from '../platform/adapter.js';
import { describeChange, type WantedState } from './change-steps.js';
import { fileChanges, type DesiredHost, type DigestFile } from './file-changes.js';
import type { Expectation, HostPlan } from './host-plan.js';
import { keyChanges } from './key-changes.js';
import { policyChange, withSteps, type Installed } from './policy-change.js';

export interface PlanHostInput {
  readonly desired: DesiredHost;
  readonly seen: Observation;
  readonly digest: DigestFile;
  readonly adapter: Adapter;
  /** Text on the host of each differing file, keys masked as `[key]`. */
  readonly currentTexts: ReadonlyMap<string, string>;
  /** Keys found in differing files that no manifest of ours names. */
  readonly installedKeys: readonly InstalledKey[];
  /** Rules that the desired policy loads. */
  readonly rules: readonly LoadedRule[];
  /** How names in an installed policy resolve there, and how addresses are called. */
  readonly naming?: Installed['naming'];
  readonly syntax?: PolicySyntax | undefined;
}

export function planHost(input: PlanHostInput): HostPlan {
  const { desired, seen, digest, adapter, currentTexts, installedKeys, rules, naming } = input;
  const generation = (seen.generation ?? 0) + 1;
  const files = fileChanges(desired, seen, digest, currentTexts, generation, adapter);
  const wanted: WantedState = { paths: new Set(desired.files.map((file) => file.path)), spd: desired.spd };
  const installed = { listing: seen.spd, text: currentTexts.get(adapter.files.policy), naming, syntax: input.syntax };
  return withSteps(desired.host, rules, installed, adapter, {
    host: desired.host,
    platform: adapter.name,
    generation,
    expect: expectation(seen, adapter),
    files,
    keyChanges: keyChanges(desired.keys, seen, installedKeys, files),
    keys: desired.keys,
    spd: desired.spd,
    ...policyChange(desired.host, rules, installed),
    ...describeChange(wanted, files, seen, adapter),
  });
}

/** The digest by which plan and host compare a loaded policy: each canonical rule line with a newline. */
function spdDigest(rules: readonly string[]): string {
  const hash = createHash('sha256');
  for (const rule of rules) hash.update(`${rule}\n`, 'latin1');
  return hash.digest('hex');
}

/** What the host must still be when the plan is carried out. */
export function expectation(seen: Observation, adapter: Adapter): Expectation {
  return {
    generation: seen.generation,
    files: managedPaths(adapter).map((path) => ({
      path,
      sha256: seen.files.find((file) => file.path === path && file.state === 'present')?.sha256,
    })),
    spd: spdDigest(seen.spd),
  };
}
