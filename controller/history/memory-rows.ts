/** The memory as rows of its tables, and back. */

import {
  DRIFT_KINDS,
  type Acceptance,
  type DriftFinding,
  type DriftMemory,
  type DriftPass,
  type Incident,
  type Quarantine,
  type RemediationRecord,
  type SeenGeneration,
} from '../model/drift.js';
import type { Database, Row, Value } from './database.js';
import { readDigest } from './digest-json.js';

/** A table of the memory: the first columns are its key. */
export interface MemoryTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly keys: number;
  rowsOf(memory: DriftMemory): readonly (readonly Value[])[];
}

/** A row that no program of ours has written. */
export class RowError extends Error {
  override readonly name = 'RowError';
}

const INCIDENT_COLUMNS = [
  'host',
  'id',
  'first_seen',
  'last_seen',
  'cleared',
  'seen',
  'returns',
  'told',
  'told_as',
  'class',
  'kind',
  'subject',
  'severity',
  'what',
  'since_at',
  'since_by',
  'cause',
  'mend',
  'details',
];

export const MEMORY_TABLES: readonly MemoryTable[] = [
  {
    name: 'incidents',
    columns: INCIDENT_COLUMNS,
    keys: 3,
    rowsOf: ({ incidents }) => clearedFirst(incidents).map(incidentRow),
  },
  {
    name: 'acceptances',
    columns: ['host', 'id', 'until', 'reason', 'by', 'at'],
    keys: 2,
    rowsOf: (memory) =>
      memory.acceptances.map(({ host, id, until, reason, by, at }) => [host, id, until, reason, by, at]),
  },
  {
    name: 'quarantines',
    columns: ['host', 'since', 'reason'],
    keys: 1,
    rowsOf: (memory) => memory.quarantines.map(({ host, since, reason }) => [host, since, reason]),
  },
  {
    name: 'remediations',
    columns: ['host', 'at', 'plan_digest', 'outcome'],
    keys: 3,
    rowsOf: (memory) => memory.remediations.map(({ host, at, planDigest, outcome }) => [host, at, planDigest, outcome]),
  },
  {
    name: 'generations',
    columns: ['host', 'generation', 'confirmed'],
    keys: 1,
    rowsOf: (memory) =>
      memory.generations.map(({ host, generation, confirmed }) => [host, generation, confirmed ?? null]),
  },
  {
    name: 'backlog',
    columns: ['notifier', 'pass', 'digest'],
    keys: 2,
    rowsOf: (memory) => memory.backlog.map(({ notifier, digest }) => [notifier, digest.pass, JSON.stringify(digest)]),
  },
  {
    name: 'last_pass',
    columns: ['one', 'id', 'begun', 'ended'],
    keys: 1,
    rowsOf: ({ lastPass }) => (lastPass === undefined ? [] : [[1, lastPass.id, lastPass.begun, lastPass.ended]]),
  },
];

export const PASS_COLUMNS = ['id', 'begun', 'ended', 'clean', 'drift', 'pending', 'unreachable', 'findings'];

export function passRow({ id, begun, ended, looks }: DriftPass): readonly Value[] {
  const hosts = { clean: 0, drift: 0, pending: 0, unreachable: 0 };
  let findings = 0;
  for (const look of looks) {
    hosts[look.state] += 1;
    findings += look.findings.length;
  }
  return [id, begun, ended, hosts.clean, hosts.drift, hosts.pending, hosts.unreachable, findings];
}

/** One is closed before another of its name opens. */
function clearedFirst(incidents: readonly Incident[]): readonly Incident[] {
  const isOpen = ({ cleared }: Incident): boolean => cleared === undefined;
  return [...incidents.filter((incident) => !isOpen(incident)), ...incidents.filter(isOpen)];
}

function incidentRow(incident: Incident): readonly Value[] {
  const { id, firstSeen, lastSeen, cleared, seen, returns, told, toldAs, finding } = incident;
  return [
    finding.host,
    id,
    firstSeen,
    lastSeen,
    cleared ?? null,
    seen,
    returns,
    told ? 1 : 0,
    toldAs ?? null,
    finding.class,
    finding.kind,
    finding.subject,
    finding.severity,
    finding.what,
    finding.since?.at ?? null,
    finding.since?.by ?? null,
    finding.cause ?? null,
    finding.mend,
    finding.details === undefined ? null : JSON.stringify(finding.details),
  ];
}

