/** The memory of the drift service, carried from one pass to the next: one incident a host and finding, and what is news of it. */

import type {
  Acceptance,
  DriftDigest,
  DriftFinding,
  DriftKind,
  DriftMemory,
  DriftPass,
  HostLook,
  Incident,
} from '../model/drift.js';
import { isInForce } from './acceptance.js';
import { findingId } from './finding-id.js';
import { groupAccepted, groupIncidents, SEVERITY_RANK } from './group-findings.js';
import {
  asTold,
  cleared,
  closed,
  isReturn,
  opened,
  returned,
  seenAgain,
  settled,
  type DampingRules,
  type IncidentChange,
  type News,
} from './incident-state.js';
import { withinRetention } from './retention.js';
import { rememberGenerations } from './seen-generations.js';

export interface AdvanceRules extends DampingRules {
  /** The fleet's name, for the digest. */
  readonly fleet: string;
  /** As the operator names it on the command line; for the digest. */
  readonly inventory?: string;
  /** Every host of the inventory, looked at or not: what concerns others is closed. */
  readonly hosts: readonly string[];
}

/** What a look that could not compare the host says something about, all the same. */
const CONTACT: ReadonlySet<DriftKind> = new Set([
  'host-unreachable',
  'host-key-changed',
  'access-refused',
  'agent-fails',
]);
const TRANSACTION: ReadonlySet<DriftKind> = new Set(['transaction-open', 'transaction-failed']);

/**
 * The memory after a pass, and what people are to be told of it. Only a look that compared a host clears what was found on it:
 * an unreachable host clears nothing, nor does one in the middle of a transaction.
 */
export function advance(
  memory: DriftMemory,
  pass: DriftPass,
  rules: AdvanceRules,
  now: Date,
): { readonly memory: DriftMemory; readonly digest: DriftDigest } {
  const known = new Set(rules.hosts);
  const acceptances = memory.acceptances.filter((one) => isInForce(one, now));
  const lapsed = memory.acceptances.filter((one) => !isInForce(one, now));
  const isAccepted = acceptedBy(acceptances);
  const news: Record<News, Incident[]> = { opened: [], cleared: [], accepted: [] };
  const note = ({ incident, news: state }: IncidentChange): Incident => {
    if (state !== undefined) news[state].push(asTold(incident));
    return incident;
  };
  const looks = new Map(pass.looks.map((look) => [look.host, look]));
  const close = (incident: Incident): Incident => {
    const { host } = incident.finding;
    const isThere = known.has(host) && !isGone(incident, looks.get(host));
    return note(closed(incident, isThere ? 'accepted' : 'cleared', now));
  };

  const byHost = new Map<string, Incident[]>();
  for (const incident of memory.incidents) {
    const { host } = incident.finding;
    const isOver = !known.has(host) || isAccepted(host, incident.id);
    const kept = incident.cleared === undefined && isOver ? close(incident) : incident;
    const others = byHost.get(host);
    if (others === undefined) byHost.set(host, [kept]);
    else others.push(kept);
  }
  for (const look of pass.looks.filter(({ host }) => known.has(host))) {
    const changes = followLook(byHost.get(look.host) ?? [], look, { isAccepted, lapsed, rules, now });
    byHost.set(look.host, changes.map(note));
  }
  const isOurs = ({ finding: { host }, id }: Incident): boolean => known.has(host) && !isAccepted(host, id);
  const incidents = [...byHost.values()].flat().map((incident) => note(settled(incident, rules, now)));

  const generations = rememberGenerations(memory.generations, pass, rules.hosts);
  const { id, begun, ended } = pass;
  return {
    memory: withinRetention({ ...memory, incidents, acceptances, generations, lastPass: { id, begun, ended } }, now),
    digest: {
      fleet: rules.fleet,
      ...(rules.inventory === undefined ? {} : { inventory: rules.inventory }),
      pass: id,
      at: now.toISOString(),
      opened: groupIncidents(news.opened),
      cleared: groupIncidents(news.cleared),
      accepted: groupAccepted(news.accepted, acceptances),
      quarantined: memory.quarantines.filter(({ since }) => isAfter(since, memory.lastPass?.ended)),
      putRight: groupIncidents(putRight(incidents.filter(isOurs), memory).map(asTold)),
      lapsed,
      hosts: hostsByState(pass.looks),
    },
  };
}

