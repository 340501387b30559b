/** What of a plan back to confirmed generations may be carried out by itself: nothing that was tried in vain, no half of a link. */

import { createHash } from 'node:crypto';

import type { Address } from '../model/address.js';
import type { DriftMemory, HostLook, Quarantine, RemediationRecord } from '../model/drift.js';
import { concernsPeer, type FleetPlan, type Neighbours } from '../plan/fleet-plan.js';
import { isUnchanged, type HostPlan } from '../plan/host-plan.js';
import { mendable, type LeftAlone } from './remediation.js';
import { unfoundChange } from './unfound-change.js';

/** Written before a host is worked on, so that an attempt which was cut short is known as one. */
export const BEGUN = 'begun';

/** After one of these the same generation is never pushed again by itself. */
const IN_VAIN: readonly string[] = ['reverted', 'failed', 'unknown', BEGUN];

/** SHA-256 of a generation's file digests, the same whichever number it has. */
export function planDigest({ files }: Pick<HostPlan, 'files'>): string {
  const lines = files.flatMap((file) => (file.kind === 'remove' ? [] : [`${file.path} ${file.sha256}\n`]));
  return createHash('sha256').update(lines.sort().join('')).digest('hex');
}

/** Why a host's generation is not tried again, where it was tried in vain. */
export function triedInVain({ remediations }: DriftMemory, plan: HostPlan): string | undefined {
  const digest = planDigest(plan);
  const tried = remediations.findLast(
    (one) => one.host === plan.host && one.planDigest === digest && IN_VAIN.includes(one.outcome),
  );
  if (tried === undefined) return undefined;
  const how = tried.outcome === BEGUN ? 'was cut short' : `ended as ${tried.outcome}`;
  return `what it would be brought back to was tried on ${tried.at}, which ${how}: it is not tried again by itself`;
}

/** The ending of the run's name by which a host's own history tells that it was to be put right without a person. */
export const REMEDIATION_RUN = '-drift';

/**
 * When the host took back what it would be brought to, by its own history: whoever tried it, and though nothing is remembered here.
 * @param history its lines, latest last: `TIME RUN.HOST STATE …`
 */
export function takenBack(history: readonly string[]): string | undefined {
  for (const line of [...history].reverse()) {
    const [at, id = '', state = ''] = line.split(' ');
    if (state === 'confirmed') return undefined;
    const isOurs = id.includes(`${REMEDIATION_RUN}.`);
    if (isOurs && (state === 'reverted' || state === 'failed')) return at;
  }
  return undefined;
}

export interface SiftInput {
  readonly plan: FleetPlan;
  /** By host, its own history. */
  readonly histories: ReadonlyMap<string, readonly string[]>;
  readonly memory: DriftMemory;
  readonly looks: readonly HostLook[];
  readonly near: Neighbours;
  readonly addresses: (host: string) => readonly Address[];
  readonly now: Date;
}

export interface Sifted {
  readonly groups: readonly (readonly string[])[];
  readonly left: readonly LeftAlone[];
  readonly quarantines: readonly Quarantine[];
  /** Hosts that need nothing that a plan could do. */
  readonly unchanged: readonly RemediationRecord[];
}

/** Groups stay whole or go. */
export function siftPlan({ plan, histories, memory, looks, near, addresses, now }: SiftInput): Sifted {
  const at = now.toISOString();
  const lookAt = new Map(looks.map((look) => [look.host, look]));
  const plans = new Map(plan.hosts.map((host) => [host.host, host]));
  const left: LeftAlone[] = plan.excluded.map(({ host, outcome }) => ({
    host,
    why: 'reason' in outcome ? outcome.reason : outcome.status,
  }));
  const quarantines: Quarantine[] = [];
  const unchanged: RemediationRecord[] = [];
  const out = new Map<string, string>();
  for (const host of plan.hosts) {
    const tried = triedInVain(memory, host) ?? takenBackWords(histories.get(host.host) ?? []);
    const unfound = unfoundChange(host, mendable(lookAt.get(host.host)?.findings ?? []));
    if (host.expect.generation !== lookAt.get(host.host)?.generation)
      out.set(host.host, `its generation is ${host.expect.generation ?? 'none'} since it was looked at`);
    else if (isUnchanged(host))
      unchanged.push({ host: host.host, at, outcome: 'unchanged', planDigest: planDigest(host) });
    else if (tried !== undefined) {
      quarantines.push({ host: host.host, since: at, reason: tried });
      out.set(host.host, tried);
    } else if (unfound !== undefined)
      out.set(host.host, `it would also ${unfound}: no finding that may be put right speaks of that`);
  }
  // A group that goes may take others with it: who stays is asked until nobody goes any more.
  let groups = plan.groups;
  for (let before = -1; before !== out.size;) {
    before = out.size;
    const staying = new Set(groups.flat().filter((host) => !out.has(host)));
    for (const host of staying) {
      const mine = plans.get(host);
      const peer = (near.get(host) ?? []).find(({ link, end }) => {
        if (end.kind !== 'host' || staying.has(end.host) || mine === undefined) return false;
        return concernsPeer(mine, link, addresses(end.host)) && isAway(lookAt.get(end.host));
      });
      if (peer?.end.kind === 'host')
        out.set(host, `it would change its link to ${peer.end.host}, which cannot be put right with it`);
    }
    groups = groups.filter((group) => {
      const gone = group.find((host) => out.has(host));
      if (gone === undefined) return true;
      for (const host of group)
        if (!out.has(host)) out.set(host, `it moves together with ${gone}, which is left alone`);
      return false;
    });
  }
  const told = new Set(quarantines.map(({ host }) => host));
  return {
    groups,
    left: [...left, ...[...out].filter(([host]) => !told.has(host)).map(([host, why]) => ({ host, why }))],
    quarantines,
    unchanged,
  };
}

function takenBackWords(history: readonly string[]): string | undefined {
  const at = takenBack(history);
  if (at === undefined) return undefined;
  return `putting it right was taken back on ${at}, as the host's own history has it: it is not tried again by itself`;
}

/** Whether the other end of a link is not what was last confirmed on it, or may not be. */
function isAway(look: HostLook | undefined): boolean {
  return (
    look === undefined || look.state === 'unreachable' || look.openTransaction || mendable(look.findings).length > 0
  );
}
