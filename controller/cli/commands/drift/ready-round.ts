/** A pass with memory, made ready from an inventory: what `--once` and the service have in common. */

import { spreadHosts } from '../../../drift/spread.js';
import { openDriftStore } from '../../../history/drift-store.js';
import type { WatchEvent, WatchPassEnded } from '../../../model/watch.js';
import { createNotifiers } from '../../../notify/create-notifiers.js';
import { driftRound, type Remediate } from '../../../run/drift-round.js';
import type { Context, LinkEnds } from '../../context.js';
import { notifierWorld } from '../../notifier-world.js';
import { preparePass, type PassGround, type PassWords } from './prepare-pass.js';
import { readMemory } from './with-memory.js';

export interface ReadyOptions {
  readonly words: PassWords;
  /** For a pass that begins now. */
  readonly spreadSeconds: () => number;
  readonly emit: (event: WatchEvent) => void;
  readonly remediate?: Remediate | undefined;
}

/** @throws InputProblems NOTIFIER_… when those who are told cannot be, as the inventory names them */
export function readyRound(
  context: Context,
  { words, spreadSeconds, emit, remediate }: ReadyOptions,
): (stop: AbortSignal) => Promise<WatchPassEnded> {
  const { inventory, settings, selected, clock, random } = context;
  const { confirmLooks, dampingSeconds, stateFile, notify } = settings.drift;
  const notifiers = createNotifiers(notify, notifierWorld(context));
  const fraction = (): number => Buffer.from(random(4)).readUInt32BE(0) / 2 ** 32;
  return async (stop) => {
    const { generations } = await readMemory(context);
    return driftRound(
      {
        gather: {
          ...(await groundOf(context, words, { stop, looking: stop })),
          lastGenerations: generations,
          starts: spreadHosts(selected, spreadSeconds(), fraction),
        },
        rules: {
          fleet: inventory.fleet,
          inventory: words.inventory,
          hosts: inventory.hosts.map(({ name }) => name),
          confirmLooks,
          dampingSeconds,
        },
        notifiers,
        remediate,
      },
      {
        clock,
        stop,
        openStore: () => Promise.resolve(openDriftStore({ path: stateFile, clock })),
        emit,
      },
    );
  };
}

/**
 * A look that leaves out what is pending would clear what was found pending before: where the key store does not open, there
 * is no pass.
 * @throws OperatorError VAULT_…, IDENTITY_… and what `preparePass` throws
 */
export async function groundOf(context: Context, words: PassWords, ends?: LinkEnds): Promise<PassGround> {
  const ground = await preparePass(context, words, ends);
  if (words.pending && ground.desired === undefined) await context.vault.read();
  return ground;
}
