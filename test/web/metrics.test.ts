import { expect, test } from 'vitest';

import { DRIFT_KINDS } from '../../controller/model/drift.js';
import { COUNTERS, GAUGES } from '../../controller/report/drift-metric-families.js';
import { metricsOf, MOST_LISTED_HOSTS, type MetricsInput } from '../../controller/report/drift-metrics.js';
import { createMetrics } from '../../controller/web/metrics.js';
import { finding, incident, look, memory, NOW, readMetrics, seconds } from './support.js';

const ABOUT = { fleet: 'payments-dc1', version: '1.2.3', notifiers: ['ops', 'pager'], process: false };
const metrics = () => createMetrics(ABOUT);

const MODE = finding({ host: 'web2', kind: 'file-mode', subject: '/etc/inet/ipsecinit.conf', severity: 'warning' });
const SEEN: MetricsInput = {
  memory: memory({
    incidents: [
      incident(finding()),
      incident(finding({ host: 'db1' })),
      incident(finding({ kind: 'clock-off', severity: 'info' }), { cleared: '2026-11-22T10:15:42.000Z' }),
    ],
    acceptances: [
      {
        host: 'web2',
        id: incident(MODE).id,
        until: '2026-12-01T00:00:00Z',
        reason: 'r',
        by: 'b',
        at: '2026-11-01T00:00:00Z',
      },
      {
        host: 'web9',
        id: 'clock-off-0',
        until: '2026-11-20T00:00:00Z',
        reason: 'r',
        by: 'b',
        at: '2026-11-01T00:00:00Z',
      },
    ],
    quarantines: [{ host: 'web3', since: '2026-11-22T10:00:00Z', reason: 'it drifted again' }],
  }),
  looks: [
    look('web1', { state: 'drift', findings: [finding()], openTransaction: true, oldestKeySeconds: 1000 }),
    look('web2', { state: 'drift', findings: [MODE], oldestKeySeconds: 5000 }),
    look('web3', { state: 'unreachable' }),
    look('web4'),
  ],
  hostCount: 6,
  periodSeconds: 900,
  inventoryStale: false,
};

