/** What a pass found, for programs: docs/json-output.md, the events of `drift`. */

import { findingId } from '../drift/finding-id.js';
import { countStates, type JudgedLook, type JudgedPass } from '../drift/judge-pass.js';
import type { ExitStatus } from '../errors.js';

/** One host: how it is, then each finding. */
export function lookEvents({ findings, accepted, ...look }: JudgedLook): readonly object[] {
  return [
    { event: 'drift-look', ...look, findings: findings.length, accepted: accepted.length },
    ...findings.map((finding) => ({ event: 'drift-finding', id: findingId(finding), ...finding, accepted: false })),
    ...accepted.map((finding) => ({ event: 'drift-finding', id: findingId(finding), ...finding, accepted: true })),
  ];
}

/** @param asked hosts that were to be looked at: more than were, when the pass was ended early */
export function endedEvent({ id, begun, ended, looks }: JudgedPass, asked: number, exit: ExitStatus): object {
  return { event: 'drift-ended', pass: id, begun, ended, asked, hosts: countStates(looks), exit };
}
