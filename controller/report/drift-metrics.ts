/** What the drift service says of itself in numbers: the gauges that follow from its memory and its looks, and what an event counts. */

import { isInForce, splitAccepted } from '../drift/acceptance.js';
import type { DriftDigest, DriftFinding, DriftMemory, DriftSeverity, HostLook, IncidentGroup } from '../model/drift.js';
import type { CounterKey, GaugeKey } from './drift-metric-families.js';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All samples of each gauge: what is not among them any more is gone. */
export type GaugeValues = Readonly<Record<GaugeKey, readonly Sample[]>>;

export interface MetricsInput {
  /** After the pass, or as it was read at the start. */
  readonly memory: DriftMemory;
  /** The looks of the last pass; absent before the first. */
  readonly looks: readonly HostLook[] | undefined;
  /** Hosts of the inventory. */
  readonly hostCount: number;
  /** The longest time between two scheduled passes; absent without a schedule. */
  readonly periodSeconds?: number | undefined;
  /** The inventory could not be read again, and the one before it stays in use. */
  readonly inventoryStale: boolean;
}

/** What happened in the service and is counted from its start on. */
export type DriftEvent =
  | { readonly kind: 'pass'; readonly outcome: 'finished' | 'stopped'; readonly seconds: number }
  /** It, or what follows from it, could not be made. */
  | { readonly kind: 'pass-failed' }
  | { readonly kind: 'missed-runs'; readonly runs: number; readonly why: (typeof MISSED_WHY)[number] }
  | { readonly kind: 'news'; readonly digest: Pick<DriftDigest, 'opened' | 'cleared'> }
  | { readonly kind: 'told'; readonly notifier: string; readonly delivered: boolean }
  | { readonly kind: 'remediated'; readonly outcome: string };

export interface Count {
  readonly counter: CounterKey;
  readonly labels: Readonly<Record<string, string>>;
  readonly by: number;
}

const PASS_OUTCOMES = ['finished', 'stopped', 'failed'];
const MISSED_WHY = ['late', 'busy', 'absent'] as const;
const SEVERITIES = ['critical', 'warning', 'info'] as const satisfies readonly DriftSeverity[];

/** Any other outcome counts as `other`, so that no text from elsewhere becomes a series. */
const REMEDIATION_OUTCOMES = [
  'confirmed',
  'unchanged',
  'reverted',
  'failed',
  'unreachable',
  'unknown',
  'refused',
  'other',
] as const;

/** Series with a host's name; a fleet of thousands that is down must not become thousands of series. */
export const MOST_LISTED_HOSTS = 100;

/** Worst first. */
const STATES = ['unreachable', 'drift', 'pending', 'clean'] as const satisfies readonly HostLook['state'][];

export function metricsOf(input: MetricsInput, now: Date): GaugeValues {
  const { memory, looks, hostCount, periodSeconds, inventoryStale } = input;
  return {
    ...hostGauges(looks, hostCount),
    oldestKey: oldestKey(looks, memory),
    ...findingGauges(looks, memory, now),
    openIncidents: byKind(memory.incidents.filter((one) => one.cleared === undefined).map(({ finding }) => finding)),
    acceptances: one(memory.acceptances.filter((acceptance) => isInForce(acceptance, now)).length),
    quarantinedHosts: one(memory.quarantines.length),
    lastPass: one(secondsAt(memory.lastPass?.ended)),
    lastPassDuration: one(secondsBetween(memory.lastPass)),
    passPeriod: one(periodSeconds),
    inventoryStale: one(Number(inventoryStale)),
  };
}

/** What an event adds to the counters. A pass is observed by its duration as well. */
export function countsOf(event: DriftEvent): readonly Count[] {
  switch (event.kind) {
    case 'pass':
      return [{ counter: 'passes', labels: { outcome: event.outcome }, by: 1 }];
    case 'pass-failed':
      return [{ counter: 'passes', labels: { outcome: 'failed' }, by: 1 }];
    case 'missed-runs':
      return [{ counter: 'missedRuns', labels: { why: event.why }, by: event.runs }];
    case 'news':
      return [...newsOf('incidentsOpened', event.digest.opened), ...newsOf('incidentsCleared', event.digest.cleared)];
    case 'told': {
      const counter = event.delivered ? 'notifications' : 'notificationFailures';
      return [{ counter, labels: { notifier: event.notifier }, by: 1 }];
    }
    case 'remediated': {
      const outcome = REMEDIATION_OUTCOMES.find((known) => known === event.outcome) ?? 'other';
      return [{ counter: 'remediations', labels: { outcome }, by: 1 }];
    }
  }
}

