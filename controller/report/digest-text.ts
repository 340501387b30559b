/** What changed between two passes, in words for people who are told of it by any way: a title and lines by cause, worst first, capped. */

import { releaseCommand } from '../drift/finding-words.js';
import type { Acceptance, AcceptedGroup, DriftDigest, DriftSeverity, IncidentGroup } from '../model/drift.js';
import { nameRuns } from './name-runs.js';
import { printable } from './paint.js';

export interface DigestText {
  /** One line, without the time, e.g. `payments-dc1: 2 new findings (1 critical) on 3 hosts, 1 cleared`. */
  readonly title: string;
  /** Of the worst that is new; `info` when all of it is good news. */
  readonly severity: DriftSeverity;
  readonly sections: readonly DigestSection[];
  /** The fleet as the pass left it: `97 clean, 3 with drift`. */
  readonly standing: string;
}

export interface DigestSection {
  readonly heading: string;
  readonly entries: readonly DigestEntry[];
  /** Said when there are more than are listed. */
  readonly more: string | undefined;
}

/** One cause. Every field is one line without control characters. */
export interface DigestEntry {
  readonly state: 'new' | 'cleared' | 'quarantined' | 'put right' | 'accepted' | 'lapsed';
  readonly severity: DriftSeverity;
  readonly kind: string;
  readonly hosts: string;
  readonly what: string;
  /** The command that mends it; absent where nothing is to be mended. */
  readonly mend: string | undefined;
  readonly ids: readonly string[];
}

/** How much is told; what is left out is counted. */
export interface DigestLimits {
  /** Causes a section. */
  readonly entries: number;
  /** Names or runs of names an entry. */
  readonly hosts: number;
  /** Characters of a sentence or a command. */
  readonly characters: number;
}

const LIMITS: DigestLimits = { entries: 20, hosts: 8, characters: 400 };

const RANK: Readonly<Record<DriftSeverity, number>> = { critical: 0, warning: 1, info: 2 };
const STATES = [
  ['clean', 'clean'],
  ['drift', 'with drift'],
  ['pending', 'with a pending change'],
  ['unreachable', 'unreachable'],
] as const;

/** Whether there is anything to tell. */
export function hasNews({ opened, cleared, quarantined, putRight = [], accepted = [], test }: DriftDigest): boolean {
  return test === true || [opened, cleared, quarantined, putRight, accepted].some((all) => all.length > 0);
}

/** A digest without what is less severe than `least`; a quarantined host needs a person and always stays. */
export function digestFrom(digest: DriftDigest, least: DriftSeverity): DriftDigest {
  const counts = (group: IncidentGroup): boolean => RANK[group.severity] <= RANK[least];
  const { opened, cleared, putRight = [], accepted = [] } = digest;
  return {
    ...digest,
    opened: opened.filter(counts),
    cleared: cleared.filter(counts),
    putRight: putRight.filter(counts),
    accepted: accepted.filter(counts),
  };
}

export function digestText(digest: DriftDigest, limits: DigestLimits = LIMITS): DigestText {
  const { opened, cleared, quarantined, putRight = [], accepted = [], lapsed = [], inventory } = digest;
  const words = (text: string): string => cut(oneLine(text), limits.characters);
  const incidents = (heading: string, groups: readonly IncidentGroup[], state: 'new' | 'cleared' | 'put right') =>
    section(heading, byRank(groups), limits, ({ kind, severity, what, mend, hosts, ids }) => ({
      state,
      severity,
      kind,
      hosts: hostWords(hosts, limits.hosts),
      what: words(what),
      mend: state === 'new' && mend !== '' ? words(mend) : undefined,
      ids: ids.map(words),
    }));
  const alone = section('Left alone until a person releases it', quarantined, limits, ({ host, reason }) => ({
    state: 'quarantined',
    severity: 'critical',
    kind: 'quarantine',
    hosts: words(host),
    what: words(reason),
    mend: words(releaseCommand(host, inventory)),
    ids: [],
  }));
  // The acceptance is told whole, however long the finding's own sentence is.
  const letBe = section('Accepted, and still there', byRank(accepted), limits, (group) => ({
    state: 'accepted',
    severity: group.severity,
    kind: group.kind,
    hosts: hostWords(group.hosts, limits.hosts),
    what: `${cut(oneLine(group.what), limits.characters / 2)}; ${words(acceptedWords(group))}`,
    mend: undefined,
    ids: group.ids.map(words),
  }));
  // One that is new again says so itself.
  const isNew = ({ host, id }: Acceptance): boolean =>
    opened.some(({ hosts, ids }) => ids.includes(id) && hosts.includes(host));
  const over = lapsed.filter((one) => !isNew(one));
  const ended = section('Acceptances that ended', over, limits, ({ host, id, ...acceptance }) => ({
    state: 'lapsed',
    severity: 'info',
    kind: 'acceptance',
    hosts: words(host),
    what: words(acceptedWords(acceptance)),
    mend: undefined,
    ids: [words(id)],
  }));
  return {
    title: cut(oneLine(titleOf(digest)), limits.characters),
    severity: worst(digest),
    sections: [
      alone,
      incidents('New', opened, 'new'),
      incidents('Put right by remediation', putRight, 'put right'),
      incidents('Cleared', cleared, 'cleared'),
      letBe,
      ended,
    ].filter(({ entries }) => entries.length > 0),
    standing: standingOf(digest),
  };
}

