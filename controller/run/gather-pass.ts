/** A pass that is spread over time and can be stopped: whatever was seen by then is what it found. */

import type { HostStart } from '../drift/spread.js';
import type { DriftPass, HostLook } from '../model/drift.js';
import type { Host } from '../model/host.js';
import { driftPass, passId, type DriftPassInput } from './drift-pass.js';
import { PacedLink } from './paced-link.js';

export interface GatherInput extends Omit<DriftPassInput, 'hosts' | 'emit'> {
  /** In the order of their turns. */
  readonly starts: readonly HostStart<Host>[];
  readonly onLook: (look: HostLook) => void;
}

export interface GatheredPass {
  readonly pass: DriftPass;
  /** False when it was stopped before every host was seen. */
  readonly complete: boolean;
}

/** Seconds that hosts in the middle of their look are waited for once the pass is stopped. */
const PATIENCE_SECONDS = 5;

export async function gatherPass({ starts, onLook, ...input }: GatherInput): Promise<GatheredPass> {
  const { clock, stop } = input;
  const begun = clock.now();
  const link = new PacedLink(input.link, {
    notBefore: new Map(starts.map(({ host, afterSeconds }) => [host.name, begun.getTime() + afterSeconds * 1000])),
    clock,
    stop,
  });
  const looks: HostLook[] = [];
  let isOver = false;
  const running = driftPass({
    ...input,
    link,
    hosts: starts.map(({ host }) => host),
    emit: (look) => {
      if (isOver || link.isPassedOver(look.host)) return;
      looks.push(look);
      onLook(look);
    },
  });
  const ended = new AbortController();
  try {
    await Promise.race([running, patience(input, ended.signal)]);
    isOver = true;
    if (stop.aborted) await Promise.race([link.giveUp(), clock.after(1, ended.signal).catch(() => undefined)]);
  } finally {
    isOver = true;
    ended.abort();
    // What is still under way ends by itself once its connection is closed, and is nobody's any more.
    running.catch(() => undefined);
  }
  return {
    pass: { id: passId(begun), begun: begun.toISOString(), ended: clock.now().toISOString(), looks },
    complete: looks.length === starts.length,
  };
}

/** Resolves some time after the pass was stopped; never while it is not. */
async function patience({ clock, stop }: Pick<GatherInput, 'clock' | 'stop'>, ended: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    else {
      stop.addEventListener('abort', () => resolve(), { once: true, signal: ended });
    }
  });
  await clock.after(PATIENCE_SECONDS, ended).catch(() => undefined);
}