/** Zeros: of a counter that appears with its first event, Prometheus sees no increase. @param notifiers the names of all of them */
export function countsAtStart(notifiers: readonly string[]): readonly Count[] {
  const zeros = (counter: CounterKey, label: string, values: readonly string[]): readonly Count[] =>
    values.map((value) => ({ counter, labels: { [label]: value }, by: 0 }));
  return [
    ...zeros('incidentsOpened', 'severity', SEVERITIES),
    ...zeros('incidentsCleared', 'severity', SEVERITIES),
    ...zeros('passes', 'outcome', PASS_OUTCOMES),
    ...zeros('missedRuns', 'why', MISSED_WHY),
    ...zeros('remediations', 'outcome', REMEDIATION_OUTCOMES),
    ...zeros('notifications', 'notifier', notifiers),
    ...zeros('notificationFailures', 'notifier', notifiers),
  ];
}

/** Before the first pass nothing is known of any host, and no series says that nothing is wrong. */
function hostGauges(
  looks: readonly HostLook[] | undefined,
  hostCount: number,
): Pick<GaugeValues, 'hosts' | 'hostNotClean' | 'hostsNotListed' | 'openTransactions'> {
  if (looks === undefined) return { hosts: [], hostNotClean: [], hostsNotListed: [], openTransactions: [] };
  const byState = STATES.map((state) => ({ state, hosts: looks.filter((look) => look.state === state) }));
  const notClean = byState.flatMap(({ state, hosts }) => (state === 'clean' ? [] : hosts));
  return {
    hosts: [
      ...byState.map(({ state, hosts }) => ({ labels: { state }, value: hosts.length })),
      { labels: { state: 'unchecked' }, value: Math.max(0, hostCount - looks.length) },
    ],
    hostNotClean: notClean
      .slice(0, MOST_LISTED_HOSTS)
      .map(({ host, state }) => ({ labels: { host, state }, value: 1 })),
    hostsNotListed: one(Math.max(0, notClean.length - MOST_LISTED_HOSTS)),
    openTransactions: one(looks.filter((look) => look.openTransaction).length),
  };
}

/** Looks tell of ages, at the end of the pass by a good measure; a point in time stays right until the next pass. */
function oldestKey(looks: readonly HostLook[] | undefined, { lastPass }: DriftMemory): readonly Sample[] {
  const ended = secondsAt(lastPass?.ended);
  const oldest = looks?.reduce((age, look) => Math.max(age, look.oldestKeySeconds ?? -Infinity), -Infinity);
  return one(ended === undefined || oldest === undefined ? undefined : ended - oldest);
}

function findingGauges(
  looks: readonly HostLook[] | undefined,
  memory: DriftMemory,
  now: Date,
): Pick<GaugeValues, 'findings' | 'acceptedFindings'> {
  if (looks === undefined) return { findings: [], acceptedFindings: [] };
  const findings = looks.flatMap((look) => look.findings);
  // A finding's id is a digest: it is not made for thousands of hosts on which nothing is accepted.
  const hosts = new Set(memory.acceptances.map(({ host }) => host));
  const candidates = findings.filter(({ host }) => hosts.has(host));
  return {
    findings: byKind(findings),
    acceptedFindings: one(splitAccepted(candidates, memory.acceptances, now).accepted.length),
  };
}

function byKind(findings: readonly DriftFinding[]): readonly Sample[] {
  const samples = new Map<string, { labels: Sample['labels']; value: number }>();
  for (const { kind, class: kindClass, severity } of findings) {
    const key = `${kind} ${kindClass} ${severity}`;
    const sample = samples.get(key);
    if (sample === undefined) samples.set(key, { labels: { kind, class: kindClass, severity }, value: 1 });
    else sample.value += 1;
  }
  return [...samples.values()];
}

/** A group is one finding on several hosts: an incident each. */
function newsOf(counter: CounterKey, groups: readonly IncidentGroup[]): readonly Count[] {
  return groups.map(({ severity, hosts }) => ({ counter, labels: { severity }, by: hosts.length }));
}

/** No sample at all where nothing is known. */
function one(value: number | undefined): readonly Sample[] {
  return value === undefined || !Number.isFinite(value) ? [] : [{ labels: {}, value }];
}

function secondsAt(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time) / 1000;
}

function secondsBetween(pass: DriftMemory['lastPass']): number | undefined {
  return pass === undefined ? undefined : Math.max(0, Date.parse(pass.ended) - Date.parse(pass.begun)) / 1000;
}