/** The whole as plain text, lines ended by `\n`. */
export function digestPlain({ title, sections, standing }: DigestText): string {
  const parts = sections.map(({ heading, entries, more }) =>
    [`${heading}:`, ...entries.flatMap(entryLines), ...(more === undefined ? [] : [`  ${more}`])].join('\n'),
  );
  return `${[title, ...parts, standing].join('\n\n')}\n`;
}

/** One cause in one line, without the command: `critical: web1–web3: the policy file is empty (policy-file-empty-1f3a9c)`. */
export function entryLine({ state, severity, hosts, what, ids }: DigestEntry): string {
  const [first, ...others] = ids;
  const id = first === undefined ? '' : ` (${first}${others.length === 0 ? '' : ` and ${others.length} more`})`;
  return `${state === 'new' ? severity : state}: ${hosts}: ${what}${id}`;
}

function entryLines(entry: DigestEntry): readonly string[] {
  return [`  ${entryLine(entry)}`, ...(entry.mend === undefined ? [] : [`    mend: ${entry.mend}`])];
}

function section<T>(
  heading: string,
  all: readonly T[],
  limits: DigestLimits,
  entry: (one: T) => DigestEntry,
): DigestSection {
  const left = all.length - limits.entries;
  return {
    heading,
    entries: all.slice(0, limits.entries).map(entry),
    more: left > 0 ? `… and ${left} more; all of them: ipsec-deploy drift incidents` : undefined,
  };
}

function acceptedWords({ until, by, reason }: Pick<AcceptedGroup, 'until' | 'by' | 'reason'>): string {
  return `accepted until ${until} by ${by}: ${reason}`;
}

function titleOf({ fleet, test, opened, cleared, quarantined, putRight = [], accepted = [] }: DriftDigest): string {
  if (test === true) return `${fleet}: test message of ipsec-deploy drift; nothing happened`;
  const critical = opened.filter(({ severity }) => severity === 'critical').length;
  const hosts = new Set(opened.flatMap((group) => group.hosts)).size;
  const news = [
    ...(opened.length === 0
      ? []
      : [
          `${count(opened.length, 'new finding')}${critical === 0 ? '' : ` (${critical} critical)`} on ${count(hosts, 'host')}`,
        ]),
    ...(putRight.length === 0 ? [] : [`${putRight.length} put right`]),
    ...(cleared.length === 0 ? [] : [`${cleared.length} cleared`]),
    ...(accepted.length === 0 ? [] : [`${accepted.length} accepted`]),
    ...(quarantined.length === 0 ? [] : [`${count(quarantined.length, 'host')} left alone`]),
  ];
  return `${fleet}: ${news.length === 0 ? 'nothing new' : news.join(', ')}`;
}

function standingOf({ hosts, at }: DriftDigest): string {
  const parts = STATES.filter(([state]) => hosts[state] > 0).map(([state, words]) => `${hosts[state]} ${words}`);
  return oneLine(`Hosts at ${at}: ${parts.length === 0 ? 'none looked at' : parts.join(', ')}`);
}

function worst({ opened, quarantined }: DriftDigest): DriftSeverity {
  if (quarantined.length > 0) return 'critical';
  return byRank(opened)[0]?.severity ?? 'info';
}

function byRank<T extends IncidentGroup>(groups: readonly T[]): readonly T[] {
  return groups.toSorted((a, b) => RANK[a.severity] - RANK[b.severity] || b.hosts.length - a.hosts.length);
}

const NUMBERS_COUNT = new Intl.Collator('en', { numeric: true });

function hostWords(hosts: readonly string[], most: number): string {
  const sorted = hosts.map(oneLine).toSorted(NUMBERS_COUNT.compare);
  const all = nameRuns(sorted);
  if (all.split(', ').length <= most) return all;
  return `${sorted.slice(0, most).join(', ')} and ${sorted.length - most} more`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function oneLine(text: string): string {
  return printable(text.replaceAll('\t', ' '));
}

function cut(text: string, most: number): string {
  const letters = Array.from(text.slice(0, most * 2));
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}…` : text;
}
