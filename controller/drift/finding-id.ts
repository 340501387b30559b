/** The name that a finding goes by on its host: the same in every look, short enough to be typed. */

import { createHash } from 'node:crypto';

import type { DriftFinding } from '../model/drift.js';

/** `file-mode-1f3a9c`: the kind, and the first six hex digits of the subject's SHA-256. */
export function findingId({ kind, subject }: Pick<DriftFinding, 'kind' | 'subject'>): string {
  return `${kind}-${createHash('sha256').update(subject).digest('hex').slice(0, 6)}`;
}
