/** What of a pass counts: findings that nobody has accepted, with the time they were first seen where the host cannot tell one. */

import { EXIT, type ExitStatus } from '../errors.js';
import type { DriftFinding, DriftMemory, DriftPass, HostLook } from '../model/drift.js';
import { splitAccepted } from './acceptance.js';
import { findingId } from './finding-id.js';

/** A look with the findings that count. */
export interface JudgedLook extends HostLook {
  readonly accepted: readonly DriftFinding[];
}

export type JudgedPass = Omit<DriftPass, 'looks'> & { readonly looks: readonly JudgedLook[] };

export function judgePass(
  pass: DriftPass,
  memory: Pick<DriftMemory, 'acceptances' | 'incidents'>,
  now: Date,
): JudgedPass {
  const judge = judgeWith(memory, now);
  return { ...pass, looks: pass.looks.map(judge) };
}

/** For looks that are told of as they come. */
export function judgeWith(
  { acceptances, incidents }: Pick<DriftMemory, 'acceptances' | 'incidents'>,
  now: Date,
): (look: HostLook) => JudgedLook {
  const open = incidents.filter(({ cleared }) => cleared === undefined);
  const firstSeen = new Map(open.map(({ finding, id, firstSeen: at }) => [`${finding.host} ${id}`, at]));
  const dated = (finding: DriftFinding): DriftFinding => {
    const at = firstSeen.get(`${finding.host} ${findingId(finding)}`);
    return finding.since !== undefined || at === undefined ? finding : { ...finding, since: { at, by: 'first seen' } };
  };
  return (look) => {
    const { counted, accepted } = splitAccepted(look.findings, acceptances, now);
    return { ...look, state: stateOf(look, counted), findings: counted.map(dated), accepted: accepted.map(dated) };
  };
}

/** A host of which all is accepted counts as clean, one that could not be reached as well. */
function stateOf(look: HostLook, counted: readonly DriftFinding[]): HostLook['state'] {
  if (counted.length === 0) return 'clean';
  if (look.state === 'unreachable') return 'unreachable';
  return counted.some((finding) => finding.class === 'drift') ? 'drift' : 'pending';
}

/** Hosts by state. */
export function countStates(looks: readonly HostLook[]): Readonly<Record<HostLook['state'], number>> {
  const counts = { clean: 0, drift: 0, pending: 0, unreachable: 0 };
  for (const { state } of looks) counts[state]++;
  return counts;
}

/**
 * 0: every host is what was last confirmed on it; 2: some is not; 4: some could not be looked at. What only waits to be applied is
 * 0, for it is no drift, or 2 where `strict` asks for it.
 */
export function passExit(looks: readonly HostLook[], strict: boolean): ExitStatus {
  const { drift, pending, unreachable } = countStates(looks);
  if (unreachable > 0) return EXIT.failed;
  return drift > 0 || (strict && pending > 0) ? EXIT.changes : EXIT.ok;
}
