/** The memory of drift that an inventory names, for the commands that look into it or change it. */

import { OperatorError } from '../../../errors.js';
import { openDriftStore } from '../../../history/drift-store.js';
import { suggestion } from '../../../inventory/suggest.js';
import { EMPTY_MEMORY, type DriftMemory } from '../../../model/drift.js';
import type { Context } from '../../context.js';

export async function readMemory({ settings, clock }: Pick<Context, 'settings' | 'clock'>): Promise<DriftMemory> {
  const store = openDriftStore({ path: settings.drift.stateFile, clock });
  try {
    return await store.read();
  } finally {
    await store.close();
  }
}

/** For a look that needs nothing remembered: what cannot be read is said, and nothing counts as accepted. */
export async function memoryIfReadable(context: Context): Promise<DriftMemory> {
  try {
    return await readMemory(context);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    context.output.note(`note: ${error.message}; what was accepted counts as found\n`);
    return EMPTY_MEMORY;
  }
}

/** What a service at work writes meanwhile stays. The change is all that is written. */
export async function changeMemory(
  { settings, clock }: Pick<Context, 'settings' | 'clock'>,
  change: (memory: DriftMemory) => DriftMemory,
): Promise<void> {
  const store = openDriftStore({ path: settings.drift.stateFile, clock });
  try {
    await store.write(change(await store.read()));
  } finally {
    await store.close();
  }
}

/** @throws OperatorError HOST_UNKNOWN */
export function checkHost({ inventory }: Pick<Context, 'inventory'>, name: string): void {
  const known = inventory.hosts.map((host) => host.name);
  if (known.includes(name)) return;
  throw new OperatorError('HOST_UNKNOWN', {
    what: `the inventory has no host ${JSON.stringify(name)}`,
    todo: suggestion(name, known, 'name one of its hosts'),
  });
}
