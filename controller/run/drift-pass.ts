/** One pass over hosts: each is looked at once, as many at a time as there are forks, and told of as soon as it was seen. */

import PQueue from 'p-queue';

import type { CompareSettings } from '../drift/compare-view.js';
import type { DriftPass, HostLook, SeenGeneration } from '../model/drift.js';
import type { Host } from '../model/host.js';
import type { Clock, HostLink } from '../ports.js';
import type { DesiredFleet } from './desire-fleet.js';
import { lookAtHost } from './look-at-host.js';

export interface DriftPassInput {
  readonly hosts: readonly Host[];
  /** What the inventory asks for today; without it nothing is told of pending changes. */
  readonly desired?: Pick<DesiredFleet, 'desired' | 'digest'> | undefined;
  /** Of key fingerprints, with `desired`. */
  readonly salt?: string | undefined;
  readonly link: HostLink;
  /** Hosts at a time. */
  readonly forks: number;
  readonly clock: Clock;
  /** Raised to end early: hosts whose turn has not come, or whose link ended with it, are not in the pass. */
  readonly stop: AbortSignal;
  readonly settings: Omit<CompareSettings, 'lastGeneration'>;
  /** The generation that each host was last seen on, where that is remembered. */
  readonly lastGenerations?: readonly SeenGeneration[] | undefined;
  /** Each look once, as it comes. */
  readonly emit: (look: HostLook) => void;
}

/** The looks in the order of `hosts`. What a host said is let go of once it was compared: only findings are kept. */
export async function driftPass(input: DriftPassInput): Promise<DriftPass> {
  const begun = input.clock.now();
  const queue = new PQueue({ concurrency: Math.max(1, input.forks) });
  const looks = new Map<string, HostLook>();
  const seen = new Map(input.lastGenerations?.map((one) => [one.host, one]));
  await Promise.all(
    input.hosts.map((host) =>
      queue.add(async () => {
        if (input.stop.aborted) return;
        const look = await lookAtHost(host, lookInput(host, input, seen.get(host.name)));
        if (look === undefined) return;
        looks.set(host.name, look);
        input.emit(look);
      }),
    ),
  );
  return {
    id: passId(begun),
    begun: begun.toISOString(),
    ended: input.clock.now().toISOString(),
    looks: input.hosts.flatMap(({ name }) => looks.get(name) ?? []),
  };
}

/** `drift-20261122T150000000Z`. */
export function passId(begun: Date): string {
  return `drift-${begun.toISOString().replaceAll(/[-:.]/g, '')}`;
}

function lookInput(
  host: Host,
  { link, clock, settings, desired, salt }: DriftPassInput,
  lastGeneration: SeenGeneration | undefined,
) {
  const wanted = desired?.desired.get(host.name);
  return {
    link,
    clock,
    salt,
    settings: lastGeneration === undefined ? settings : { ...settings, lastGeneration },
    desired: wanted === undefined || desired === undefined ? undefined : { host: wanted, digest: desired.digest },
  };
}
