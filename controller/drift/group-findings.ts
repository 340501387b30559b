/** One group for one cause: the same kind, subject, severity, words and way to mend it on any number of hosts. */

import type { Acceptance, AcceptedGroup, DriftSeverity, Incident, IncidentGroup } from '../model/drift.js';

/** By how bad it is: smaller is worse. */
export const SEVERITY_RANK: Readonly<Record<DriftSeverity, number>> = { critical: 0, warning: 1, info: 2 };

/** More names than that make no command to type. */
const MOST_NAMES = 20;

type Member = Pick<Incident, 'id' | 'finding'>;

/** Worst first, then what concerns most hosts. */
export function groupIncidents(incidents: readonly Member[]): readonly IncidentGroup[] {
  const causes = new Map<string, Member[]>();
  for (const incident of incidents) {
    const { kind, subject, severity, what, mend, host } = incident.finding;
    const cause = JSON.stringify([kind, subject, severity, withName(what, host, ''), withName(mend, host, '')]);
    const members = causes.get(cause);
    if (members === undefined) causes.set(cause, [incident]);
    else members.push(incident);
  }
  return [...causes.values()].map(groupOf).sort(byRank);
}

/** As `groupIncidents`, and by what the acceptance of each says. What nobody has accepted is left out. */
export function groupAccepted(
  incidents: readonly Member[],
  acceptances: readonly Acceptance[],
): readonly AcceptedGroup[] {
  const known = new Map(acceptances.map((one) => [`${one.host} ${one.id}`, one]));
  const terms = new Map<
    string,
    { readonly members: Member[]; readonly words: Omit<AcceptedGroup, keyof IncidentGroup> }
  >();
  for (const incident of incidents) {
    const acceptance = known.get(`${incident.finding.host} ${incident.id}`);
    if (acceptance === undefined) continue;
    const { until, reason, by } = acceptance;
    const key = JSON.stringify([until, reason, by]);
    const others = terms.get(key);
    if (others === undefined) terms.set(key, { members: [incident], words: { until, reason, by } });
    else others.members.push(incident);
  }
  return [...terms.values()]
    .flatMap(({ members, words }) => groupIncidents(members).map((group) => ({ ...group, ...words })))
    .sort(byRank);
}

function groupOf(members: readonly Member[]): IncidentGroup {
  const [first] = members;
  if (first === undefined) throw new Error('a group of nothing');
  const { kind, severity, what, mend, host } = first.finding;
  const hosts = [...new Set(members.map(({ finding }) => finding.host))].sort();
  const several = hosts.length > 1;
  return {
    kind,
    severity,
    what: several ? withName(what, host, 'the host') : what,
    mend: several ? mendAll(mend, host, hosts) : mend,
    hosts,
    ids: [...new Set(members.map(({ id }) => id))].sort(),
  };
}

/** A command with `--limit web1` takes all of them; elsewhere the name is left open. */
function mendAll(mend: string, host: string, hosts: readonly string[]): string {
  const limit = `--limit ${host}`;
  const at = mend.indexOf(limit);
  const isWhole = at >= 0 && !/[\w.-]/.test(mend.charAt(at + limit.length));
  if (!isWhole) return withName(mend, host, 'HOST');
  const before = withName(mend.slice(0, at), host, 'HOST');
  const after = withName(mend.slice(at + limit.length), host, 'HOST');
  const more = hosts.length > MOST_NAMES ? ` (and so for ${hosts.length - MOST_NAMES} more)` : '';
  return `${before}--limit ${hosts.slice(0, MOST_NAMES).join(',')}${after}${more}`;
}

/** The text with the host's name, where it stands as a word of its own, replaced. */
function withName(text: string, host: string, word: string): string {
  if (host === '' || !text.includes(host)) return text;
  const name = host.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return text.replace(new RegExp(`(?<![\\w-])${name}(?![\\w-])`, 'g'), () => word);
}

function byRank(a: IncidentGroup, b: IncidentGroup): number {
  return (
    SEVERITY_RANK[a.severity] - SEVERITY_RANK[b.severity] ||
    b.hosts.length - a.hosts.length ||
    compareText(a.kind, b.kind) ||
    compareText(a.what, b.what)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