test('a scrape tells what the last pass saw and what is remembered', async () => {
  const page = metrics();
  page.show(metricsOf(SEEN, NOW));
  const series = readMetrics(await page.text());
  const told = [...series].filter(([name]) => !/_(total|bucket|sum|count|info)\{/.test(name));
  expect(Object.fromEntries(told)).toEqual({
    'ipsec_deploy_hosts{state="clean"}': 1,
    'ipsec_deploy_hosts{state="drift"}': 2,
    'ipsec_deploy_hosts{state="pending"}': 0,
    'ipsec_deploy_hosts{state="unreachable"}': 1,
    'ipsec_deploy_hosts{state="unchecked"}': 2,
    'ipsec_deploy_host_not_clean{host="web3",state="unreachable"}': 1,
    'ipsec_deploy_host_not_clean{host="web1",state="drift"}': 1,
    'ipsec_deploy_host_not_clean{host="web2",state="drift"}': 1,
    'ipsec_deploy_hosts_not_listed{}': 0,
    'ipsec_deploy_findings{class="drift",kind="rule-missing",severity="critical"}': 1,
    'ipsec_deploy_findings{class="drift",kind="file-mode",severity="warning"}': 1,
    'ipsec_deploy_accepted_findings{}': 1,
    'ipsec_deploy_acceptances{}': 1,
    'ipsec_deploy_open_incidents{class="drift",kind="rule-missing",severity="critical"}': 2,
    'ipsec_deploy_open_transactions{}': 1,
    'ipsec_deploy_quarantined_hosts{}': 1,
    'ipsec_deploy_oldest_key_timestamp_seconds{}': seconds('2026-11-22T10:15:42Z') - 5000,
    'ipsec_deploy_last_pass_timestamp_seconds{}': seconds('2026-11-22T10:15:42Z'),
    'ipsec_deploy_last_pass_duration_seconds{}': 42,
    'ipsec_deploy_pass_period_seconds{}': 900,
    'ipsec_deploy_inventory_stale{}': 0,
  });
});

test('before the first pass no series claims that all is well', async () => {
  const page = metrics();
  const untold = readMetrics(await page.text());
  expect(
    [...untold.keys()].filter((name) => Object.values(GAUGES).some((gauge) => name.startsWith(`${gauge.name}{`))),
  ).toEqual([]);
  page.show(metricsOf({ ...SEEN, memory: memory({ lastPass: undefined }), looks: undefined }, NOW));
  const names = [...readMetrics(await page.text()).keys()].join('\n');
  expect(names).not.toMatch(/ipsec_deploy_(hosts|findings|open_transactions|oldest_key|last_pass)/);
});

test('what was mended has no series any more after the next pass', async () => {
  const page = metrics();
  page.show(metricsOf(SEEN, NOW));
  page.show(
    metricsOf({ ...SEEN, memory: memory(), looks: [look('web1')], hostCount: 1, periodSeconds: undefined }, NOW),
  );
  const text = await page.text();
  expect(text).not.toMatch(/^ipsec_deploy_(findings|open_incidents|host_not_clean|oldest_key\w+|pass_period\w+)[{ ]/m);
  expect(readMetrics(text).get('ipsec_deploy_hosts{state="drift"}')).toBe(0);
});

test('counters begin at zero, add up, and take no foreign text for an outcome', async () => {
  const page = metrics();
  expect(readMetrics(await page.text()).get('ipsec_deploy_notification_failures_total{notifier="pager"}')).toBe(0);
  page.count({ kind: 'pass', outcome: 'finished', seconds: 42 });
  page.count({ kind: 'pass', outcome: 'stopped', seconds: 4 });
  page.count({ kind: 'pass-failed' });
  page.count({ kind: 'missed-runs', runs: 3, why: 'busy' });
  page.count({ kind: 'told', notifier: 'ops', delivered: true });
  page.count({ kind: 'told', notifier: 'pager', delivered: false });
  page.count({ kind: 'remediated', outcome: 'confirmed' });
  page.count({ kind: 'remediated', outcome: 'no such word' });
  const group = { kind: 'rule-missing', severity: 'critical', what: '', mend: '', ids: ['x'] } as const;
  page.count({
    kind: 'news',
    digest: { opened: [{ ...group, hosts: ['a', 'b'] }], cleared: [{ ...group, hosts: ['c'] }] },
  });
  const counted = [...readMetrics(await page.text())].filter(
    ([name, value]) => /_(total|count|sum)\{/.test(name) && value > 0,
  );
  expect(Object.fromEntries(counted)).toEqual({
    'ipsec_deploy_passes_total{outcome="finished"}': 1,
    'ipsec_deploy_passes_total{outcome="stopped"}': 1,
    'ipsec_deploy_passes_total{outcome="failed"}': 1,
    'ipsec_deploy_pass_duration_seconds_sum{}': 46,
    'ipsec_deploy_pass_duration_seconds_count{}': 2,
    'ipsec_deploy_missed_runs_total{why="busy"}': 3,
    'ipsec_deploy_notifications_total{notifier="ops"}': 1,
    'ipsec_deploy_notification_failures_total{notifier="pager"}': 1,
    'ipsec_deploy_remediations_total{outcome="confirmed"}': 1,
    'ipsec_deploy_remediations_total{outcome="other"}': 1,
    'ipsec_deploy_incidents_opened_total{severity="critical"}': 2,
    'ipsec_deploy_incidents_cleared_total{severity="critical"}': 1,
  });
});

test('a notifier that a new inventory names is counted from zero, and the others go on', async () => {
  const scraped = metrics();
  scraped.count({ kind: 'told', notifier: 'ops', delivered: false });
  scraped.nameNotifiers(['ops', 'chat']);
  const text = await scraped.text();
  expect(text).toContain('ipsec_deploy_notification_failures_total{notifier="chat",fleet="payments-dc1"} 0');
  expect(text).toContain('ipsec_deploy_notification_failures_total{notifier="ops",fleet="payments-dc1"} 1');
});

test('a thousand hosts with every kind of finding are a few hundred series', async () => {
  const hosts = Array.from({ length: 1000 }, (_none, i) => `host-${i}`);
  const findings = (host: string) => DRIFT_KINDS.map((kind) => finding({ host, kind, subject: `${kind} of ${host}` }));
  const page = metrics();
  const looks = hosts.map((host) => look(host, { state: 'drift', findings: findings(host) }));
  const like = incident(finding());
  const incidents = looks.flatMap((one) => one.findings.map((found) => ({ ...like, finding: found })));
  page.show(metricsOf({ ...SEEN, memory: memory({ incidents }), looks, hostCount: 1000 }, NOW));
  const series = readMetrics(await page.text());
  expect([...series.keys()].filter((name) => name.includes('host=')).length).toBe(MOST_LISTED_HOSTS);
  expect(series.get('ipsec_deploy_hosts_not_listed{}')).toBe(1000 - MOST_LISTED_HOSTS);
  expect(series.size).toBeLessThan(300);
});

test('nothing that a finding says in words gets into the metrics', async () => {
  const planted = '0xdeadbeefcafe';
  const told = finding({ subject: planted, what: planted, cause: planted, mend: planted, details: [planted] });
  const page = metrics();
  const looks = [look('web1', { state: 'drift', findings: [told] })];
  const quarantines = [{ host: 'web1', since: '2026-11-22T10:00:00Z', reason: planted }];
  page.show(metricsOf({ ...SEEN, looks, memory: memory({ incidents: [incident(told)], quarantines }) }, NOW));
  const text = await page.text();
  expect(text).toContain('ipsec_deploy_open_incidents{kind="rule-missing"');
  expect(text).not.toContain(planted);
});

test('a fleet of any name is a label that can be read back', async () => {
  const page = createMetrics({ ...ABOUT, fleet: 'a "b" \\ c\nd' });
  expect(await page.text()).toContain('fleet="a \\"b\\" \\\\ c\\nd"');
});

test('names keep to what Prometheus asks of them: a unit, _total for counters alone, no name twice', () => {
  const gauges = Object.values(GAUGES).map(({ name }) => name);
  const counters = Object.values(COUNTERS).map(({ name }) => name);
  expect(gauges.filter((name) => /_(total|count|sum|bucket)$/.test(name))).toEqual([]);
  expect(counters.filter((name) => !name.endsWith('_total'))).toEqual([]);
  expect(new Set([...gauges, ...counters]).size).toBe(gauges.length + counters.length);
});

test('the process tells of itself as well, without names that Prometheus refuses', async () => {
  const text = await createMetrics({ ...ABOUT, process: true }).text();
  expect(text).toContain('process_resident_memory_bytes{fleet="payments-dc1"}');
  expect(text).toContain('process_start_time_seconds{fleet="payments-dc1"}');
  expect(text).not.toMatch(/^# TYPE \w+_total gauge$/m);
});
