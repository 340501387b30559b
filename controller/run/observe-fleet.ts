/** Looks at hosts: one connection, one look, nothing changed. The sessions of hosts with something to do stay open for what follows. */

import PQueue from 'p-queue';

import { DRILL_PREFIX } from '../model/drill.js';
import type { Host } from '../model/host.js';
import { insteadOfFile } from '../model/file-kind.js';
import { holdsKeys } from '../model/managed-file.js';
import type { InstalledKey, Observation } from '../model/observation.js';
import type { HostOutcome, RunEvent } from '../model/run.js';
import { beyondPlatform, detectPlatform, type Refusal } from '../platform/detect.js';
import type { Adapter } from '../platform/adapter.js';
import { inTheWay } from '../plan/in-the-way.js';
import { differingFiles, type DesiredHost, type DigestFile } from '../plan/file-changes.js';
import type { HostSession } from '../ports.js';
import { untouchedOutcome } from './link-outcome.js';
import type { SessionLot } from './session-lot.js';

/** A host as it was seen, with the texts a diff needs. */
export interface SeenHost {
  readonly seen: Observation;
  readonly adapter: Adapter;
  readonly currentTexts: ReadonlyMap<string, string>;
  readonly installedKeys: readonly InstalledKey[];
}

export type Look =
  { readonly kind: 'seen'; readonly host: SeenHost } | { readonly kind: 'failed'; readonly outcome: HostOutcome };

export interface ObserveInput {
  readonly hosts: readonly Host[];
  readonly desired: ReadonlyMap<string, DesiredHost>;
  readonly digest: DigestFile;
  readonly salt: string;
  readonly forks: number;
  readonly lot: SessionLot;
  readonly stop: AbortSignal;
  readonly emit: (event: RunEvent) => void;
  /** What cannot be changed is a failure of a change, and to a judgement one more difference. */
  readonly purpose: 'change' | 'judgement';
  /** How a host is looked at; by default with `observe`. */
  readonly observe?: ObserveHost | undefined;
}

export type ObserveHost = (session: HostSession, host: Host) => Promise<Observation>;

export async function observeFleet(input: ObserveInput): Promise<ReadonlyMap<string, Look>> {
  const queue = new PQueue({ concurrency: input.forks });
  const looks = new Map<string, Look>();
  await Promise.all(
    input.hosts.map((host) =>
      queue.add(async () => {
        looks.set(host.name, await look(host, input));
      }),
    ),
  );
  return looks;
}

async function look(host: Host, input: ObserveInput): Promise<Look> {
  if (input.stop.aborted)
    return { kind: 'failed', outcome: { status: 'skipped', reason: 'interrupted before its turn' } };
  input.emit({ event: 'host-phase', host: host.name, phase: 'connecting' });
  let session: HostSession | undefined;
  try {
    session = await input.lot.openNew(host);
    const result = await observeWith(session, host, input);
    input.emit({ event: 'host-phase', host: host.name, phase: 'observed' });
    if (result.kind === 'seen' && result.host.changed) await input.lot.keep(host, session);
    else await session.close();
    return result;
  } catch (error) {
    await session?.close();
    return { kind: 'failed', outcome: untouchedOutcome(error) };
  }
}

function refused({ refusal: reason, todo }: Refusal): { readonly kind: 'failed'; readonly outcome: HostOutcome } {
  return { kind: 'failed', outcome: { status: 'failed', touched: false, reason, todo } };
}

async function observeWith(
  session: HostSession,
  host: Host,
  input: ObserveInput,
): Promise<{ kind: 'failed'; outcome: HostOutcome } | { kind: 'seen'; host: SeenHost & { changed: boolean } }> {
  const seen = await (input.observe?.(session, host) ?? session.observe());
  const detected = detectPlatform(seen.facts, host.platform);
  if ('refusal' in detected) return refused(detected);
  const { adapter } = detected;
  const desired = input.desired.get(host.name);
  const beyond = beyondPlatform(adapter, desired?.spd ?? []);
  if (beyond !== undefined) return refused(beyond);
  const busy = whyBusy(seen);
  if (busy !== undefined) return { kind: 'failed', outcome: busy };
  const blocked = input.purpose === 'change' ? inTheWay(seen, adapter) : undefined;
  if (blocked !== undefined) return refused(blocked);
  const currentTexts = new Map<string, string>();
  const installedKeys: InstalledKey[] = [];
  if (desired === undefined)
    return { kind: 'seen', host: { seen, adapter, currentTexts, installedKeys, changed: false } };
  const differing = differingFiles(desired, seen, input.digest, adapter);
  for (const path of differing) {
    const found = seen.files.find((file) => file.path === path && file.state === 'present');
    // What a link leads to may be anything, another file's keys too.
    if (found === undefined || insteadOfFile(found) !== undefined) continue;
    currentTexts.set(path, await session.read(path));
    if (holdsKeys(path) && !manifestDescribes(seen, path))
      installedKeys.push(...(await session.fingerprints(path, input.salt)));
  }
  const changed =
    differing.length > 0 || !sameRules(desired.spd, seen.spd) || seen.sad.some((sa) => sa.key === 'missing');
  return { kind: 'seen', host: { seen, adapter, currentTexts, installedKeys, changed } };
}

function sameRules(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((rule, i) => rule === b[i]);
}

function manifestDescribes(seen: Observation, path: string): boolean {
  const recorded = seen.manifest?.files.find((file) => file.path === path);
  return recorded !== undefined && seen.files.some((file) => file.path === path && file.sha256 === recorded.sha256);
}

/** A host with an open transaction is left to the run that opened it. */
export function whyBusy(seen: Observation): HostOutcome | undefined {
  if (seen.openTransaction !== undefined) {
    const { id, step, revertsInSeconds } = seen.openTransaction;
    return {
      status: 'failed',
      touched: false,
      // Nobody confirms a drill.
      reason: id.startsWith(DRILL_PREFIX)
        ? `a drill is at work there (transaction ${id}); the host takes it back by itself in ${revertsInSeconds} s`
        : `transaction ${id} is open at step ${step}; the host takes it back in ${revertsInSeconds} s unless it is confirmed`,
      todo: 'wait until it is over, then run again; `ipsec-deploy status` shows it',
    };
  }
  return undefined;
}
