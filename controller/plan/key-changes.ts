/** Which keys change, named by fingerprint: what a person sees instead of a secret. */

import { holdsKeys, keyLabel, keyPartWords, type KeyName } from '../model/managed-file.js';
import type { InstalledKey, Observation } from '../model/observation.js';
import type { FileChange, KeyChange } from './host-plan.js';

/**
 * Compares the keys of the new generation with those the host has. Those of our own manifest count only while the file is the one
 * the manifest describes; keys of files we did not write are told by the host's own fingerprints.
 */
export function keyChanges(
  wanted: readonly KeyName[],
  seen: Observation,
  installed: readonly InstalledKey[],
  files: readonly FileChange[],
): KeyChange[] {
  if (!files.some((file) => holdsKeys(file.path) && file.kind !== 'keep')) return [];
  const before = new Map<string, KeyName>();
  for (const key of seen.manifest?.keys ?? []) {
    if (key.part === 'psk' || key.part === 'encr' || key.part === 'auth') {
      before.set(`${key.id} ${key.part}`, { id: key.id, part: key.part, bits: key.bits, fingerprint: key.fingerprint });
    }
  }
  const changes: KeyChange[] = [];
  const kept = new Set(installed.map((key) => key.fingerprint));
  for (const key of wanted) {
    const old = before.get(`${key.id} ${key.part}`);
    before.delete(`${key.id} ${key.part}`);
    if (old?.fingerprint === key.fingerprint || kept.delete(key.fingerprint)) continue;
    changes.push({
      label: keyLabel(key.id, key.part),
      id: key.id,
      before: old?.fingerprint,
      after: key.fingerprint,
      bits: key.bits,
    });
  }
  for (const old of before.values()) {
    changes.push({
      label: keyLabel(old.id, old.part),
      id: old.id,
      before: old.fingerprint,
      after: undefined,
      bits: old.bits,
    });
  }
  for (const foreign of installed) {
    if (!kept.delete(foreign.fingerprint)) continue;
    changes.push({
      label: `${foreign.kind === 'psk' ? 'PSK' : 'SA'} ${foreign.identity}${foreign.kind === 'sa' ? ` ${keyPartWords(foreign.part)}` : ''}, not ours`,
      id: foreign.identity,
      before: foreign.fingerprint,
      after: undefined,
      bits: foreign.bits,
    });
  }
  return changes;
}
