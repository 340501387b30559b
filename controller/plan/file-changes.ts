/** A host's desired files against those it has: which differ, and what becomes of each. */

import type { FileModes } from '../model/host.js';
import { insteadOfFile } from '../model/file-kind.js';
import type { KeyName, ManagedFile } from '../model/managed-file.js';
import type { Observation } from '../model/observation.js';
import { managedPaths, type Adapter } from '../platform/adapter.js';
import { filePatch } from './diff.js';
import type { FileChange } from './host-plan.js';
import { isOurs, isRetired, retiredKeyFile } from './retired-keys.js';

/** What the inventory asks of one host. */
export interface DesiredHost {
  readonly host: string;
  readonly files: readonly ManagedFile[];
  /** Canonical form of the policy its `ipsecinit.conf` loads. */
  readonly spd: readonly string[];
  readonly keys: readonly KeyName[];
  /** `as-found`: mode and owner of a file that is otherwise as wanted are left alone. */
  readonly modes?: FileModes;
}

/** SHA-256 in hex of a desired file as it would be sent for a generation. */
export type DigestFile = (file: ManagedFile, generation: number) => string;

/** What the inventory asks for, and what a file of ours becomes that it no longer asks for. */
function filesWanted(desired: DesiredHost, seen: Observation, adapter: Adapter): readonly ManagedFile[] {
  const path = adapter.files.manualKeys;
  const asked = desired.files.some((file) => file.path === path);
  return !asked && isRetired(path, seen, adapter) ? [...desired.files, retiredKeyFile(adapter)] : desired.files;
}

/**
 * The desired files that the host does not have, content or absence. A file counts as the same when it is what we would have sent
 * for any generation up to the current one: an unchanged file keeps the banner of the generation that wrote it, so that a new
 * generation restarts nothing that did not change.
 */
export function differingFiles(
  desired: DesiredHost,
  seen: Observation,
  digest: DigestFile,
  adapter: Adapter,
): readonly string[] {
  const differing: string[] = [];
  const files = filesWanted(desired, seen, adapter);
  for (const path of managedPaths(adapter)) {
    const wanted = files.find((file) => file.path === path);
    const found = seen.files.find((file) => file.path === path && file.state === 'present');
    if (wanted === undefined) {
      if (found !== undefined && isOurs(path, seen)) differing.push(path);
    } else if (found?.sha256 === undefined || writtenAs(wanted, found.sha256, seen, digest) === undefined) {
      differing.push(path);
    }
  }
  return differing;
}

function writtenAs(file: ManagedFile, sha256: string, seen: Observation, digest: DigestFile): number | undefined {
  // A file without a banner is the same under every generation, also before the first one.
  if (file.parts.every((part) => typeof part === 'string' || 'key' in part))
    return digest(file, 0) === sha256 ? (seen.generation ?? 0) : undefined;
  for (let generation = seen.generation ?? -1; generation >= 0; generation--) {
    if (digest(file, generation) === sha256) return generation;
  }
  return undefined;
}

/** What becomes of each managed file. */
export function fileChanges(
  desired: DesiredHost,
  seen: Observation,
  digest: DigestFile,
  currentTexts: ReadonlyMap<string, string>,
  generation: number,
  adapter: Adapter,
): FileChange[] {
  const differing = new Set(differingFiles(desired, seen, digest, adapter));
  const changes: FileChange[] = [];
  const files = filesWanted(desired, seen, adapter);
  for (const path of managedPaths(adapter)) {
    const wanted = files.find((file) => file.path === path);
    const found = seen.files.find((file) => file.path === path && file.state === 'present');
    const instead = found === undefined ? undefined : insteadOfFile(found);
    if (wanted === undefined) {
      if (differing.has(path))
        changes.push({ kind: 'remove', path, patch: filePatch(path, currentTexts.get(path), undefined, generation) });
      continue;
    }
    if (!differing.has(path) && found?.sha256 !== undefined) {
      const modeIsRight = isModeRight(found, wanted.mode, seen, desired.modes);
      changes.push({
        kind: 'keep',
        path,
        mode: wanted.mode,
        sha256: found.sha256,
        ...(modeIsRight && instead === undefined ? {} : { modeWas: found.mode ?? 'unknown' }),
        ...(instead === undefined ? {} : { insteadOfFile: instead }),
      });
      continue;
    }
    changes.push({
      kind: found === undefined ? 'create' : 'update',
      path,
      mode: wanted.mode,
      sha256: digest(wanted, generation),
      file: wanted,
      ...(instead === undefined ? {} : { insteadOfFile: instead }),
      patch: filePatch(path, currentTexts.get(path), wanted, generation),
    });
  }
  return changes;
}

/** Whether mode and owner of a file are as wanted, or are to be left as they are. */
export function isModeRight(
  found: Observation['files'][number],
  mode: string,
  seen: Observation,
  modes: FileModes | undefined,
): boolean {
  return modes === 'as-found' || (found.mode === mode && (found.uid ?? 0) === (rootUid(seen) ?? found.uid ?? 0));
}

/** Who owns managed files there: root, or the lab's user who stands for root. */
function rootUid(seen: Observation): number | undefined {
  const user = seen.facts.get('user');
  return user === undefined || !/^\d+$/.test(user) ? undefined : Number(user);
}
