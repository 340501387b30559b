/** One incident from look to look: opened, seen again, cleared, returned; and when people are told of it. */

import type { DriftFinding, DriftSettings, Incident } from '../model/drift.js';
import { SEVERITY_RANK } from './group-findings.js';

export type DampingRules = Pick<DriftSettings, 'confirmLooks' | 'dampingSeconds'>;

/** What people may be told of an incident. */
export type News = 'opened' | 'cleared' | 'accepted';

/** What came of a look for one incident, and whether it is news. */
export interface IncidentChange {
  readonly incident: Incident;
  readonly news: News | undefined;
}

/** After so many returns the quiet time grows no more: 32 times the damping time, a day at most. */
const MOST_DOUBLINGS = 5;
const DAY_SECONDS = 86_400;
const MOST_DETAILS = 40;
const MOST_CHARACTERS = 1000;

export function opened(id: string, finding: DriftFinding, rules: DampingRules, now: Date): IncidentChange {
  const at = now.toISOString();
  const incident = {
    id,
    finding: remembered(finding, at),
    firstSeen: at,
    lastSeen: at,
    seen: 1,
    returns: 0,
    told: false,
  };
  return tellIfDue(incident, rules);
}

export function seenAgain(incident: Incident, finding: DriftFinding, rules: DampingRules, now: Date): IncidentChange {
  const next = { ...incident, finding: remembered(finding, incident.firstSeen), lastSeen: now.toISOString() };
  return tellIfDue({ ...next, seen: incident.seen + 1 }, rules);
}

/** Cleared, and told of only when it has stayed so: see `settled`. What nobody heard of need not be told. */
export function cleared(incident: Incident, now: Date): Incident {
  return { ...incident, cleared: now.toISOString(), told: incident.toldAs === undefined };
}

/** As people know it: what has become less bad since is over, or put right, for everybody who heard of it at its worst. */
export function asTold(incident: Incident): Incident {
  const { finding, toldAs } = incident;
  if (toldAs === undefined || SEVERITY_RANK[toldAs] >= SEVERITY_RANK[finding.severity]) return incident;
  return { ...incident, finding: { ...finding, severity: toldAs } };
}

/**
 * A person closed it, by accepting it or by taking the host out of the inventory: it is over at once.
 * @param as what those hear who know of it
 */
export function closed(incident: Incident, as: 'cleared' | 'accepted', now: Date): IncidentChange {
  const news = incident.toldAs === undefined ? undefined : as;
  return { incident: { ...incident, cleared: now.toISOString(), told: true }, news };
}

/** Whether what is found again is still the same incident: people have not been told that it was over, and it is not long ago. */
export function isReturn(incident: Incident, rules: DampingRules, now: Date): boolean {
  if (incident.cleared === undefined || (incident.told && incident.toldAs !== undefined)) return false;
  return quietUntil(incident, rules) > now.getTime();
}

export function returned(incident: Incident, finding: DriftFinding, rules: DampingRules, now: Date): IncidentChange {
  const { cleared: _over, ...open } = incident;
  const next = { ...open, finding: remembered(finding, incident.firstSeen), lastSeen: now.toISOString() };
  return tellIfDue({ ...next, seen: 1, returns: incident.returns + 1 }, rules);
}

/** A cleared incident that has stayed so for the damping time is told of as over. */
export function settled(incident: Incident, rules: DampingRules, now: Date): IncidentChange {
  if (incident.cleared === undefined || incident.told || quietUntil(incident, rules) > now.getTime()) {
    return { incident, news: undefined };
  }
  return { incident: { ...incident, told: true }, news: 'cleared' };
}

/**
 * Critical ones are told at once; others once enough looks have found them, or once they have returned as often. Told again
 * only when it has become worse than people know.
 */
function tellIfDue(incident: Incident, rules: DampingRules): IncidentChange {
  const { severity } = incident.finding;
  const isDue = severity === 'critical' || isConfirmed(incident, rules);
  const known = incident.toldAs;
  const isWorse = known === undefined || SEVERITY_RANK[severity] < SEVERITY_RANK[known];
  if (isDue && isWorse) return { incident: { ...incident, told: true, toldAs: severity }, news: 'opened' };
  return { incident: { ...incident, told: known !== undefined }, news: undefined };
}

/** An apply that is at work is no news, nor is one that a look met as it ended: only a transaction that the next look finds as well. */
function isConfirmed({ finding, seen, returns }: Incident, { confirmLooks }: DampingRules): boolean {
  if (finding.kind === 'transaction-open') return seen >= Math.max(confirmLooks, 2);
  return Math.max(seen, returns) >= confirmLooks;
}

/** What flaps has to stay clear for longer each time. Milliseconds since 1970. */
function quietUntil({ cleared: at, returns }: Incident, { dampingSeconds }: DampingRules): number {
  const grown = dampingSeconds * 2 ** Math.min(returns, MOST_DOUBLINGS);
  return Date.parse(at ?? '') + Math.max(dampingSeconds, Math.min(grown, DAY_SECONDS)) * 1000;
}

/** Bounded, and with a time since when. */
function remembered(finding: DriftFinding, firstSeen: string): DriftFinding {
  const { details } = finding;
  return {
    ...finding,
    what: cut(finding.what),
    since: finding.since ?? { at: firstSeen, by: 'first seen' },
    ...(details === undefined ? {} : { details: details.slice(0, MOST_DETAILS).map(cut) }),
  };
}

function cut(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 1)}…` : text;
}
