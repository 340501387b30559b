/** The folder that `import` makes: looked at before any host is, written whole or not at all. */

import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { OperatorError } from '../errors.js';
import { errorCode, writeNewFile } from '../files/workspace.js';
import type { AdoptedFleet } from '../import/adopt-fleet.js';
import { openVault } from '../vault/age-vault.js';
import { generateIdentity, writeIdentityFile } from '../vault/identity.js';
import { terminalAsk } from './ask.js';

/** Looked at before any host is: a folder that is in the way is the most likely slip. */
export async function checkFolder(folder: string, force: boolean): Promise<void> {
  const found = await stat(folder).catch((cause: unknown) => {
    if (errorCode(cause) === 'ENOENT') return undefined;
    throw new OperatorError('FILE_UNWRITABLE', {
      what: `the folder cannot be looked at (${errorCode(cause)})`,
      where: folder,
      todo: 'name another --out',
      cause,
    });
  });
  if (found === undefined) return;
  const isEmpty = found.isDirectory() && (await readdir(folder)).length === 0;
  if (isEmpty || (force && found.isDirectory())) return;
  throw new OperatorError('FOLDER_EXISTS', {
    what: found.isDirectory() ? 'the folder is there already and not empty' : 'this is no folder',
    where: folder,
    todo: found.isDirectory() ? 'name another --out, or put this one aside with --force' : 'name another --out',
  });
}

/** All or nothing: written beside its place, then renamed. Answers where a folder that was in the way is now. */
export async function writeFolder(
  folder: string,
  adopted: AdoptedFleet,
  passphrase: boolean,
): Promise<string | undefined> {
  const fresh = `${folder}.${process.pid}.new`;
  try {
    await mkdir(fresh, { mode: 0o700 });
    for (const { name, text } of adopted.templates)
      await writeNewFile(join(fresh, 'templates', `${name}.hbs`), text, 0o644);
    await writeNewFile(join(fresh, 'inventory.yaml'), adopted.inventory, 0o644);
    if (!passphrase) await writeIdentityFile(join(fresh, 'identity.txt'), await generateIdentity(), new Date());
    const settings = { keyStore: join(fresh, 'keys.age'), recipients: [] };
    const vault = openVault(
      passphrase ? settings : { ...settings, identityFile: join(fresh, 'identity.txt') },
      terminalAsk(),
    );
    const { salt } = await vault.create(randomBytes);
    await vault.write({ salt, keys: new Map(adopted.keys.map((key) => [key.id, key])) });
    const aside = await putAside(folder);
    await rename(fresh, folder);
    return aside;
  } catch (cause) {
    await rm(fresh, { recursive: true, force: true });
    if (cause instanceof OperatorError) throw cause;
    throw new OperatorError('FILE_UNWRITABLE', {
      what: `the folder cannot be written (${errorCode(cause)})`,
      where: folder,
      todo: 'check the folder above it, its mode and free space',
      cause,
    });
  }
}

/** An empty folder makes room by itself; one that holds something keeps it under another name. */
async function putAside(folder: string): Promise<string | undefined> {
  const entries = await readdir(folder).catch(() => []);
  if (entries.length === 0) {
    await rm(folder, { recursive: true, force: true });
    return undefined;
  }
  for (let i = 1; ; i++) {
    const aside = `${folder}.old-${i}`;
    if ((await stat(aside).catch(() => undefined)) !== undefined) continue;
    await rename(folder, aside);
    return aside;
  }
}
