/** What is sent when a person only asks whether the notifiers work. */

import type { DriftDigest } from '../model/drift.js';

/** @param at ISO 8601, UTC */
export function testDigest(fleet: string, at: string): DriftDigest {
  return {
    fleet,
    pass: `test-${at}`,
    at,
    test: true,
    opened: [],
    cleared: [],
    quarantined: [],
    hosts: { clean: 0, drift: 0, pending: 0, unreachable: 0 },
  };
}
