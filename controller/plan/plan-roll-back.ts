/** A plan back to a generation that the host has kept: a plan like any other, whose files are already there. */

import type { KeyName } from '../model/managed-file.js';
import { holdsKeys } from '../model/managed-file.js';
import type { Observation, StoredGeneration } from '../model/observation.js';
import { textPatch } from './diff.js';
import type { FileChange, HostPlan } from './host-plan.js';
import { keyChanges } from './key-changes.js';
import { describeChange, expectation, MANAGED_PATHS } from './plan-host.js';

export interface RollBackInput {
  readonly host: string;
  readonly seen: Observation;
  readonly target: StoredGeneration;
  /** What the target's `ipsecinit.conf` loads, canonical; empty when it has none. */
  readonly targetSpd: readonly string[];
  /** Text on the host now of each file that holds no keys. */
  readonly currentTexts: ReadonlyMap<string, string>;
}

export function planRollBack({ host, seen, target, targetSpd, currentTexts }: RollBackInput): HostPlan {
  const files = MANAGED_PATHS.flatMap((path) => fileChange(path, seen, target, currentTexts));
  const keys = target.manifest.keys.flatMap((key) => keyName(key));
  const wanted = { host, paths: new Set(target.manifest.files.map((file) => file.path)), spd: targetSpd };
  return {
    host,
    generation: (seen.generation ?? 0) + 1,
    expect: expectation(seen),
    files,
    keyChanges: keyChanges(keys, seen, [], files),
    keys,
    spd: targetSpd,
    ...describeChange(wanted, files, seen),
  };
}

function fileChange(
  path: (typeof MANAGED_PATHS)[number],
  seen: Observation,
  target: StoredGeneration,
  currentTexts: ReadonlyMap<string, string>,
): FileChange[] {
  const wanted = target.manifest.files.find((file) => file.path === path);
  const found = seen.files.find((file) => file.path === path && file.state === 'present');
  const patch = (after: string | undefined): string =>
    holdsKeys(path) ? '' : textPatch(path, currentTexts.get(path), after);
  if (wanted === undefined) return found === undefined ? [] : [{ kind: 'remove', path, patch: patch(undefined) }];
  const { mode, sha256 } = wanted;
  if (found?.sha256 === sha256)
    return [{ kind: 'keep', path, mode, sha256, ...(found.mode === mode ? {} : { modeWas: found.mode ?? 'unknown' }) }];
  const text = target.files.find((file) => file.path === path)?.text;
  return [{ kind: 'stored', path, mode, sha256, from: target.manifest.generation, patch: patch(text) }];
}

function keyName(key: StoredGeneration['manifest']['keys'][number]): KeyName[] {
  const { id, part, bits, fingerprint } = key;
  return part === 'psk' || part === 'encr' || part === 'auth' ? [{ id, part, bits, fingerprint }] : [];
}
