/** What a pass found, for people: one entry for a cause on any number of hosts, worst first; one line for hosts without any. */

import { countStates, type JudgedLook, type JudgedPass } from '../drift/judge-pass.js';
import { findingId } from '../drift/finding-id.js';
import { groupIncidents } from '../drift/group-findings.js';
import type { DriftFinding, DriftSeverity, IncidentGroup } from '../model/drift.js';
import { nameRuns } from './name-runs.js';
import { plain, printable, type Colour, type Paint } from './paint.js';

export interface DriftTextOptions {
  /** Hosts that were to be looked at. */
  readonly asked: number;
  /** Whether pending changes were looked for. */
  readonly pending: boolean;
}

const COLOURS: Readonly<Record<DriftSeverity, Colour>> = { critical: 'red', warning: 'yellow', info: 'cyan' };
/** Names or runs of names in a line. */
const MOST_NAMES = 12;

export function driftText(pass: JudgedPass, options: DriftTextOptions, paint: Paint = plain): string {
  const findings = pass.looks.flatMap((look) => look.findings);
  const ofClass = (wanted: DriftFinding['class']): readonly string[] =>
    causes(findings.filter((finding) => finding.class === wanted)).map((cause) => causeText(cause, paint));
  const parts = [...ofClass('drift'), ...ofClass('pending')];
  return [...parts, closing(pass, options, paint)].join('\n');
}

/** A group, and the findings that are in it. */
interface Cause {
  readonly group: IncidentGroup;
  readonly findings: readonly DriftFinding[];
}

function causes(findings: readonly DriftFinding[]): readonly Cause[] {
  const members = findings.map((finding) => ({ id: findingId(finding), finding }));
  const byName = new Map(members.map(({ id, finding }) => [`${finding.host} ${id}`, finding]));
  return groupIncidents(members).map((group) => ({
    group,
    findings: group.hosts.flatMap((host) => group.ids.flatMap((id) => byName.get(`${host} ${id}`) ?? [])),
  }));
}

function causeText({ group, findings }: Cause, paint: Paint): string {
  const { kind, severity, what, mend, hosts, ids } = group;
  const [first] = findings;
  const word = first?.class === 'pending' ? 'pending' : severity;
  const many = hosts.length > 1 ? ` (${hosts.length} hosts)` : '';
  const lines = [
    `${paint(COLOURS[severity], word)} ${paint('bold', names(hosts))}${many}: ${printable(what)}`,
    ...field('since', sinceText(findings), paint),
    ...field('cause', first?.cause, paint),
    ...field('mend', mend, paint),
    ...field('id', ids.length === 1 ? ids[0] : `${kind} (${ids.length} ids)`, paint),
    ...detailLines(findings, paint),
  ];
  return `${lines.join('\n')}\n`;
}

function field(name: string, value: string | undefined, paint: Paint): readonly string[] {
  return value === undefined || value === '' ? [] : [`  ${paint('dim', `${name}:`.padEnd(6))} ${printable(value)}`];
}

/** The earliest of all hosts. */
function sinceText(findings: readonly DriftFinding[]): string | undefined {
  const dated = findings.filter(({ since }) => since !== undefined);
  const [first, ...others] = dated.toSorted((a, b) => Date.parse(a.since?.at ?? '') - Date.parse(b.since?.at ?? ''));
  if (first?.since === undefined) return undefined;
  const { at, by } = first.since;
  const isSame = others.every(({ since }) => since?.at === at);
  return `${at} (${by}${isSame ? '' : `; first on ${first.host}`})`;
}

/** Those of one host, and a word where others have other ones. */
function detailLines(findings: readonly DriftFinding[], paint: Paint): readonly string[] {
  const [first, ...others] = findings;
  const details = first?.details ?? [];
  if (first === undefined || details.length === 0) return [];
  const own = JSON.stringify(details);
  const isShared = others.every((finding) => JSON.stringify(finding.details ?? []) === own);
  return [
    ...(isShared ? [] : [`    ${paint('dim', `on ${first.host}, and otherwise on others:`)}`]),
    ...details.map((line) => `    ${paint(lineColour(line), printable(line))}`),
  ];
}

function lineColour(line: string): Colour {
  if (line.startsWith('+')) return 'green';
  return line.startsWith('-') ? 'red' : 'dim';
}

function closing(pass: JudgedPass, { asked, pending }: DriftTextOptions, paint: Paint): string {
  const { looks } = pass;
  const counts = countStates(looks);
  const clean = looks.filter(({ state, accepted }) => state === 'clean' && accepted.length === 0);
  const accepted = looks.filter((look) => look.accepted.length > 0);
  const left = asked - looks.length;
  const said = [
    ...(counts.drift > 0 ? [paint('red', `${counts.drift} drifted`)] : []),
    ...(counts.unreachable > 0 ? [paint('red', `${counts.unreachable} not looked at`)] : []),
    ...(counts.pending > 0 ? [paint('cyan', `${counts.pending} with a pending change`)] : []),
    ...(left > 0 ? [paint('yellow', `${left} left out`)] : []),
    `${counts.clean} clean`,
  ];
  return [
    ...(clean.length === 0
      ? []
      : [`${paint('green', pending ? 'as wanted' : 'as confirmed')}: ${names(hostsOf(clean))}`]),
    ...(accepted.length === 0 ? [] : [`${paint('cyan', 'accepted')}: ${acceptedText(accepted)}`]),
    `${asked} ${asked === 1 ? 'host' : 'hosts'}: ${said.join(', ')}`,
    '',
  ].join('\n');
}

function hostsOf(looks: readonly JudgedLook[]): readonly string[] {
  return looks.map(({ host }) => host);
}

function acceptedText(looks: readonly JudgedLook[]): string {
  const count = looks.reduce((sum, look) => sum + look.accepted.length, 0);
  return `${count} ${count === 1 ? 'finding' : 'findings'} on ${names(hostsOf(looks))}`;
}

const NUMBERS_COUNT = new Intl.Collator('en', { numeric: true });

function names(hosts: readonly string[]): string {
  const sorted = hosts.toSorted(NUMBERS_COUNT.compare);
  const runs = nameRuns(sorted).split(', ');
  if (runs.length <= MOST_NAMES) return runs.join(', ');
  return `${sorted.slice(0, MOST_NAMES).join(', ')} and ${sorted.length - MOST_NAMES} more`;
}
