/** Kinds of drift by what they are about: the test cases of a host in a test runner's report. */

import type { DriftKind } from '../model/drift.js';

export const DRIFT_AREAS = ['host', 'record', 'files', 'policy', 'keys', 'services', 'inventory'] as const;

export type DriftArea = (typeof DRIFT_AREAS)[number];

const AREAS: Readonly<Record<DriftKind, DriftArea>> = {
  'host-unreachable': 'host',
  'host-key-changed': 'host',
  'access-refused': 'host',
  'agent-outdated': 'host',
  'agent-fails': 'host',
  'clock-off': 'host',
  'never-applied': 'inventory',
  'generation-moved': 'record',
  'transaction-open': 'record',
  'transaction-failed': 'record',
  'state-folder-open': 'record',
  'boot-guard-missing': 'record',
  'file-missing': 'files',
  'file-content': 'files',
  'file-mode': 'files',
  'file-owner': 'files',
  'file-type': 'files',
  'file-orphan': 'files',
  'policy-empty': 'policy',
  'policy-file-empty': 'policy',
  'rule-missing': 'policy',
  'rule-foreign': 'policy',
  'rule-order': 'policy',
  'policy-stale': 'policy',
  'sa-missing': 'keys',
  'sa-foreign': 'keys',
  'sa-key-differs': 'keys',
  'sa-expiring': 'keys',
  'key-differs': 'keys',
  'key-old': 'keys',
  'service-state': 'services',
  'service-settings': 'services',
  'daemon-down': 'services',
  'daemon-unexpected': 'services',
  'daemon-out-of-step': 'services',
  'pending-change': 'inventory',
};

export function areaOf(kind: DriftKind): DriftArea {
  return AREAS[kind];
}
