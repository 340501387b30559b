/** The dead-man of a host under test: which process it is, and how its window is over without anybody waiting for it. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** @param state the host's state folder, with a transaction open in it */
export function deadmanOf(state: string): number {
  return Number(fs.readFileSync(join(state, 'tx', 'deadman'), 'utf8').split(' ')[0]);
}

export function childrenOf(pid: number): readonly number[] {
  try {
    return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/**
 * Ends the sleep of the dead-man, which then finds that its window is over. A window of seconds would be over on a busy machine
 * before the test has come to what it wants to see; with this one it can be long.
 * @returns the processes that were ended
 */
export async function letWindowPass(state: string): Promise<readonly number[]> {
  const deadman = deadmanOf(state);
  const deadline = Date.now() + 30_000;
  let sleeps = childrenOf(deadman);
  for (; sleeps.length === 0; sleeps = childrenOf(deadman)) {
    if (Date.now() > deadline) throw new Error('the dead-man does not sleep');
    await delay(10);
  }
  for (const pid of sleeps) process.kill(pid, 'SIGKILL');
  return sleeps;
}
