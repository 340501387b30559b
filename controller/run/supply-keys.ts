/** The keys a fleet's links need: those in the store, and those that must be drawn first. */

import type { Inventory } from '../model/host.js';
import { missingKeys, withKeys } from '../keys/generate.js';
import type { Clock, KeyStore, RandomBytes, StoredKey, Vault } from '../ports.js';

export interface SuppliedKeys {
  readonly store: KeyStore;
  readonly drawn: readonly StoredKey[];
}

/** Draws what is missing and stores it before anybody uses it, so that the next run finds the same keys. */
export async function supplyKeys(
  inventory: Inventory,
  vault: Vault,
  random: RandomBytes,
  clock: Clock,
): Promise<SuppliedKeys> {
  if (inventory.links.length === 0) return { store: { salt: '', keys: new Map() }, drawn: [] };
  const store = await vault.read();
  const drawn = missingKeys(inventory, store, random, clock.now());
  if (drawn.length === 0) return { store, drawn };
  const full = withKeys(store, drawn);
  await vault.write(full);
  return { store: full, drawn };
}
