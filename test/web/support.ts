/** A drift service as its metrics and its server see it: looks, memory, signs, a server on a free port. */

import type { DriftFinding, DriftMemory, HostLook, Incident } from '../../controller/model/drift.js';
import { EMPTY_MEMORY } from '../../controller/model/drift.js';
import type { Clock, Log, ServiceSigns } from '../../controller/ports.js';
import { findingId } from '../../controller/drift/finding-id.js';
import { createMetrics } from '../../controller/web/metrics.js';
import { startWebServer, type WebInput, type WebServer } from '../../controller/web/server.js';

export const NOW = new Date('2026-11-22T10:30:00Z');
export const seconds = (time: string): number => Date.parse(time) / 1000;

export function finding(over: Partial<DriftFinding> = {}): DriftFinding {
  return {
    host: 'web1',
    class: 'drift',
    kind: 'rule-missing',
    subject: '{ lport 80 } bypass {}',
    severity: 'critical',
    what: 'a rule is not loaded',
    mend: 'ipsec-deploy apply inventory.yaml --limit web1',
    ...over,
  };
}

export function look(host: string, over: Partial<HostLook> = {}): HostLook {
  return { host, state: 'clean', findings: [], generation: 3, openTransaction: false, ...over };
}

export function incident(found: DriftFinding, over: Partial<Incident> = {}): Incident {
  const at = '2026-11-22T10:00:00.000Z';
  return {
    id: findingId(found),
    finding: found,
    firstSeen: at,
    lastSeen: at,
    seen: 1,
    returns: 0,
    told: true,
    ...over,
  };
}

export const LAST_PASS = { id: 'drift-1', begun: '2026-11-22T10:15:00.000Z', ended: '2026-11-22T10:15:42.000Z' };

export function memory(over: Partial<DriftMemory> = {}): DriftMemory {
  return { ...EMPTY_MEMORY, lastPass: LAST_PASS, ...over };
}

export function signs(over: Partial<ServiceSigns> = {}): ServiceSigns {
  return {
    started: new Date('2026-11-22T09:00:00Z'),
    beat: new Date('2026-11-22T10:29:50Z'),
    working: false,
    inventoryRead: true,
    failure: undefined,
    lastPassEnded: new Date(LAST_PASS.ended),
    periodSeconds: 900,
    ...over,
  };
}

export const clock: Pick<Clock, 'now'> = { now: () => NOW };
export const silent: Log = { event: () => undefined };

export async function serve(over: Partial<WebInput> = {}): Promise<WebServer> {
  return startWebServer({
    listen: { address: '127.0.0.1', port: 0 },
    metrics: createMetrics({ fleet: 'payments-dc1', version: '1.2.3', notifiers: [], process: false }),
    signs: () => signs(),
    clock,
    log: silent,
    ...over,
  });
}

/** What a text in Prometheus' format says: the value of each series by its name and labels, sorted, as they are written. */
export function readMetrics(text: string): ReadonlyMap<string, number> {
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name, labels = '', value] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`no metric: ${line}`);
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"(?:,|$)/g)].map((pair) => pair[0].replace(/,$/, ''));
    const key = `${name}{${pairs
      .filter((pair) => !pair.startsWith('fleet='))
      .sort()
      .join(',')}}`;
    if (series.has(key)) throw new Error(`twice: ${line}`);
    series.set(key, Number(value));
  }
  return series;
}
