/** When a process was started, in the system's own words: what tells it from a later one of the same number. */

import { readFile } from 'node:fs/promises';

/** The start time in ticks is the 22nd field; the second, a name in brackets, may hold anything. Linux proc_pid_stat(5). */
const FIELD_AFTER_NAME = 22 - 3;

/**
 * An opaque word that is the same for the whole life of a process, and another for every other process, before a reboot and
 * after. `undefined` where it cannot be told: no such process, or no Linux.
 */
export async function processStart(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'latin1');
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[FIELD_AFTER_NAME];
    return ticks === undefined || !/^\d+$/.test(ticks) ? undefined : `${boot.trim()}/${ticks}`;
  } catch {
    // No such process, or a system without these files: there is nothing to compare then.
    return undefined;
  }
}
