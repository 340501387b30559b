/** The keys a fleet's links need: those in the store, and those that must be drawn first. */

import { OperatorError } from '../errors.js';
import type { Inventory } from '../model/host.js';
import { missingKeys, withKeys } from '../keys/generate.js';
import type { Clock, KeyStore, RandomBytes, StoredKey, Vault } from '../ports.js';

export interface SuppliedKeys {
  readonly store: KeyStore;
  readonly drawn: readonly StoredKey[];
}

export interface KeysAtHand {
  readonly store: KeyStore;
  /** Whether the store could be read; keys that are not in it yet do not matter. */
  readonly opened: boolean;
  /** What to tell of keys that are only for this look; `undefined` when all were stored. */
  readonly note: string | undefined;
}

/**
 * Keys for a command that only looks: nothing is written and nothing is asked for. Keys that are missing, or all where the
 * store does not open, are thrown away after the run.
 */
export async function keysAtHand(
  inventory: Inventory,
  vault: Vault,
  random: RandomBytes,
  clock: Clock,
): Promise<KeysAtHand> {
  const empty: KeyStore = { salt: '', keys: new Map() };
  if (!needsKeys(inventory)) return { store: empty, opened: true, note: undefined };
  let stored = empty;
  let why: string | undefined;
  try {
    stored = await vault.read();
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    why = error.what;
  }
  const drawn = missingKeys(inventory, stored, random, clock.now());
  const store = withKeys(stored, drawn);
  if (why !== undefined) return { store, opened: false, note: `looked at with throw-away keys: ${why}` };
  if (drawn.length === 0) return { store, opened: true, note: undefined };
  const are = drawn.length === 1 ? '1 key is' : `${drawn.length} keys are`;
  const note = `${are} not drawn yet: looked at with throw-away ones; the first plan or apply draws them`;
  return { store, opened: true, note };
}

/** Draws what is missing and stores it before anybody uses it, so that the next run finds the same keys. */
export async function supplyKeys(
  inventory: Inventory,
  vault: Vault,
  random: RandomBytes,
  clock: Clock,
): Promise<SuppliedKeys> {
  if (!needsKeys(inventory)) return { store: { salt: '', keys: new Map() }, drawn: [] };
  const store = await vault.read();
  const drawn = missingKeys(inventory, store, random, clock.now());
  if (drawn.length === 0) return { store, drawn };
  const full = withKeys(store, drawn);
  await vault.write(full);
  return { store: full, drawn };
}

function needsKeys({ links, hosts }: Inventory): boolean {
  return links.length > 0 || hosts.some(({ files }) => (files?.manualKeys ?? files?.presharedKeys) !== undefined);
}
