/** Which hosts may be brought back by themselves to what was last confirmed on them. Rather too few than too many: every doubt leaves a host alone. */

import {
  REMEDIABLE_KINDS,
  type DriftFinding,
  type DriftKind,
  type DriftMemory,
  type HostLook,
  type Quarantine,
} from '../model/drift.js';
import type { Neighbours } from '../plan/fleet-plan.js';
import { splitAccepted } from './acceptance.js';
import { findingId } from './finding-id.js';
import { SEVERITY_RANK } from './group-findings.js';

export interface RemediationRules {
  readonly kinds: readonly DriftKind[];
  /** Names of the hosts of the groups that were given. */
  readonly hosts: ReadonlySet<string>;
  readonly hostsPerHour: number;
  /** Looks in a row that must have found something before it counts. */
  readonly confirmLooks: number;
  readonly links: Neighbours;
}

/** A host that is left as it is, for now. */
export interface LeftAlone {
  readonly host: string;
  readonly why: string;
}

export interface RemediationChoice {
  readonly act: readonly HostLook[];
  readonly skip: readonly LeftAlone[];
  readonly quarantine: readonly Quarantine[];
  /** Why nothing is done at all. */
  readonly halted?: string;
}

const HOUR_MS = 3_600_000;
/** A host that drifts again so soon is changed by somebody or something, and would be for ever. */
export const AGAIN_MS = 24 * HOUR_MS;
/** More than this part of the fleet, and at least so many hosts, drifting at once have a cause that is not theirs. */
const MOST_DRIFTING = 0.2;
const LEAST_DRIFTING = 3;

const MENDED: ReadonlySet<DriftKind> = new Set(REMEDIABLE_KINDS);
/** Whatever else was found, a host of which this is true is in hands that we do not know, or cannot be worked on. */
const HINDRANCES: ReadonlySet<DriftKind> = new Set([
  'host-unreachable',
  'host-key-changed',
  'access-refused',
  'agent-fails',
  'never-applied',
  'generation-moved',
  'transaction-open',
  'transaction-failed',
  'state-folder-open',
  // No transaction takes an SA away that is loaded: it refuses to begin.
  'sa-key-differs',
]);

/** What any transaction sees to on its way, so that it would end what a person lets be. */
const ON_THE_WAY: ReadonlySet<DriftKind> = new Set(['boot-guard-missing', 'service-settings']);

/** The outcome of a record that a person's release leaves: what was tried before it no longer speaks against the host. */
export const RELEASED = 'released';

/** What was found on a host, as far as bringing it back would change it. */
export function mendable(findings: readonly DriftFinding[]): readonly DriftFinding[] {
  return findings.filter((finding) => finding.class === 'drift' && MENDED.has(finding.kind));
}

/** @param memory as it is after the pass that gave the looks */
export function chooseRemediations(
  memory: DriftMemory,
  looks: readonly HostLook[],
  rules: RemediationRules,
  now: Date,
): RemediationChoice {
  const drifting = looks.filter((look) => mendable(countedOf(look, memory, now)).length > 0);
  if (drifting.length >= LEAST_DRIFTING && drifting.length > MOST_DRIFTING * looks.length) {
    const halted =
      `${drifting.length} of ${looks.length} hosts drift at once, more than ${MOST_DRIFTING * 100} %: ` +
      'that is likely to have a cause of its own, and nothing is put right by itself';
    return { act: [], skip: [], quarantine: [], halted };
  }
  const able: HostLook[] = [];
  const skip: LeftAlone[] = [];
  const quarantine: Quarantine[] = [];
  for (const look of drifting) {
    const { host } = look;
    const why = whyNot(look, memory, rules, now);
    const again = why === undefined ? driftsAgain(look, memory, now) : undefined;
    if (why !== undefined) skip.push({ host, why });
    else if (again !== undefined) quarantine.push({ host, since: now.toISOString(), reason: again });
    else able.push(look);
  }
  const { act, left } = withinBudget(able, memory, rules, now);
  return { act, skip: [...skip, ...left], quarantine };
}

function countedOf({ findings }: HostLook, { acceptances }: DriftMemory, now: Date): readonly DriftFinding[] {
  return splitAccepted(findings, acceptances, now).counted;
}

