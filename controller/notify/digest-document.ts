/** A digest as other programs read it: the body of a webhook, the input of a command. docs/json-output.md, "Drift digests". */

import { createHash } from 'node:crypto';

import type { AcceptedGroup, DriftDigest, IncidentGroup } from '../model/drift.js';
import { digestPlain } from '../report/digest-text.js';
import type { Message } from './delivery.js';

/** The same schema as everything printed as JSON. */
const SCHEMA = 'ipsec-deploy/1';
/** What is left out is counted: `leftOut`, `hostCount`. */
const MOST_GROUPS = 100;
const MOST_NAMES = 200;
const MOST_CHARACTERS = 1000;

/** JSON, one line, without a line break at its end. */
export function digestDocument({ id, digest, text }: Message): string {
  const { fleet, pass, at, test, opened, cleared, quarantined, hosts } = digest;
  const { putRight = [], accepted = [], lapsed = [] } = digest;
  return JSON.stringify({
    schema: SCHEMA,
    event: 'drift-digest',
    id,
    fleet,
    pass,
    at,
    test: test === true,
    severity: text.severity,
    title: text.title,
    text: digestPlain(text),
    opened: opened.slice(0, MOST_GROUPS).map(groupFields),
    cleared: cleared.slice(0, MOST_GROUPS).map(groupFields),
    quarantined: quarantined.slice(0, MOST_NAMES),
    putRight: putRight.slice(0, MOST_GROUPS).map(groupFields),
    accepted: accepted.slice(0, MOST_GROUPS).map(acceptedFields),
    lapsed: lapsed.slice(0, MOST_NAMES).map(({ host, id, until, reason, by }) => ({ host, id, until, reason, by })),
    leftOut: {
      opened: Math.max(0, opened.length - MOST_GROUPS),
      cleared: Math.max(0, cleared.length - MOST_GROUPS),
      quarantined: Math.max(0, quarantined.length - MOST_NAMES),
      putRight: Math.max(0, putRight.length - MOST_GROUPS),
      accepted: Math.max(0, accepted.length - MOST_GROUPS),
      lapsed: Math.max(0, lapsed.length - MOST_NAMES),
    },
    hosts,
  });
}

/** The same for every try to tell one notifier of one digest, after a restart as well. */
export function deliveryId(notifier: string, digest: DriftDigest): string {
  const { fleet, pass, at, opened, cleared, quarantined, putRight = [], accepted = [] } = digest;
  // A pass has one digest, and its time tells it from one of the same name: lists of thousands of hosts need not be read again.
  const parts = [
    notifier,
    fleet,
    pass,
    at,
    ...[opened, cleared, quarantined, putRight, accepted].map((all) => all.length),
  ];
  const hex = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  // In groups: a log masks long runs of hex digits.
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

function acceptedFields({ until, reason, by, ...group }: AcceptedGroup): object {
  return { ...groupFields(group), until, reason, by };
}

function groupFields({ kind, severity, what, mend, hosts, ids }: IncidentGroup): object {
  return {
    kind,
    severity,
    what: what.slice(0, MOST_CHARACTERS),
    mend: mend.slice(0, MOST_CHARACTERS),
    hosts: hosts.slice(0, MOST_NAMES),
    hostCount: hosts.length,
    ids: ids.slice(0, MOST_NAMES),
  };
}
