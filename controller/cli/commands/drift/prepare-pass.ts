/** What a pass needs besides hosts and a moment: connections, what the inventory asks for today, and when keys were drawn. */

import { addressNames } from '../../../proof/address-names.js';
import { desireFleet } from '../../../run/desire-fleet.js';
import type { DriftPassInput } from '../../../run/drift-pass.js';
import { keysAtHand } from '../../../run/supply-keys.js';
import { inventoryFile, loadTemplates, type Context, type LinkEnds } from '../../context.js';

export type PassGround = Pick<DriftPassInput, 'desired' | 'salt' | 'link' | 'forks' | 'clock' | 'settings'>;

export interface PassWords {
  /** As the operator named it: it stands in the commands that mend. */
  readonly inventory: string;
  /** Whether to look for what the inventory asks for and was not applied yet. */
  readonly pending: boolean;
}

/**
 * Draws no key into the store. Where the store does not open, keys cannot be compared with what the inventory asks for: it is said, and
 * pending changes are left out.
 * @throws InputProblems when the files of the hosts cannot be made, unless pending changes are not asked for
 */
export async function preparePass(
  context: Context,
  { inventory, pending }: PassWords,
  ends?: LinkEnds,
): Promise<PassGround> {
  const { settings, clock } = context;
  const wanted = pending ? await wantedToday(context) : undefined;
  const { keyAgeDays, clockSeconds } = settings.drift;
  const keyDates = new Map([...(wanted?.store.keys ?? [])].map(([id, { created }]) => [id, created]));
  return {
    desired: wanted?.fleet,
    salt: wanted?.store.salt,
    link: await context.openLink(ends),
    forks: settings.forks,
    clock,
    // A folder stands for the inventory in it, but not to every command that a finding names.
    settings: {
      inventory: await inventoryFile(inventory),
      keyAgeDays,
      clockSeconds,
      keyDates,
      nameOf: addressNames(context.inventory),
    },
  };
}

async function wantedToday(context: Context) {
  const { inventory, selected, settings, vault, random, clock, output } = context;
  const { store, opened, note } = await keysAtHand(inventory, vault, random, clock);
  if (!opened) {
    output.note(`note: pending changes are not looked for, and --no-pending says so itself: ${note ?? ''}\n`);
    return undefined;
  }
  return { store, fleet: desireFleet(inventory, selected, await loadTemplates(settings), store) };
}
