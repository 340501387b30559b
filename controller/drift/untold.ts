/** What is news again because nobody could be told of it. */

import type { DriftDigest, DriftMemory, Incident, IncidentGroup } from '../model/drift.js';

/**
 * The memory after a pass as if its news had not been told: the next pass tells it, unless it is over by then.
 * What it would not find again is put into the backlog.
 * @param before what was remembered before that pass
 * @param notifiers the names of those who are to be told
 */
export function untold(
  after: DriftMemory,
  before: DriftMemory,
  digest: DriftDigest,
  notifiers: readonly string[],
): DriftMemory {
  const once = toldOnlyOnce(digest);
  const news = new Set([...digest.opened, ...digest.cleared].flatMap(keysOf));
  const known = new Map(before.incidents.map((incident) => [keyOf(incident), incident.toldAs]));
  return {
    ...after,
    incidents: after.incidents.map((incident) => {
      if (!incident.told || !news.has(newsKey(incident.finding.host, incident.id))) return incident;
      const { toldAs: _told, ...rest } = incident;
      const toldAs = known.get(keyOf(incident));
      return { ...rest, told: false, ...(toldAs === undefined ? {} : { toldAs }) };
    }),
    acceptances: [...after.acceptances, ...(digest.lapsed ?? [])],
    backlog: [
      ...after.backlog,
      ...(once === undefined ? [] : notifiers.map((notifier) => ({ notifier, digest: once }))),
    ],
  };
}

/**
 * What no later pass would find to be news again: hosts that are left alone, what was put right, what a person accepted. `undefined`
 * where there is nothing of the kind.
 */
export function toldOnlyOnce(digest: DriftDigest): DriftDigest | undefined {
  const { lapsed: _lapsed, ...rest } = digest;
  const once = { ...rest, opened: [], cleared: [] };
  const { quarantined, putRight = [], accepted = [] } = once;
  return quarantined.length + putRight.length + accepted.length === 0 ? undefined : once;
}

function keysOf({ hosts, ids }: IncidentGroup): readonly string[] {
  return hosts.flatMap((host) => ids.map((id) => newsKey(host, id)));
}

/** Older incidents of the same finding are remembered too, for a while. */
function keyOf({ finding, id, firstSeen }: Incident): string {
  return `${newsKey(finding.host, id)} ${firstSeen}`;
}

function newsKey(host: string, id: string): string {
  return `${host} ${id}`;
}
