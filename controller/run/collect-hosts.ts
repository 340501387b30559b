/** What an import reads of live hosts: an observation, whole files, names and addresses. Changes nothing on them. */

import PQueue from 'p-queue';

import { PATHS, type CollectedHost } from '../import/collected-host.js';
import type { Host } from '../model/host.js';
import { holdsKeys, type ManagedPath } from '../model/managed-file.js';
import type { HostOutcome } from '../model/run.js';
import { Secret } from '../model/secret.js';
import { detectPlatform } from '../platform/detect.js';
import type { HostLink, HostSession } from '../ports.js';
import { untouchedOutcome } from './link-outcome.js';
import { whyBusy } from './observe-fleet.js';

export interface CollectInput {
  /** How to reach each host. */
  readonly targets: readonly Host[];
  readonly link: HostLink;
  readonly forks: number;
  readonly stop: AbortSignal;
}

export type Reading = { readonly collected: CollectedHost } | { readonly host: string; readonly outcome: HostOutcome };

/** One reading a host, in the order of `targets`. Without keys the hosts mask them. */
export async function collectHosts(
  { targets, link, forks, stop }: CollectInput,
  withKeys: boolean,
): Promise<readonly Reading[]> {
  const queue = new PQueue({ concurrency: forks });
  return Promise.all(
    targets.map((host) =>
      queue.add(async (): Promise<Reading> => {
        if (stop.aborted)
          return { host: host.name, outcome: { status: 'skipped', reason: 'interrupted before its turn' } };
        return collectHost(host, link, withKeys);
      }),
    ),
  );
}

async function collectHost(host: Host, link: HostLink, withKeys: boolean): Promise<Reading> {
  const failed = (reason: string, todo: string): Reading => ({
    host: host.name,
    outcome: { status: 'failed', touched: false, reason, todo },
  });
  let session: HostSession | undefined;
  try {
    session = await link.open(host);
    const seen = await session.observe();
    const detected = detectPlatform(seen.facts, host.platform);
    if ('refusal' in detected) return failed(detected.refusal, detected.todo);
    const busy = whyBusy(seen);
    if (busy !== undefined) return { host: host.name, outcome: busy };
    const texts = new Map<ManagedPath, Secret>();
    for (const path of Object.values(PATHS)) {
      if (!seen.files.some((file) => file.path === path && file.state === 'present')) continue;
      const text =
        holdsKeys(path) && !withKeys ? Secret.fromText(await session.read(path)) : await session.collect(path);
      if (text === undefined)
        return failed(`${path} is no plain file, or has just gone`, 'see what it is, and import the host again');
      texts.set(path, text);
    }
    return {
      collected: {
        name: host.name,
        ssh: host.ssh,
        given: host.addresses,
        ...(host.names === undefined ? {} : { names: host.names }),
        seen,
        surroundings: await session.surroundings(),
        texts,
      },
    };
  } catch (error) {
    return { host: host.name, outcome: untouchedOutcome(error) };
  } finally {
    await session?.close();
  }
}