/** @throws RowError */
export function readMemory(database: Database): DriftMemory {
  const all = (table: string, order: string): readonly Row[] =>
    database.all(`SELECT * FROM ${table} ORDER BY ${order}`);
  const [last] = all('last_pass', 'one');
  return {
    incidents: all('incidents', 'first_seen, host, id').flatMap(readIncident),
    acceptances: all('acceptances', 'host, id').map((row): Acceptance => ({
      host: text(row, 'host'),
      id: text(row, 'id'),
      until: time(row, 'until'),
      reason: text(row, 'reason'),
      by: text(row, 'by'),
      at: time(row, 'at'),
    })),
    quarantines: all('quarantines', 'host').map((row): Quarantine => ({
      host: text(row, 'host'),
      since: time(row, 'since'),
      reason: text(row, 'reason'),
    })),
    remediations: all('remediations', 'at, host').map((row): RemediationRecord => ({
      host: text(row, 'host'),
      at: time(row, 'at'),
      outcome: text(row, 'outcome'),
      planDigest: text(row, 'plan_digest'),
    })),
    generations: all('generations', 'host').map((row): SeenGeneration => ({
      host: text(row, 'host'),
      generation: number(row, 'generation'),
      ...(row['confirmed'] === null ? {} : { confirmed: time(row, 'confirmed') }),
    })),
    // As they came: the clock may have been set back since.
    backlog: all('backlog', 'rowid').flatMap((row) => {
      const digest = readDigest(text(row, 'digest'));
      return digest === undefined ? [] : [{ notifier: text(row, 'notifier'), digest }];
    }),
    lastPass:
      last === undefined ? undefined : { id: text(last, 'id'), begun: time(last, 'begun'), ended: time(last, 'ended') },
  };
}

/** A finding of a kind that this program does not know (a later one wrote it) is left in the file, unread. */
function readIncident(row: Row): readonly Incident[] {
  const kind = DRIFT_KINDS.find((known) => known === row['kind']);
  if (kind === undefined) return [];
  const details = row['details'];
  const finding: DriftFinding = {
    host: text(row, 'host'),
    class: word(row, 'class', ['drift', 'pending'] as const),
    kind,
    subject: text(row, 'subject'),
    severity: word(row, 'severity', SEVERITIES),
    what: text(row, 'what'),
    ...(row['since_at'] === null ? {} : { since: { at: text(row, 'since_at'), by: word(row, 'since_by', SINCE_BY) } }),
    ...(row['cause'] === null ? {} : { cause: text(row, 'cause') }),
    mend: text(row, 'mend'),
    ...(typeof details === 'string' ? { details: lines(details) } : {}),
  };
  return [
    {
      id: text(row, 'id'),
      finding,
      firstSeen: time(row, 'first_seen'),
      lastSeen: time(row, 'last_seen'),
      ...(row['cleared'] === null ? {} : { cleared: time(row, 'cleared') }),
      seen: number(row, 'seen'),
      returns: number(row, 'returns'),
      told: number(row, 'told') === 1,
      ...(row['told_as'] === null ? {} : { toldAs: word(row, 'told_as', SEVERITIES) }),
    },
  ];
}

const SEVERITIES = ['critical', 'warning', 'info'] as const;
const SINCE_BY = ['file time', 'service log', 'host record', 'first seen'] as const;

function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new RowError(`${column} is no text`);
  return value;
}

function time(row: Row, column: string): string {
  const value = text(row, column);
  if (Number.isNaN(Date.parse(value))) throw new RowError(`${column} is no time`);
  return value;
}

function number(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new RowError(`${column} is no number`);
  return value;
}

function word<T extends string>(row: Row, column: string, words: readonly T[]): T {
  const value = words.find((known) => known === row[column]);
  if (value === undefined) throw new RowError(`${column} is none of ${words.join(', ')}`);
  return value;
}

function lines(json: string): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new RowError('details are no JSON');
  }
  if (!Array.isArray(value)) throw new RowError('details are no list');
  return value.map((line: unknown) => {
    if (typeof line !== 'string') throw new RowError('a detail is no text');
    return line;
  });
}
