/** Keys that a plan would draw, for trying out an inventory: what they are is nobody's secret, and nothing keeps them. */

import { missingKeys, withKeys } from '../keys/generate.js';
import type { Inventory } from '../model/host.js';
import type { KeyStore, StoredKey } from '../ports.js';

export function trialKeys(inventory: Inventory, store: KeyStore): readonly StoredKey[] {
  return missingKeys(inventory, store, anyBytes(), new Date(0));
}

export function withTrialKeys(inventory: Inventory, store: KeyStore): KeyStore {
  return withKeys(store, trialKeys(inventory, store));
}

/** Neither random nor the same twice in a row. */
function anyBytes(): (count: number) => Uint8Array {
  let state = 1;
  return (count) => Uint8Array.from({ length: count }, () => (state = (state * 16_807) % 2_147_483_647) >> 8);
}