/** Incidents that were open on a host when it was brought back, after the last pass that people were told of, and are over now. */
function putRight(incidents: readonly Incident[], { remediations, lastPass }: DriftMemory): readonly Incident[] {
  const lately = remediations.filter(({ outcome, at }) => outcome === 'confirmed' && isAfter(at, lastPass?.ended));
  return incidents.filter(({ finding, firstSeen, cleared: over }) =>
    lately.some(
      ({ host, at }) =>
        host === finding.host &&
        finding.class === 'drift' &&
        firstSeen <= at &&
        over !== undefined &&
        Date.parse(over) >= Date.parse(at),
    ),
  );
}

interface Circumstances {
  readonly isAccepted: (host: string, id: string) => boolean;
  /** Acceptances that have just ended. */
  readonly lapsed: readonly Acceptance[];
  readonly rules: DampingRules;
  readonly now: Date;
}

/** Every incident of a host after a look at it; those that the look says nothing about are as they were. */
function followLook(
  incidents: readonly Incident[],
  look: HostLook,
  { isAccepted, lapsed, rules, now }: Circumstances,
): readonly IncidentChange[] {
  const found = findingsById(look);
  const former = new Map<string, number>();
  const followed = incidents.map((incident, i): IncidentChange => {
    if (incident.cleared !== undefined) {
      if (isReturn(incident, rules, now)) former.set(incident.id, i);
      return { incident, news: undefined };
    }
    const finding = found.get(incident.id);
    found.delete(incident.id);
    if (finding !== undefined) return seenAgain(incident, finding, rules, now);
    return { incident: tellsOf(look, incident.finding.kind) ? cleared(incident, now) : incident, news: undefined };
  });
  for (const [id, finding] of found) {
    if (isAccepted(look.host, id)) continue;
    const at = former.get(id);
    const last = at === undefined ? undefined : followed[at]?.incident;
    const ended = lapsed.find((one) => one.host === look.host && one.id === id);
    if (at !== undefined && last !== undefined) followed[at] = returned(last, finding, rules, now);
    else if (ended === undefined) followed.push(opened(id, finding, rules, now));
    // It was there all the time: nothing has to be confirmed, and people are told why it comes up now.
    else followed.push(opened(id, withEnded(finding, ended), { ...rules, confirmLooks: 1 }, now));
  }
  return followed;
}

function withEnded(finding: DriftFinding, { until, reason }: Acceptance): DriftFinding {
  return { ...finding, what: `${finding.what} (it was accepted until ${until}: ${reason})` };
}

/** One finding an id, the worst of them. */
function findingsById({ host, findings }: HostLook): Map<string, DriftFinding> {
  const found = new Map<string, DriftFinding>();
  for (const finding of findings) {
    const id = findingId(finding);
    const other = found.get(id);
    if (other === undefined || SEVERITY_RANK[finding.severity] < SEVERITY_RANK[other.severity]) {
      found.set(id, { ...finding, host });
    }
  }
  return found;
}

/** Whether the look has shown that it is over; without a look nobody knows. */
function isGone({ id, finding }: Incident, look: HostLook | undefined): boolean {
  return look !== undefined && tellsOf(look, finding.kind) && !look.findings.some((one) => findingId(one) === id);
}

/** Whether a look that did not find such a thing means that it is over. */
function tellsOf(look: HostLook, kind: DriftKind): boolean {
  if (look.state === 'unreachable') return CONTACT.has(kind);
  if (look.openTransaction) return CONTACT.has(kind) || TRANSACTION.has(kind);
  return true;
}

function acceptedBy(acceptances: readonly Acceptance[]): (host: string, id: string) => boolean {
  const keys = new Set(acceptances.map(({ host, id }) => `${host} ${id}`));
  return (host, id) => keys.has(`${host} ${id}`);
}

function hostsByState(looks: readonly HostLook[]): DriftDigest['hosts'] {
  const states = new Map(looks.map(({ host, state }) => [host, state]));
  const hosts = { clean: 0, drift: 0, pending: 0, unreachable: 0 };
  for (const state of states.values()) hosts[state] += 1;
  return hosts;
}

function isAfter(at: string, last: string | undefined): boolean {
  return last === undefined || Date.parse(at) > Date.parse(last);
}