function whyNot(look: HostLook, memory: DriftMemory, rules: RemediationRules, now: Date): string | undefined {
  const { host, findings, generation } = look;
  if (!rules.hosts.has(host)) return 'not among the hosts that may be put right by themselves';
  const quarantine = memory.quarantines.find((one) => one.host === host);
  if (quarantine !== undefined) return `left alone since ${quarantine.since}: ${quarantine.reason}`;
  const hindrance = findings.find(({ kind }) => HINDRANCES.has(kind));
  if (hindrance !== undefined) return hindrance.what;
  if (look.state === 'unreachable') return 'it could not be reached';
  if (look.openTransaction) return 'a transaction is open on it';
  if (generation === undefined || generation === 0) return 'nothing of ours was ever confirmed on it';
  const { counted, accepted } = splitAccepted(findings, memory.acceptances, now);
  const other = mendable(counted).find(({ kind }) => !rules.kinds.includes(kind));
  if (other !== undefined)
    return `${other.kind} would be put right with the rest, and is not among the kinds: ${other.what}`;
  const kept = mendable(accepted)[0] ?? accepted.find(({ kind }) => ON_THE_WAY.has(kind));
  if (kept !== undefined) return `what is accepted would be undone: ${kept.what}`;
  if (!mendable(counted).some((finding) => isConfirmed(finding, memory, rules)))
    return `not yet found by ${rules.confirmLooks} looks in a row`;
  return undefined;
}

function isConfirmed(finding: DriftFinding, { incidents }: DriftMemory, { confirmLooks }: RemediationRules): boolean {
  const id = findingId(finding);
  return incidents.some(
    (one) =>
      one.finding.host === finding.host && one.id === id && one.cleared === undefined && one.seen >= confirmLooks,
  );
}

/** Why it was of no use to bring the host back lately: a kind that was found then is found again, or still. */
function driftsAgain(look: HostLook, memory: DriftMemory, now: Date): string | undefined {
  const kinds = new Set(mendable(countedOf(look, memory, now)).map(({ kind }) => kind));
  const released = memory.remediations.findLast((one) => one.host === look.host && one.outcome === RELEASED);
  const lately = memory.remediations.filter(
    ({ host, at, outcome }) =>
      host === look.host &&
      (released === undefined || at > released.at) &&
      (outcome === 'confirmed' || outcome === 'unchanged') &&
      now.getTime() - Date.parse(at) < AGAIN_MS,
  );
  for (const { at, outcome } of lately.reverse()) {
    const then = memory.incidents.filter(({ finding: { host }, firstSeen, cleared }) => {
      const isOpenThen = firstSeen <= at && (cleared === undefined || cleared >= at);
      return host === look.host && isOpenThen;
    });
    const kind = then.map(({ finding }) => finding.kind).find((one) => kinds.has(one));
    if (kind === undefined) continue;
    return outcome === 'confirmed'
      ? `it drifts again (${kind}) after it was put right at ${at}`
      : `${kind} is found, and on ${at} there was nothing that could be put right`;
  }
  return undefined;
}

/** Drifting hosts that share links are taken together or not at all; the worst come first. */
function withinBudget(
  able: readonly HostLook[],
  { remediations }: DriftMemory,
  { hostsPerHour, links }: RemediationRules,
  now: Date,
): { readonly act: readonly HostLook[]; readonly left: readonly LeftAlone[] } {
  const used = remediations.filter(
    ({ at, outcome }) => outcome !== RELEASED && now.getTime() - Date.parse(at) < HOUR_MS,
  ).length;
  let rest = Math.max(0, hostsPerHour - used);
  const act: HostLook[] = [];
  const left: LeftAlone[] = [];
  for (const group of linkedGroups(able, links).sort((a, b) => worstRank(a) - worstRank(b))) {
    if (group.length <= rest) {
      rest -= group.length;
      act.push(...group);
      continue;
    }
    const why =
      group.length > hostsPerHour
        ? `${group.length} drifting hosts share links and move together, more than the ${hostsPerHour} of an hour`
        : `${used + act.length} of the ${hostsPerHour} hosts of an hour are used up`;
    left.push(...group.map(({ host }) => ({ host, why })));
  }
  return { act, left };
}

function linkedGroups(looks: readonly HostLook[], links: Neighbours): HostLook[][] {
  const waiting = new Map(looks.map((look) => [look.host, look]));
  const groups: HostLook[][] = [];
  for (const first of looks) {
    if (!waiting.delete(first.host)) continue;
    const group = [first];
    for (const { host } of group) {
      for (const { end } of links.get(host) ?? []) {
        const peer = end.kind === 'host' ? waiting.get(end.host) : undefined;
        if (peer === undefined) continue;
        waiting.delete(peer.host);
        group.push(peer);
      }
    }
    groups.push(group);
  }
  return groups;
}

function worstRank(group: readonly HostLook[]): number {
  return Math.min(
    ...group.flatMap(({ findings }) => mendable(findings).map(({ severity }) => SEVERITY_RANK[severity])),
  );
}
