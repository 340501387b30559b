/** Prometheus' own tool reads what we hand to operators and what the server shows: alert rules, their outcomes, a scrape. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { metricsOf } from '../../../controller/report/drift-metrics.js';
import { createMetrics } from '../../../controller/web/metrics.js';
import { finding, incident, look, memory, NOW, serve } from '../../web/support.js';

const project = join(import.meta.dirname, '..', '..', '..');
const isThere = spawnSync('promtool', ['--version']).error === undefined;
// Only where somebody runs the tests by hand: .ci/run installs it.
if (!isThere) process.stderr.write('promtool is not installed (Debian package prometheus): its tests are skipped\n');

function promtool(words: readonly string[], input = ''): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('promtool', words, { cwd: project, input, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
}

test.skipIf(!isThere)('Prometheus takes the alert rules, and nothing in them is doubtful', () => {
  const { status, said } = promtool(['check', 'rules', '--lint-fatal', 'docs/alert-rules.yml']);
  expect([status, said]).toEqual([0, expect.stringContaining('SUCCESS')]);
});

test.skipIf(!isThere)(
  'each alert fires when it should, with its words, and not before; none fires for a fleet that is well',
  () => {
    const { status, said } = promtool(['test', 'rules', 'test/integration/prometheus/alert-rules.test.yml']);
    expect([status, said]).toEqual([0, expect.stringContaining('SUCCESS')]);
  },
);

test.skipIf(!isThere)('Prometheus can read what every panel of the dashboard asks', () => {
  const text = readFileSync(join(project, 'docs', 'grafana-dashboard.json'), 'utf8');
  const asked = [...text.matchAll(/"expr": ("(?:[^"\\]|\\.)*")/g)].map(([, quoted = '']) => String(JSON.parse(quoted)));
  expect(asked.length).toBeGreaterThan(30);
  const rules = asked.map((expr, i) => ({
    record: `panel_${i}`,
    expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$fleet', 'dc1|dc2'),
  }));
  const folder = mkdtempSync(join(tmpdir(), 'dashboard-'));
  try {
    const check = (groups: object): number | null => {
      writeFileSync(join(folder, 'rules.json'), JSON.stringify({ groups: [groups] }));
      return promtool(['check', 'rules', join(folder, 'rules.json')]).status;
    };
    expect(check({ name: 'panels', rules })).toBe(0);
    expect(check({ name: 'panels', rules: [...rules, { record: 'x', expr: 'sum(' }] })).not.toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.skipIf(!isThere)('a scrape of the server with everything in it has no fault', async () => {
  const metrics = createMetrics({ fleet: 'payments "dc1"', version: '1.2.3', notifiers: ['ops'] });
  const looks = [look('web1', { state: 'drift', findings: [finding()], oldestKeySeconds: 5000 }), look('db1')];
  const remembered = memory({ incidents: [incident(finding())] });
  const seen = { memory: remembered, looks, hostCount: 2, periodSeconds: 900, inventoryStale: false };
  metrics.show(metricsOf(seen, NOW));
  metrics.count({ kind: 'pass', outcome: 'finished', seconds: 42 });
  const server = await serve({ metrics });
  try {
    const scrape = await (await fetch(`${server.url}/metrics`)).text();
    expect(scrape).toContain('ipsec_deploy_open_incidents{');
    expect(promtool(['check', 'metrics'], scrape)).toEqual({ status: 0, said: '' });
    expect(promtool(['check', 'metrics'], `${scrape}broken{\n`).status).not.toBe(0);
  } finally {
    await server.close();
  }
});
