/** age identities: made, kept in a file of their own, and read back from one that nobody else can read. */

import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { generateIdentity as generateAgeIdentity, identityToRecipient } from 'age-encryption';
import { OperatorError } from '../errors.js';
import { Secret } from '../model/secret.js';

export interface Identity {
  /** `AGE-SECRET-KEY-1…` */
  readonly secret: Secret;
  /** `age1…`: public, may stand in the inventory. */
  readonly recipient: string;
}

export async function generateIdentity(): Promise<Identity> {
  const text = await generateAgeIdentity();
  return { secret: Secret.fromText(text), recipient: await identityToRecipient(text) };
}

/** Writes a new identity file, mode 0600 from its first byte. Refuses to replace one: it may be the only key to a store. */
export async function writeIdentityFile(path: string, identity: Identity, now: Date): Promise<void> {
  const handle = await create(path);
  try {
    await handle.writeFile(
      `# created: ${now.toISOString()}\n# public key: ${identity.recipient}\n${identity.secret.revealText()}\n`,
    );
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (cause) {
    if (errorCode(cause) !== 'EEXIST') throw fileError('IDENTITY_UNWRITABLE', path, cause);
    throw new OperatorError('IDENTITY_EXISTS', {
      what: 'the identity file exists already, and is left as it is',
      where: path,
      todo: 'use it, or name another file',
      cause,
    });
  }
}

/**
 * Every identity in the file (age-keygen's format: one a line, `#` comments).
 * @throws OperatorError IDENTITY_MISSING, IDENTITY_UNREADABLE, IDENTITY_EXPOSED, IDENTITY_MALFORMED
 */
export async function readIdentityFile(path: string): Promise<readonly Identity[]> {
  const text = await readPrivately(path);
  const identities: Identity[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    identities.push(await readIdentity(trimmed, `${path}:${i + 1}`));
  }
  if (identities.length > 0) return identities;
  throw malformed(path, 'there is no identity in the file');
}

async function readIdentity(text: string, where: string): Promise<Identity> {
  if (text.startsWith('age-encryption.org/') || text.startsWith('-----BEGIN AGE')) {
    throw malformed(where, 'the identity file is itself encrypted, which is not supported');
  }
  if (text.startsWith('age1')) throw malformed(where, 'this is a recipient (public), not an identity');
  try {
    return { secret: Secret.fromText(text), recipient: await identityToRecipient(text) };
  } catch {
    // The library's message may quote the line, and the line may be a mistyped secret: it is not passed on.
    throw malformed(where, 'this line is no age identity');
  }
}

function malformed(where: string, what: string): OperatorError {
  const todo = 'name a file made by ipsec-deploy init or age-keygen; its key begins with AGE-SECRET-KEY-1';
  return new OperatorError('IDENTITY_MALFORMED', { what, where, todo });
}

/** Like ssh(1): a private file that others can read is refused, judged on the open file so that it cannot be swapped. */
async function readPrivately(path: string): Promise<string> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY);
  } catch (cause) {
    throw fileError(errorCode(cause) === 'ENOENT' ? 'IDENTITY_MISSING' : 'IDENTITY_UNREADABLE', path, cause);
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw malformed(path, 'this is not a regular file');
    if ((stat.mode & (isServiceCredential(path) ? 0o037 : 0o077)) !== 0) {
      throw new OperatorError('IDENTITY_EXPOSED', {
        what: `others can get at the identity file: its mode is ${(stat.mode & 0o777).toString(8).padStart(4, '0')}`,
        where: path,
        todo: `run: chmod 600 ${path}   (and think about who may have read it)`,
      });
    }
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/**
 * systemd hands a credential to the service's user by an ACL where it can, and then the group's bits show the ACL's mask, not
 * what the group may do; nobody else comes into the folder (systemd.exec(5), "Credentials").
 */
function isServiceCredential(path: string): boolean {
  const folder = process.env['CREDENTIALS_DIRECTORY'];
  return folder !== undefined && folder !== '' && dirname(resolve(path)) === resolve(folder);
}

function fileError(code: string, path: string, cause: unknown): OperatorError {
  const reason = errorCode(cause) ?? 'an unexpected error';
  const what =
    reason === 'ENOENT' ? 'there is no such identity file' : `the identity file cannot be opened (${reason})`;
  const todo = 'check identityFile in the inventory, or run ipsec-deploy init to make a store and its identity';
  return new OperatorError(code, { what, where: path, todo, cause });
}

/** `ENOENT` and its kind, when the error has one. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
