/** A host's plan in which nothing changes, for tests to put changes into. */

import type { HostPlan } from '../../controller/plan/host-plan.js';

export function hostPlan(host: string, parts: Partial<HostPlan> = {}): HostPlan {
  return {
    host,
    platform: 'solaris-smf',
    generation: 8,
    expect: { generation: 7, files: [], spd: '0'.repeat(64) },
    files: [],
    keyChanges: [],
    keys: [],
    steps: [],
    ike: 'none',
    spd: [],
    loaded: [],
    flowChanges: [],
    flowNotes: [],
    rulesAdded: [],
    rulesRemoved: [],
    reasons: [],
    gaps: [],
    ...parts,
  };
}
