/** Follows the drift service by what it tells of itself: keeps its metrics right and knows its signs of health. */

import { longestPeriodSeconds, parseSchedule } from '../drift/due.js';
import type { DriftMemory, HostLook } from '../model/drift.js';
import type { WatchEvent, WatchPassEnded } from '../model/watch.js';
import type { Clock, DriftMetrics, ServiceSigns } from '../ports.js';
import { metricsOf } from '../report/drift-metrics.js';

export class WatchObserver {
  readonly #metrics: DriftMetrics;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #started: Date;
  #memory: DriftMemory;
  #looks: readonly HostLook[] | undefined;
  #hostCount = 0;
  #periodSeconds: number | undefined;
  #inventoryRead = false;
  #inventoryStale = false;
  #failure: string | undefined;
  #working = false;
  #beat: Date;

  /** @param memory what was remembered when the service started */
  constructor(metrics: DriftMetrics, memory: DriftMemory, clock: Pick<Clock, 'now'>) {
    this.#metrics = metrics;
    this.#memory = memory;
    this.#clock = clock;
    this.#started = clock.now();
    this.#beat = this.#started;
  }

  /** Every event of the service, in order. */
  follow(event: WatchEvent): void {
    this.#beat = this.#clock.now();
    switch (event.event) {
      case 'watch-started':
      case 'watch-reloaded':
        this.#inventoryRead = true;
        this.#inventoryStale = false;
        this.#hostCount = event.hosts;
        this.#periodSeconds = longestPeriodSeconds(parseSchedule(event.schedule, event.timeZone), this.#beat);
        return this.#show();
      case 'watch-reload-refused':
        this.#inventoryStale = true;
        return this.#show();
      case 'watch-waiting':
        this.#working = false;
        return;
      case 'watch-pass-begun':
        this.#working = true;
        return;
      case 'watch-pass-ended':
        return this.#passEnded(event);
      case 'watch-remediated':
        for (const { outcome } of event.records) this.#metrics.count({ kind: 'remediated', outcome });
        this.#memory = withQuarantines(this.#memory, event.quarantines);
        return this.#show();
      case 'watch-failed':
        this.#failure = event.fault.code;
        return this.#metrics.count({ kind: 'pass-failed' });
      case 'watch-missed':
        return this.#metrics.count({ kind: 'missed-runs', runs: event.count, why: event.why });
      case 'watch-told':
        return this.#metrics.count({ kind: 'told', notifier: event.notifier, delivered: event.told });
      case 'watch-beat':
      case 'watch-stopped':
        return;
    }
  }

  signs(): ServiceSigns {
    return {
      started: this.#started,
      beat: this.#beat,
      working: this.#working,
      inventoryRead: this.#inventoryRead,
      failure: this.#failure,
      lastPassEnded: this.#memory.lastPass === undefined ? undefined : new Date(this.#memory.lastPass.ended),
      periodSeconds: this.#periodSeconds,
    };
  }

  #passEnded({ pass, complete, memory, digest }: WatchPassEnded): void {
    this.#memory = memory;
    this.#looks = pass.looks;
    this.#failure = undefined;
    const seconds = Math.max(0, Date.parse(pass.ended) - Date.parse(pass.begun)) / 1000;
    this.#metrics.count({ kind: 'pass', outcome: complete ? 'finished' : 'stopped', seconds });
    this.#metrics.count({ kind: 'news', digest });
    this.#show();
  }

  #show(): void {
    const input = {
      memory: this.#memory,
      looks: this.#looks,
      hostCount: this.#hostCount,
      periodSeconds: this.#periodSeconds,
      inventoryStale: this.#inventoryStale,
    };
    this.#metrics.show(metricsOf(input, this.#beat));
  }
}

function withQuarantines(memory: DriftMemory, quarantines: DriftMemory['quarantines']): DriftMemory {
  const fresh = new Set(quarantines.map(({ host }) => host));
  return { ...memory, quarantines: [...memory.quarantines.filter(({ host }) => !fresh.has(host)), ...quarantines] };
}
