import { expect, test } from 'vitest';

import type { WatchEvent } from '../../controller/model/watch.js';
import { createMetrics } from '../../controller/web/metrics.js';
import { readiness } from '../../controller/web/health.js';
import { WatchObserver } from '../../controller/web/watch-observer.js';
import { finding, incident, LAST_PASS, look, memory, readMetrics } from './support.js';

const STARTED: WatchEvent = { event: 'watch-started', hosts: 3, schedule: '0 6 * * *', timeZone: 'UTC' };
const FAULT = { code: 'STORE_LOCKED', what: 'the state file is locked' };

function service() {
  const metrics = createMetrics({ fleet: 'f', version: '1', notifiers: ['ops'], process: false });
  let now = new Date('2026-11-22T10:15:50Z');
  const observer = new WatchObserver(metrics, memory({ lastPass: undefined }), { now: () => now });
  return {
    observer,
    metrics,
    wait: (minutes: number) => (now = new Date(now.getTime() + minutes * 60_000)),
    follow: (...events: readonly WatchEvent[]) => events.forEach((event) => observer.follow(event)),
    series: async () => readMetrics(await metrics.text()),
    ready: () => readiness(observer.signs(), now).ok,
  };
}

function ended(complete = true): WatchEvent {
  const looks = [look('web1', { state: 'drift', findings: [finding()] }), look('web2')];
  return {
    event: 'watch-pass-ended',
    pass: { ...LAST_PASS, looks },
    complete,
    memory: memory({ incidents: [incident(finding())] }),
    digest: {
      fleet: 'f',
      pass: LAST_PASS.id,
      at: LAST_PASS.ended,
      opened: [{ kind: 'rule-missing', severity: 'critical', what: '', mend: '', hosts: ['web1'], ids: ['x'] }],
      cleared: [],
      quarantined: [],
      hosts: { clean: 1, drift: 1, pending: 0, unreachable: 0 },
    },
  };
}

test('a pass that ends shows what it saw', async () => {
  const { follow, series } = service();
  follow(STARTED, { event: 'watch-pass-begun', at: LAST_PASS.begun, hosts: 3 }, ended());
  const told = await series();
  expect(told.get('ipsec_deploy_hosts{state="drift"}')).toBe(1);
  expect(told.get('ipsec_deploy_hosts{state="unchecked"}')).toBe(1);
  expect(told.get('ipsec_deploy_open_incidents{class="drift",kind="rule-missing",severity="critical"}')).toBe(1);
  expect(told.get('ipsec_deploy_passes_total{outcome="finished"}')).toBe(1);
  expect(told.get('ipsec_deploy_pass_duration_seconds_sum{}')).toBe(42);
  expect(told.get('ipsec_deploy_pass_period_seconds{}')).toBe(86_400);
  expect(told.get('ipsec_deploy_incidents_opened_total{severity="critical"}')).toBe(1);
});

test('what happens besides passes is counted', async () => {
  const { follow, series } = service();
  follow(
    STARTED,
    { event: 'watch-missed', count: 4, since: LAST_PASS.begun, why: 'late' },
    ended(false),
    { event: 'watch-told', notifier: 'ops', told: false, fault: FAULT },
    {
      event: 'watch-remediated',
      records: [{ host: 'web1', at: LAST_PASS.ended, outcome: 'reverted', planDigest: '' }],
      quarantines: [{ host: 'web1', since: LAST_PASS.ended, reason: 'it drifted again' }],
    },
    { event: 'watch-reload-refused', fault: FAULT },
  );
  const told = await series();
  expect(told.get('ipsec_deploy_missed_runs_total{why="late"}')).toBe(4);
  expect(told.get('ipsec_deploy_passes_total{outcome="stopped"}')).toBe(1);
  expect(told.get('ipsec_deploy_notification_failures_total{notifier="ops"}')).toBe(1);
  expect(told.get('ipsec_deploy_remediations_total{outcome="reverted"}')).toBe(1);
  expect(told.get('ipsec_deploy_quarantined_hosts{}')).toBe(1);
  expect(told.get('ipsec_deploy_inventory_stale{}')).toBe(1);
});

test('a service whose pass failed is not ready until one ends; an inventory that is broken later does not make it so', () => {
  const { follow, ready } = service();
  expect(ready()).toBe(false);
  follow(STARTED);
  expect(ready()).toBe(true);
  follow({ event: 'watch-failed', fault: FAULT, failures: 1, notBefore: LAST_PASS.ended });
  expect(ready()).toBe(false);
  follow(ended(), { event: 'watch-reload-refused', fault: FAULT });
  expect(ready()).toBe(true);
});

test('hosts that are far apart in a pass leave the service alive; a loop that stands still does not', () => {
  const { follow, ready, wait } = service();
  follow(STARTED, { event: 'watch-pass-begun', at: LAST_PASS.begun, hosts: 3 });
  wait(20);
  expect(ready()).toBe(true);
  follow(ended(), { event: 'watch-waiting', until: LAST_PASS.ended });
  wait(3);
  expect(ready()).toBe(false);
});
