/** The boot of a host without services: the scripts of its run levels, one after the other, each with the word `start`. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { BOOT_FOLDERS } from '../host-kind.js';
import type { RunScript } from '../machine.js';

/** Names as `/sbin/rcS` and `/sbin/rc2` take them, in their order. */
export function bootScripts(root: string): string[] {
  return BOOT_FOLDERS.flatMap((folder) => {
    const names = fs.readdirSync(join(root, folder)).filter((name) => name.startsWith('S'));
    return names.sort().map((name) => join(root, folder, name));
  });
}

/** What a script says goes to the console, which nobody reads; `goesOn` is asked before each. */
export async function runBootScripts(root: string, runScript: RunScript, goesOn: () => boolean): Promise<void> {
  for (const script of bootScripts(root)) {
    if (!goesOn()) return;
    await runScript([join(root, 'sbin/sh'), script, 'start'], {});
  }
}
