/** How much of the past is remembered. */

import type { DriftMemory, Incident } from '../model/drift.js';

/** Cleared incidents and the summaries of passes. */
export const KEPT_DAYS = 90;
/** Whatever their age: a fleet that flaps for weeks must not fill a disk. */
const MOST_CLEARED = 20_000;
/** Kept whatever their age, as what was reverted is never pushed again by itself. */
const MOST_REMEDIATIONS = 20_000;

export function withinRetention(memory: DriftMemory, now: Date): DriftMemory {
  const oldest = now.getTime() - KEPT_DAYS * 86_400_000;
  const isKept = ({ cleared, told }: Incident): boolean =>
    cleared === undefined || !told || Date.parse(cleared) >= oldest;
  return {
    ...memory,
    incidents: withoutOldest(memory.incidents.filter(isKept)),
    remediations: memory.remediations.slice(-MOST_REMEDIATIONS),
  };
}

function withoutOldest(incidents: readonly Incident[]): readonly Incident[] {
  const over = incidents.filter(({ cleared }) => cleared !== undefined);
  if (over.length <= MOST_CLEARED) return incidents;
  const age = ({ cleared }: Incident): number => Date.parse(cleared ?? '');
  const dropped = new Set(over.sort((a, b) => age(b) - age(a)).slice(MOST_CLEARED));
  return incidents.filter((incident) => !dropped.has(incident));
}
