/** The operator's working folder: reads inventory, templates and plan files, writes plans and scaffolds. */

import { readFileSync, statSync, type Stats } from 'node:fs';
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

import { OperatorError } from '../errors.js';

/** More than any inventory or plan we can read in reasonable time. */
const MOST_BYTES = 64 * 1024 * 1024;

/** A text file as UTF-8. @throws OperatorError FILE_UNREADABLE, FILE_TOO_LARGE or NOT_UTF8 */
export async function readText(path: string): Promise<string> {
  try {
    checkReadable(path, await stat(path));
    return decode(await readFile(path), path);
  } catch (cause) {
    if (cause instanceof OperatorError) throw cause;
    throw unreadable(path, cause);
  }
}

export function unreadable(path: string, cause: unknown): OperatorError {
  const code = errorCode(cause);
  const known: Record<string, readonly [string, string]> = {
    ENOENT: ['there is no such file', 'check the path'],
    EACCES: ['the file may not be read', 'check its owner and mode'],
    EISDIR: ['this is a folder, not a file', 'name a file in it'],
    ENOTDIR: ['a part of the path is not a folder', 'check the path'],
    ELOOP: ['the path goes round in symbolic links', 'check the links'],
  };
  const [what, todo] = known[code] ?? [`the file cannot be read (${code})`, 'check the path'];
  return new OperatorError('FILE_UNREADABLE', { what, where: path, todo, cause });
}

export function errorCode(cause: unknown): string {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : String(cause);
}

/** Every `.hbs` file below a folder, by its path within it. */
export async function readTemplates(
  folder: string,
): Promise<readonly { readonly path: string; readonly file: string; readonly text: string }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw unreadable(folder, cause);
  });
  const files = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.hbs'))
    .map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.sort().map(async (file) => ({ path: relative(folder, file), file, text: await readText(file) })),
  );
}

/** Replaces a file in one rename: a reader sees the old or the new one, and it has its mode from its first byte. */
export async function writeFileWhole(path: string, text: string | Uint8Array, mode: number): Promise<void> {
  const temporary = join(dirname(path), `.${path.slice(path.lastIndexOf('/') + 1)}.${process.pid}.new`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await chmod(temporary, mode);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new OperatorError('FILE_UNWRITABLE', {
      what: `the file cannot be written (${errorCode(cause)})`,
      where: path,
      todo: 'check the folder, its mode and free space',
      cause,
    });
  }
}

/** A folder and those above it, where they are not there yet. @throws OperatorError FILE_UNWRITABLE */
export async function makeFolder(path: string, mode?: number): Promise<void> {
  await makeFolders(path, mode).catch((cause: unknown) => {
    const code = errorCode(cause);
    throw new OperatorError('FILE_UNWRITABLE', {
      what: code === 'EEXIST' ? 'this is a file, not a folder' : `the folder cannot be made (${code})`,
      where: path,
      todo: 'choose another folder',
      cause,
    });
  });
}

/** Each by itself: Node's `recursive` goes round for ever where a folder that is there says ENOENT to a new one, as /proc does. */
async function makeFolders(path: string, mode: number | undefined): Promise<void> {
  const isFolder = async (one: string): Promise<boolean> => (await stat(one)).isDirectory();
  try {
    await mkdir(path, mode);
  } catch (error) {
    const above = dirname(path);
    // A folder that is there may also be answered with EROFS or EACCES.
    if (await isFolder(path).catch(() => false)) return;
    if (errorCode(error) !== 'ENOENT' || above === path || (await isFolder(above).catch(() => false))) throw error;
    await makeFolders(above, mode);
    await mkdir(path, mode).catch(async (cause: unknown) => {
      if (!(await isFolder(path).catch(() => false))) throw cause;
    });
  }
}

/** Writes a file that must not exist yet. @throws OperatorError FILE_EXISTS */
export async function writeNewFile(path: string, text: string, mode: number): Promise<void> {
  await makeFolder(dirname(path));
  try {
    const file = await open(path, 'wx', mode);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (errorCode(cause) === 'EEXIST') {
      throw new OperatorError('FILE_EXISTS', {
        what: 'the file is there already and is left as it is',
        where: path,
        todo: 'remove it or choose another folder',
        cause,
      });
    }
    throw new OperatorError('FILE_UNWRITABLE', {
      what: `the file cannot be written (${errorCode(cause)})`,
      where: path,
      todo: 'check the folder, its mode and free space',
      cause,
    });
  }
}

/** `readText` for callers that cannot wait, such as a parser that follows includes. */
export function readTextNow(path: string): string {
  try {
    checkReadable(path, statSync(path));
    return decode(readFileSync(path), path);
  } catch (cause) {
    if (cause instanceof OperatorError) throw cause;
    throw unreadable(path, cause);
  }
}

/** A pipe may be read, such as `<(…)` of a shell; a device might never end. */
function checkReadable(path: string, found: Stats): void {
  if (found.isCharacterDevice() || found.isBlockDevice()) {
    throw new OperatorError('FILE_UNREADABLE', {
      what: 'this is a device, not a file',
      where: path,
      todo: 'name a file',
    });
  }
  if (found.size <= MOST_BYTES) return;
  const what = `the file has ${found.size} bytes`;
  throw new OperatorError('FILE_TOO_LARGE', { what, where: path, todo: `keep it under ${MOST_BYTES} bytes` });
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new OperatorError('NOT_UTF8', {
      what: 'the file is not UTF-8 text',
      where: path,
      todo: 'save it as UTF-8',
      cause,
    });
  }
}
