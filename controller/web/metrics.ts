/** The one registry of the drift service's metrics: what was decided elsewhere, written in Prometheus' text format. */

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

import type { DriftMetrics } from '../ports.js';
import { BUILD_INFO, COUNTERS, GAUGES, PASS_DURATION, type MetricFamily } from '../report/drift-metric-families.js';
import { countsAtStart, countsOf, type Count, type Sample } from '../report/drift-metrics.js';

export interface MetricsAbout {
  /** A label of every series, so that several fleets may be scraped into one place. */
  readonly fleet: string;
  readonly version: string;
  /** Names of all notifiers: their counters begin at 0. */
  readonly notifiers: readonly string[];
  /** Of the process itself: CPU, memory, file descriptors, event loop. Default true. */
  readonly process?: boolean;
}

/** Metrics as they are scraped. */
export interface ScrapedMetrics extends DriftMetrics {
  /** `Content-Type` of the text. */
  readonly contentType: string;
  text(): Promise<string>;
  /** Counters of notifiers that an inventory read again has added begin at 0, so that their first failure is an increase. */
  nameNotifiers(names: readonly string[]): void;
}

/** Gauges of Node's whose names end in `_total`, which is for counters alone: `promtool check metrics` refuses them. */
const MISNAMED = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total'];

export function createMetrics(about: MetricsAbout): ScrapedMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ fleet: about.fleet });
  const options = ({ name, help, labels }: MetricFamily) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });

  const gauges = Object.entries(GAUGES).map(([key, family]) => ({ key, gauge: new Gauge(options(family)) }));
  const counters = new Map(Object.entries(COUNTERS).map(([key, family]) => [key, new Counter(options(family))]));
  const durations = new Histogram({ ...options(PASS_DURATION), buckets: [...PASS_DURATION.buckets] });
  new Gauge(options(BUILD_INFO)).set({ version: about.version, node: process.versions.node }, 1);
  const show = (values: Readonly<Record<string, readonly Sample[]>>): void => {
    for (const { key, gauge } of gauges) setGauge(gauge, values[key] ?? []);
  };
  const add = ({ counter, labels, by }: Count): void => counters.get(counter)?.inc(labels, by);
  show({});
  countsAtStart(about.notifiers).forEach(add);
  if (about.process !== false) {
    collectDefaultMetrics({ register: registry });
    for (const name of MISNAMED) registry.removeSingleMetric(name);
  }

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    nameNotifiers: (names) => countsAtStart(names).forEach(add),
    show: (values) => show({ ...values }),
    count(event) {
      countsOf(event).forEach(add);
      if (event.kind === 'pass') durations.observe(event.seconds);
    },
  };
}

/** A gauge without labels is 0 once it was reset, and 0 is a claim: what is not known has no sample at all. */
function setGauge(gauge: Gauge, samples: readonly Sample[]): void {
  gauge.reset();
  gauge.remove({});
  for (const { labels, value } of samples) gauge.set(labels, value);
}
