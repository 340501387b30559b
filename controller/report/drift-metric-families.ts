/** The metrics of the drift service: names, types, labels and what each means. docs/drift-metrics.md, the dashboard and the alerts use these names. */

export interface MetricFamily {
  readonly name: `ipsec_deploy_${string}`;
  readonly help: string;
  /** Each takes values from a small fixed set, but for `host`, which is bounded, and `notifier`, which the inventory names. */
  readonly labels: readonly string[];
}

/** Set anew after each pass. */
export const GAUGES = {
  hosts: {
    name: 'ipsec_deploy_hosts',
    help: 'Hosts of the inventory by what the last pass saw; unchecked: it did not get to them.',
    labels: ['state'],
  },
  hostNotClean: {
    name: 'ipsec_deploy_host_not_clean',
    help: 'Always 1: a host that is not clean and its state; at most 100 of them, the worst first.',
    labels: ['host', 'state'],
  },
  hostsNotListed: {
    name: 'ipsec_deploy_hosts_not_listed',
    help: 'Hosts that are not clean and have no series of their own because there are too many.',
    labels: [],
  },
  findings: {
    name: 'ipsec_deploy_findings',
    help: 'Findings of the last pass, accepted ones included.',
    labels: ['kind', 'class', 'severity'],
  },
  acceptedFindings: {
    name: 'ipsec_deploy_accepted_findings',
    help: 'Findings of the last pass that a person has accepted for now.',
    labels: [],
  },
  acceptances: {
    name: 'ipsec_deploy_acceptances',
    help: 'Acceptances in force.',
    labels: [],
  },
  openIncidents: {
    name: 'ipsec_deploy_open_incidents',
    help: 'Findings that are not cleared and not accepted; a host that cannot be reached clears none.',
    labels: ['kind', 'class', 'severity'],
  },
  openTransactions: {
    name: 'ipsec_deploy_open_transactions',
    help: 'Hosts with a transaction that is neither confirmed nor reverted.',
    labels: [],
  },
  quarantinedHosts: {
    name: 'ipsec_deploy_quarantined_hosts',
    help: 'Hosts that remediation leaves alone until a person releases them.',
    labels: [],
  },
  oldestKey: {
    name: 'ipsec_deploy_oldest_key_timestamp_seconds',
    help: 'When the oldest key in force on any host was made, in seconds since 1970.',
    labels: [],
  },
  lastPass: {
    name: 'ipsec_deploy_last_pass_timestamp_seconds',
    help: 'When the last pass over the hosts ended, in seconds since 1970.',
    labels: [],
  },
  lastPassDuration: {
    name: 'ipsec_deploy_last_pass_duration_seconds',
    help: 'How long the last pass over the hosts took.',
    labels: [],
  },
  passPeriod: {
    name: 'ipsec_deploy_pass_period_seconds',
    help: 'The longest time between two passes that the schedule allows; absent without a schedule.',
    labels: [],
  },
  inventoryStale: {
    name: 'ipsec_deploy_inventory_stale',
    help: '1 when the inventory could not be read again and the one before it stays in use.',
    labels: [],
  },
} as const satisfies Readonly<Record<string, MetricFamily>>;

/** Since the service was started. */
export const COUNTERS = {
  incidentsOpened: {
    name: 'ipsec_deploy_incidents_opened_total',
    help: 'Incidents that became news.',
    labels: ['severity'],
  },
  incidentsCleared: {
    name: 'ipsec_deploy_incidents_cleared_total',
    help: 'Incidents that were told of as over; one that was accepted is not.',
    labels: ['severity'],
  },
  passes: {
    name: 'ipsec_deploy_passes_total',
    help: 'Passes over the hosts by how they ended.',
    labels: ['outcome'],
  },
  missedRuns: {
    name: 'ipsec_deploy_missed_runs_total',
    help: 'Scheduled passes that did not take place; busy: the one before was at work, late: the service stood still, absent: it did not run.',
    labels: ['why'],
  },
  notifications: {
    name: 'ipsec_deploy_notifications_total',
    help: 'Digests that a notifier delivered.',
    labels: ['notifier'],
  },
  notificationFailures: {
    name: 'ipsec_deploy_notification_failures_total',
    help: 'Digests that a notifier could not deliver, its own retries included.',
    labels: ['notifier'],
  },
  remediations: {
    name: 'ipsec_deploy_remediations_total',
    help: 'Hosts that remediation worked on, by how it ended.',
    labels: ['outcome'],
  },
} as const satisfies Readonly<Record<string, MetricFamily>>;

export const PASS_DURATION = {
  name: 'ipsec_deploy_pass_duration_seconds',
  help: 'How long passes over the hosts took.',
  labels: [],
  /** Seconds: from a lab to thousands of hosts spread over an hour. */
  buckets: [1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600],
} as const;

export const BUILD_INFO = {
  name: 'ipsec_deploy_build_info',
  help: 'Always 1: the version of ipsec-deploy and of Node that runs it.',
  labels: ['version', 'node'],
} as const satisfies MetricFamily;

export type GaugeKey = keyof typeof GAUGES;
export type CounterKey = keyof typeof COUNTERS;
