/**
 * Tries, between activation and confirm, what the links of a group promise from now on: those that the change concerns, with the
 * ends that do not change as well. A promise that does not hold is a reason to take the whole group back.
 */

import type { Host, Inventory, Link } from '../model/host.js';
import type { ProbeGap, ProbeResult, ProbeSettings } from '../model/link-probe.js';
import type { FleetPlan } from '../plan/fleet-plan.js';
import { concernsPeer } from '../plan/fleet-plan.js';
import type { HostPlan } from '../plan/host-plan.js';
import { rulesInForce } from '../plan/loaded-rules.js';
import { HostLinkError, type Clock, type HostSession, type OwnNetwork } from '../ports.js';
import { mutedTests } from '../proof/mute-protocols.js';
import { planStrangerProbes, planTestProbes } from '../proof/plan-outside-probes.js';
import { planLinkProbes, ProbeEnds, withinLimits, type ProbeEnd } from '../proof/plan-probes.js';
import { policiesOfPlan } from './plan-policies.js';
import { probeSessions } from './probe-sessions.js';
import { peerSshPort, sightsOf } from './probe-sights.js';
import type { SessionLot } from './session-lot.js';

/** What links are tried with; without it nothing is tried. */
export interface Probing {
  readonly inventory: Inventory;
  readonly own: OwnNetwork;
}

export interface ProbeGroupInput {
  readonly plan: FleetPlan;
  readonly group: readonly string[];
  /** New connections to all members. */
  readonly sessions: ReadonlyMap<string, HostSession>;
  readonly settings: ProbeSettings;
  readonly probing: Probing;
  /** When the first member takes the change back by itself. */
  readonly revertsAt: Date;
  readonly windowSeconds: number;
  readonly lot: SessionLot;
  readonly clock: Clock;
  readonly stop: AbortSignal;
}

export interface GroupProbed {
  readonly results: readonly ProbeResult[];
  readonly gaps: readonly ProbeGap[];
  /** Members whose session broke meanwhile, and why. */
  readonly lost: ReadonlyMap<string, string>;
}

/** So much of the window is left to confirm in, at least. */
const CONFIRM_SECONDS = 5;
/** What the requests around the tries may take besides. */
const ROUND_TRIPS_SECONDS = 2;

export async function probeGroup(input: ProbeGroupInput): Promise<GroupProbed> {
  const { plan, group, sessions, probing, settings } = input;
  const members = new Set(group);
  const links = concernedLinks(plan, members, probing.inventory);
  const outside = await reachOutside(links, members, input);
  try {
    const hosts = new Map(probing.inventory.hosts.map((host) => [host.name, host] as const));
    const policies = policiesOfPlan(
      { ...plan, hosts: plan.hosts.filter(({ host }) => members.has(host)) },
      probing.inventory,
    );
    const own = group.flatMap((name) => hosts.get(name) ?? []);
    const ends = new ProbeEnds([...own.map((host) => endOf(host, policies.get(host.name) ?? [])), ...outside.ends]);
    const { sights, gaps } = await sightsOf(own, probing.inventory, probing.own, sessions);
    const fromLinks = planLinkProbes(links, ends, settings);
    const asked = { ends, sights, concerned: members, settings };
    const joined = new Set(probing.inventory.links.map(({ id }) => id));
    const linked = (one: string, other: string): boolean =>
      joined.has(`${one}--${other}`) || joined.has(`${other}--${one}`);
    const { probes, gaps: tooMany } = withinLimits([
      ...fromLinks.probes,
      ...planTestProbes(probing.inventory.tests, asked),
      ...planStrangerProbes(asked, linked),
    ]);
    const muted = mutedTests(probing.inventory.tests, asked);
    const told = [...outside.gaps, ...fromLinks.gaps, ...muted, ...tooMany, ...gaps];
    if (probes.length === 0) return { results: [], gaps: told, lost: new Map() };
    const seconds = secondsLeft(input);
    if (seconds < LEAST_SECONDS) {
      const why = 'nothing was tried: the confirm window is nearly over';
      return { results: [], gaps: [...told, ...group.map((host) => ({ host, why }))], lost: new Map() };
    }
    const deadlineSeconds = Math.min(settings.deadlineSeconds, seconds);
    const all = new Map([...sessions, ...outside.sessions]);
    const { results, lost } = await withinWindow(input, [...all.values()], () =>
      probeSessions({
        probes,
        sessions: all,
        sights,
        own: probing.own,
        deadlineSeconds,
        hurried: deadlineSeconds < settings.deadlineSeconds && deadlineSeconds < HURRIED_SECONDS,
        stop: input.stop,
      }),
    );
    return { results, gaps: told, lost: new Map([...lost].filter(([name]) => members.has(name))) };
  } finally {
    await Promise.all([...outside.sessions.values()].map((session) => session.close()));
  }
}

/** An agent takes no less. */
const LEAST_SECONDS = 2;
/** Below that, silence may only mean that the key daemons were not done yet. */
const HURRIED_SECONDS = 5;

/** Whole seconds that tries may take, the second round included. */
function secondsLeft({ revertsAt, clock, windowSeconds }: ProbeGroupInput): number {
  const left = (revertsAt.getTime() - clock.now().getTime()) / 1000;
  const kept = Math.max(CONFIRM_SECONDS, windowSeconds / 4) + ROUND_TRIPS_SECONDS;
  return Math.floor((left - kept) * 0.75);
}

