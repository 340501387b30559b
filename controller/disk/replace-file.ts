/** Old or new, never half: a file is replaced by one rename, and is on the disk before and after it. */

import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Mode 0600 from its first byte. Rejects with the system's error; the file is as it was then. */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.new`;
  // What an earlier process of the same number left behind, if it was killed here.
  await rm(temporary, { force: true });
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(bytes);
    } finally {
      await handle.close();
    }
    await moveIntoPlace(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The rename alone, for a file of the same folder that was written otherwise. */
export async function moveIntoPlace(temporary: string, path: string): Promise<void> {
  await sync(temporary);
  await rename(temporary, path);
  await sync(dirname(path));
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
