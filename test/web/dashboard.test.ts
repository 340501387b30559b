/** What is handed to operators to load into Grafana and Prometheus, against the metrics that there are. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

import { BUILD_INFO, COUNTERS, GAUGES, PASS_DURATION } from '../../controller/report/drift-metric-families.js';
import { createMetrics } from '../../controller/web/metrics.js';

const docs = (name: string): string => readFileSync(join(import.meta.dirname, '..', '..', 'docs', name), 'utf8');

const dashboardShape = z.object({
  schemaVersion: z.number().min(36),
  templating: z.object({ list: z.array(z.object({ name: z.string(), type: z.string() })) }),
  panels: z.array(
    z.object({
      id: z.number(),
      type: z.string(),
      title: z.string().min(1),
      datasource: z.object({ uid: z.string() }).optional(),
      gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      targets: z.array(z.object({ expr: z.string() })).default([]),
    }),
  ),
});
const rulesShape = z.object({
  groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string(), expr: z.string() })) })),
});

const dashboard = dashboardShape.parse(JSON.parse(docs('grafana-dashboard.json')));
const alerts = rulesShape.parse(parse(docs('alert-rules.yml'))).groups.flatMap(({ rules }) => rules);
const drawn = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

const OURS = [...Object.values(GAUGES), ...Object.values(COUNTERS), PASS_DURATION, BUILD_INFO].map(({ name }) => name);
const namesIn = (texts: readonly string[]): readonly string[] =>
  texts.flatMap((text) => text.match(/\b(?:ipsec_deploy|process|nodejs)_\w+/g) ?? []);

async function exported(): Promise<ReadonlySet<string>> {
  const text = await createMetrics({ fleet: 'f', version: '1', notifiers: [] }).text();
  const names = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', type]) => ({ name, type }));
  return new Set(names.flatMap(({ name, type }) => (type === 'histogram' ? [name, `${name}_bucket`] : [name])));
}

test('every metric that a panel or an alert names is there', async () => {
  const there = await exported();
  const named = namesIn([...drawn, ...alerts.map(({ expr }) => expr)]);
  expect(named.length).toBeGreaterThan(40);
  expect(named.filter((name) => !there.has(name))).toEqual([]);
});

test('every metric of ours has a panel, and a line in the documentation', () => {
  const named = new Set(namesIn(drawn).map((name) => name.replace(/_bucket$/, '')));
  expect(OURS.filter((name) => !named.has(name))).toEqual([]);
  const page = docs('drift-metrics.md');
  expect(OURS.filter((name) => !page.includes(`\`${name}`))).toEqual([]);
});

test('no panel shows a nought where nobody has looked', () => {
  expect(drawn.filter((expr) => /\bvector\(/.test(expr))).toEqual([]);
});

test('every alert has a line in the documentation', () => {
  const page = docs('drift-metrics.md');
  expect(alerts.map(({ alert }) => alert).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test('the dashboard asks which data source to use, and every panel uses it', () => {
  expect(dashboard.templating.list.map(({ name, type }) => [name, type])).toEqual([
    ['datasource', 'datasource'],
    ['fleet', 'query'],
  ]);
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');
  expect(panels.filter(({ datasource }) => datasource?.uid !== '${datasource}')).toEqual([]);
  expect(panels.filter(({ targets }) => targets.length === 0)).toEqual([]);
  expect(drawn.filter((expr) => !expr.includes('fleet=~"$fleet"'))).toEqual([]);
});

test('no two panels have one number or lie on one another', () => {
  const { panels } = dashboard;
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_none, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
  );
  expect(new Set(cells).size).toBe(cells.length);
  expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
});
