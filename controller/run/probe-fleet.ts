/** Tries what links promise now, without any change on a host: some links at a time, so that few sessions are open at once. */

import PQueue from 'p-queue';

import type { Host, Inventory, Link } from '../model/host.js';
import type { ProbeGap, ProbeResult, ProbeSettings } from '../model/link-probe.js';
import { HostLinkError, type HostLink, type HostSession, type OwnNetwork } from '../ports.js';
import type { Policies } from '../proof/flow-tests.js';
import { mutedTests } from '../proof/mute-protocols.js';
import { planStrangerProbes, planTestProbes } from '../proof/plan-outside-probes.js';
import { planLinkProbes, ProbeEnds, withinLimits } from '../proof/plan-probes.js';
import { endOf } from './probe-group.js';
import { probeSessions } from './probe-sessions.js';
import { sightsOf } from './probe-sights.js';

/** Hosts that are asked at the same time. */
const MOST_HOSTS = 64;

export interface ProbeFleetInput {
  readonly inventory: Inventory;
  readonly links: readonly Link[];
  /** What hosts are to have loaded. */
  readonly policies: Policies;
  readonly settings: ProbeSettings;
  readonly forks: number;
  readonly link: HostLink;
  readonly own: OwnNetwork;
  readonly stop: AbortSignal;
  readonly onResult: (result: ProbeResult) => void;
  readonly onGap: (gap: ProbeGap) => void;
}

export interface FleetProbed {
  readonly results: readonly ProbeResult[];
  /** Hosts that could not be asked. */
  readonly unreachable: ReadonlySet<string>;
}

export async function probeFleet(input: ProbeFleetInput): Promise<FleetProbed> {
  const results: ProbeResult[] = [];
  const unreachable = new Set<string>();
  const told = new Set<string>();
  for (const links of lots(input.links)) {
    if (input.stop.aborted) break;
    for (const result of await probeLot(links, input, unreachable, told)) {
      results.push(result);
      input.onResult(result);
    }
  }
  return { results, unreachable };
}

/** Links in their order, as many at a time as have few ends together. */
function lots(links: readonly Link[]): readonly (readonly Link[])[] {
  const all: Link[][] = [];
  let names = new Set<string>();
  for (const link of links) {
    const ends = link.ends.flatMap((end) => (end.kind === 'host' ? [end.host] : []));
    const lot = all.at(-1);
    const together = new Set([...names, ...ends]);
    if (lot === undefined || together.size > MOST_HOSTS) {
      all.push([link]);
      names = new Set(ends);
    } else {
      lot.push(link);
      names = together;
    }
  }
  return all;
}

/** `told`: hosts whose promises to strangers have been tried with an earlier lot. */
async function probeLot(
  links: readonly Link[],
  input: ProbeFleetInput,
  unreachable: Set<string>,
  told: Set<string>,
): Promise<readonly ProbeResult[]> {
  const { inventory, policies, settings, own, stop } = input;
  const named = new Set(links.flatMap(({ ends }) => ends.flatMap((end) => (end.kind === 'host' ? [end.host] : []))));
  const hosts = inventory.hosts.filter(({ name }) => named.has(name) && !unreachable.has(name));
  const sessions = await openAll(hosts, input, unreachable);
  const close = (): Promise<unknown> => Promise.allSettled([...sessions.values()].map((session) => session.close()));
  const leave = (): void => void close();
  stop.addEventListener('abort', leave);
  try {
    const reached = hosts.filter(({ name }) => sessions.has(name));
    const ends = new ProbeEnds(reached.map((host) => endOf(host, policies.get(host.name) ?? [])));
    const fresh = reached.filter(({ name }) => !told.has(name));
    for (const { name } of fresh) told.add(name);
    const { sights, gaps } = await sightsOf(fresh, inventory, own, sessions);
    // The operator has chosen the links: no bound on how many of one host.
    const fromLinks = planLinkProbes(links, ends, { ...settings, mostLinks: Infinity });
    const asked = { ends, sights, concerned: new Set(fresh.map(({ name }) => name)), settings };
    const joined = new Set(inventory.links.map(({ id }) => id));
    const linked = (one: string, other: string): boolean =>
      joined.has(`${one}--${other}`) || joined.has(`${other}--${one}`);
    const { probes, gaps: tooMany } = withinLimits([
      ...fromLinks.probes,
      ...planTestProbes(inventory.tests, asked),
      ...planStrangerProbes(asked, linked),
    ]);
    const muted = mutedTests(inventory.tests, asked);
    for (const gap of [...fromLinks.gaps, ...muted, ...tooMany, ...gaps]) input.onGap(gap);
    if (probes.length === 0) return [];
    const { deadlineSeconds } = settings;
    const probed = await probeSessions({ probes, sessions, sights, own, deadlineSeconds, hurried: false, stop });
    if (stop.aborted) return [];
    for (const [host, why] of probed.lost) {
      unreachable.add(host);
      input.onGap({ host, why });
    }
    return probed.results;
  } finally {
    stop.removeEventListener('abort', leave);
    await close();
  }
}

async function openAll(
  hosts: readonly Host[],
  { link, forks, stop, onGap }: ProbeFleetInput,
  unreachable: Set<string>,
): Promise<ReadonlyMap<string, HostSession>> {
  const sessions = new Map<string, HostSession>();
  const queue = new PQueue({ concurrency: forks });
  await Promise.all(
    hosts.map((host) =>
      queue.add(async () => {
        if (stop.aborted) return;
        try {
          sessions.set(host.name, await link.open(host, { readOnly: true }));
        } catch (error) {
          if (!(error instanceof HostLinkError)) throw error;
          unreachable.add(host.name);
          onGap({ host: host.name, why: error.failure.reason });
        }
      }),
    ),
  );
  return sessions;
}
