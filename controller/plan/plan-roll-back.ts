/** A plan back to a generation that the host has kept: a plan like any other, whose files are already there. */

import type { FileModes } from '../model/host.js';
import { holdsKeys, type KeyName, type ManagedPath } from '../model/managed-file.js';
import type { Observation, StoredGeneration } from '../model/observation.js';
import type { LoadedRule, PolicySyntax } from '../model/policy.js';
import { managedPaths, type Adapter } from '../platform/adapter.js';
import { textPatch } from './diff.js';
import { isModeRight } from './file-changes.js';
import type { FileChange, HostPlan } from './host-plan.js';
import { keyChanges } from './key-changes.js';
import { describeChange } from './change-steps.js';
import { expectation } from './plan-host.js';
import { policyChange, withSteps, type Installed } from './policy-change.js';
import { isRetired, retiringChange } from './retired-keys.js';

export interface RollBackInput {
  readonly host: string;
  readonly seen: Observation;
  readonly target: StoredGeneration;
  /** What the target's `ipsecinit.conf` loads, canonical; empty when it has none. */
  readonly targetSpd: readonly string[];
  /** The same as rules. */
  readonly targetRules: readonly LoadedRule[];
  readonly adapter: Adapter;
  /** Text on the host now of each file that holds no keys. */
  readonly currentTexts: ReadonlyMap<string, string>;
  readonly naming?: Installed['naming'];
  readonly syntax?: PolicySyntax | undefined;
  readonly modes?: FileModes;
}

export function planRollBack(input: RollBackInput): HostPlan {
  const { host, seen, target, targetSpd, targetRules, adapter, currentTexts, naming } = input;
  const generation = (seen.generation ?? 0) + 1;
  const files = managedPaths(adapter).flatMap((path) => fileChange(path, input, generation));
  const keys = target.manifest.keys.flatMap((key) => keyName(key));
  const wanted = { host, paths: new Set(target.manifest.files.map((file) => file.path)), spd: targetSpd };
  const installed = { listing: seen.spd, text: currentTexts.get(adapter.files.policy), naming, syntax: input.syntax };
  return withSteps(host, targetRules, installed, adapter, {
    host,
    platform: adapter.name,
    generation,
    expect: expectation(seen, adapter),
    files,
    keyChanges: keyChanges(keys, seen, [], files),
    keys,
    spd: targetSpd,
    ...policyChange(host, targetRules, installed),
    ...describeChange(wanted, files, seen, adapter),
  });
}

function fileChange(
  path: ManagedPath,
  { seen, target, currentTexts, adapter, modes }: RollBackInput,
  generation: number,
): FileChange[] {
  const wanted = target.manifest.files.find((file) => file.path === path);
  const found = seen.files.find((file) => file.path === path && file.state === 'present');
  const patch = (after: string | undefined): string =>
    holdsKeys(path) ? '' : textPatch(path, currentTexts.get(path), after);
  if (wanted === undefined) {
    if (found === undefined) return [];
    return [
      isRetired(path, seen, adapter)
        ? retiringChange(generation, adapter)
        : { kind: 'remove', path, patch: patch(undefined) },
    ];
  }
  const { mode, sha256 } = wanted;
  if (found?.sha256 === sha256) {
    const modeWas = isModeRight(found, mode, seen, modes) ? {} : { modeWas: found.mode ?? 'unknown' };
    return [{ kind: 'keep', path, mode, sha256, ...modeWas }];
  }
  const text = target.files.find((file) => file.path === path)?.text;
  return [{ kind: 'stored', path, mode, sha256, from: target.manifest.generation, patch: patch(text) }];
}

function keyName(key: StoredGeneration['manifest']['keys'][number]): KeyName[] {
  const { id, part, bits, fingerprint } = key;
  return part === 'psk' || part === 'encr' || part === 'auth' ? [{ id, part, bits, fingerprint }] : [];
}
