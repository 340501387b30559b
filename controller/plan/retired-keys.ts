/** The key file of a host whose last manual link is gone: it stays, empty. */

import { createHash } from 'node:crypto';

import { fileText, type ManagedFile } from '../model/managed-file.js';
import type { Observation } from '../model/observation.js';
import type { Adapter } from '../platform/adapter.js';
import type { FileChange } from './host-plan.js';

/**
 * Whether a file that is no longer wanted has to stay, emptied, instead of going. Without the key file the service that loads it would fail
 * at the next boot, and disabling that service flushes every SA of the host, those of IKE too.
 */
export function isRetired(path: string, seen: Observation, { files }: Adapter): boolean {
  return path === files.manualKeys && isOurs(path, seen);
}

/** A file that a generation of ours has written; others are the operator's own business. */
export function isOurs(path: string, seen: Observation): boolean {
  return seen.manifest?.files.some((file) => file.path === path) ?? false;
}

export function retiredKeyFile({ files }: Adapter): ManagedFile {
  return {
    path: files.manualKeys,
    mode: '0400',
    parts: [
      '# Managed by ipsec-deploy: generation ',
      { generation: true },
      '. No link of this host uses manual keys any more.\n',
    ],
  };
}

/** The change that empties it. */
export function retiringChange(generation: number, adapter: Adapter): FileChange {
  const file = retiredKeyFile(adapter);
  const sha256 = createHash('sha256')
    .update(fileText(file, { generation, key: () => '' }))
    .digest('hex');
  return { kind: 'update', path: file.path, mode: file.mode, sha256, file, patch: '' };
}