/** A host that does not answer in time, or somebody who wants to leave, ends it: sessions that are closed answer no more. */
async function withinWindow<T>(
  { clock, stop, revertsAt }: ProbeGroupInput,
  sessions: readonly HostSession[],
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const close = (): void => void Promise.allSettled(sessions.map((session) => session.close()));
  const seconds = Math.max(1, (revertsAt.getTime() - clock.now().getTime()) / 1000 - CONFIRM_SECONDS);
  stop.addEventListener('abort', close);
  clock.after(seconds, done.signal).then(close, () => undefined);
  try {
    return await work();
  } finally {
    done.abort();
    stop.removeEventListener('abort', close);
  }
}

/** Links with an end in the group whose traffic the change may alter, those within the group first. */
function concernedLinks(
  plan: FleetPlan,
  members: ReadonlySet<string>,
  { links, hosts }: Pick<Inventory, 'links' | 'hosts'>,
): readonly Link[] {
  const plans = new Map(plan.hosts.map((one) => [one.host, one] as const));
  const byName = new Map(hosts.map((host) => [host.name, host] as const));
  const within: Link[] = [];
  const leaving: Link[] = [];
  for (const link of links) {
    const [a, b] = link.ends;
    const concerned = [[a, b] as const, [b, a] as const].some(([one, other]) => {
      const mine = one.kind === 'host' && members.has(one.host) ? plans.get(one.host) : undefined;
      const peer = other.kind === 'host' ? (byName.get(other.host)?.addresses ?? []) : other.addresses;
      return mine !== undefined && alters(mine, link, peer);
    });
    if (!concerned) continue;
    const inside = [a, b].every((end) => end.kind === 'host' && members.has(end.host));
    (inside ? within : leaving).push(link);
  }
  return [...within, ...leaving];
}

/** A key daemon that starts anew agrees anew with all of its peers. */
function alters(plan: HostPlan, link: Link, peer: Host['addresses']): boolean {
  return concernsPeer(plan, link, peer) || (plan.ike !== 'none' && link.keying === 'ike-psk');
}

interface Outside {
  readonly sessions: ReadonlyMap<string, HostSession>;
  readonly ends: readonly ProbeEnd[];
  readonly gaps: readonly ProbeGap[];
}

/** The unchanged ends of these links, over sessions that may only look; what they promise is what they have loaded. */
async function reachOutside(
  links: readonly Link[],
  members: ReadonlySet<string>,
  input: ProbeGroupInput,
): Promise<Outside> {
  const { plan, probing, settings, stop } = input;
  const moving = new Set(plan.groups.flat());
  const byName = new Map(probing.inventory.hosts.map((host) => [host.name, host] as const));
  const sessions = new Map<string, HostSession>();
  const ends: ProbeEnd[] = [];
  const gaps: ProbeGap[] = [];
  const asked = new Map<string, number>();
  const peers = new Map<string, string>();
  for (const { id, ends: both } of links) {
    const names = both.flatMap((end) => (end.kind === 'host' ? [end.host] : []));
    const mine = names.find((name) => members.has(name));
    const peer = names.find((name) => !members.has(name));
    if (mine === undefined || peer === undefined || peers.has(peer)) continue;
    if (moving.has(peer)) gaps.push({ link: id, why: `${peer} is being changed by itself in this run` });
    else if ((asked.get(mine) ?? 0) < settings.mostLinks) {
      asked.set(mine, (asked.get(mine) ?? 0) + 1);
      peers.set(peer, id);
    } else {
      gaps.push({ link: id, why: `${mine} has more links than settings.probes.links allows to try` });
    }
  }
  await Promise.all(
    [...peers].map(async ([name, id]) => {
      const host = byName.get(name);
      if (host === undefined || stop.aborted) return;
      try {
        const session = await openInTime(host, input);
        sessions.set(name, session);
        const { spd } = await session.observe();
        ends.push(endOf(host, rulesInForce(spd).rules));
      } catch (error) {
        if (!(error instanceof HostLinkError)) throw error;
        gaps.push({ link: id, why: `${name} cannot be asked: ${error.failure.reason}` });
      }
    }),
  );
  return { sessions, ends, gaps };
}

/** @throws HostLinkError also when the window could not wait for it; a session that comes later is closed. */
async function openInTime(host: Host, { lot, clock, revertsAt }: ProbeGroupInput): Promise<HostSession> {
  const opening = lot.openToLook(host);
  const done = new AbortController();
  const seconds = Math.max(1, (revertsAt.getTime() - clock.now().getTime()) / 1000 / 4);
  const late = clock.after(seconds, done.signal).then(
    () => 'late' as const,
    () => 'done' as const,
  );
  try {
    const first = await Promise.race([opening, late]);
    if (typeof first !== 'string') return first;
  } finally {
    done.abort();
  }
  opening.then(
    (session) => session.close(),
    () => undefined,
  );
  throw new HostLinkError({ kind: 'timeout', reason: 'no connection in time', todo: 'look at the network' });
}

export function endOf(host: Host, rules: ProbeEnd['rules']): ProbeEnd {
  const sshPort = peerSshPort(host);
  return { name: host.name, addresses: host.addresses, rules, ...(sshPort !== undefined && { sshPort }) };
}
