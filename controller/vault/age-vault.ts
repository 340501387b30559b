/**
 * The key store: one age-encrypted file, read whole and written whole. Owns how it is unlocked, replaced and guarded;
 * knows nothing of what keys are for.
 */

import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { Encrypter } from 'age-encryption';
import { ageWords, ownerWords, withLock, type LockWish } from '../disk/lock-file.js';
import { replaceFile } from '../disk/replace-file.js';
import { OperatorError } from '../errors.js';
import { Secret } from '../model/secret.js';
import type { Settings } from '../model/host.js';
import type { Clock, KeyStore, RandomBytes, Vault } from '../ports.js';
import { errorCode, readIdentityFile } from './identity.js';
import { readStoreText, StoreFormatError, storeText } from './store-format.js';
import { decryptStore, type Keys } from './unlock.js';

export type Unlock =
  | { readonly kind: 'identities'; readonly files: readonly string[] }
  /** Asked at most once in the life of the vault; twice in a row for a new store. Absent: nobody is there to ask. */
  | { readonly kind: 'passphrase'; readonly ask: Ask | undefined };

/** Shows the prompt and answers what was typed. */
export type Ask = (prompt: string) => Promise<string>;

export interface AgeVaultSettings {
  readonly path: string;
  readonly unlock: Unlock;
  /** `age1…` of others who can open the store, besides the identities' own. */
  readonly recipients: readonly string[];
  readonly clock: Pick<Clock, 'now'>;
  /** log₂ of scrypt's N for a passphrase; age's own default is 18, about a second. */
  readonly scryptWorkFactor?: number;
}

/** The vault that the inventory names: opened by its identity file, or by a passphrase where it names none. */
export function openVault(
  settings: Pick<Settings, 'keyStore' | 'identityFile' | 'recipients'>,
  ask: Ask | undefined,
): AgeVault {
  const { keyStore: path, identityFile, recipients } = settings;
  const unlock: Unlock =
    identityFile === undefined ? { kind: 'passphrase', ask } : { kind: 'identities', files: [identityFile] };
  return new AgeVault({ path, unlock, recipients, clock: { now: () => new Date() } });
}

export class AgeVault implements Vault {
  readonly #settings: AgeVaultSettings;
  #keys: Keys | undefined;
  /** SHA-256 of the file as it was read or written last. */
  #seen: string | undefined;

  constructor(settings: AgeVaultSettings) {
    this.#settings = settings;
  }

  /** @throws OperatorError VAULT_MISSING, VAULT_WRONG_IDENTITY, VAULT_WRONG_PASSPHRASE, VAULT_DAMAGED, IDENTITY_… */
  async read(): Promise<KeyStore> {
    const { path } = this.#settings;
    const bytes = await readStoreFile(path);
    const text = await decryptStore(path, bytes, await this.#unlock(false));
    try {
      const store = readStoreText(text);
      this.#seen = digest(bytes);
      return store;
    } catch (error) {
      if (!(error instanceof StoreFormatError)) throw error;
      throw damaged(path, `the key store opens, but ${error.message}`);
    }
  }

  /** @throws OperatorError VAULT_CHANGED, VAULT_LOCKED, VAULT_MISSING, VAULT_UNWRITABLE */
  async write(store: KeyStore): Promise<void> {
    const { path, clock } = this.#settings;
    const seen = this.#seen;
    if (seen === undefined) throw new Error('the key store is written before it was read');
    const encrypted = await this.#encrypt(store, await this.#unlock(false));
    await withLock(storeLock(path, clock.now()), async () => {
      if (digest(await readStoreFile(path)) !== seen) {
        throw new OperatorError('VAULT_CHANGED', {
          what: 'the key store was changed by another run since it was read; nothing was written',
          where: path,
          todo: 'run again: it will start from the store as it is now',
        });
      }
      await replaceStore(path, encrypted);
    });
    this.#seen = digest(encrypted);
  }

  /** Makes a new, empty store with a salt of its own. @throws OperatorError VAULT_EXISTS: a store is never replaced by an empty one */
  async create(random: RandomBytes): Promise<KeyStore> {
    const { path, clock } = this.#settings;
    const store: KeyStore = { salt: Buffer.from(random(16)).toString('hex'), keys: new Map() };
    if (await exists(path)) throw alreadyThere(path);
    const encrypted = await this.#encrypt(store, await this.#unlock(true));
    await withLock(storeLock(path, clock.now()), async () => {
      if (await exists(path)) throw alreadyThere(path);
      await replaceStore(path, encrypted);
    });
    this.#seen = digest(encrypted);
    return store;
  }

  async #unlock(again: boolean): Promise<Keys> {
    this.#keys ??= await loadKeys(this.#settings, again);
    return this.#keys;
  }

  async #encrypt(store: KeyStore, keys: Keys): Promise<Uint8Array> {
    const encrypter = new Encrypter();
    if (keys.kind === 'passphrase') {
      encrypter.setPassphrase(keys.passphrase.revealText());
      if (this.#settings.scryptWorkFactor !== undefined) encrypter.setScryptWorkFactor(this.#settings.scryptWorkFactor);
    } else {
      const own = keys.identities.map(({ recipient }) => recipient);
      for (const recipient of new Set([...own, ...this.#settings.recipients])) addRecipient(encrypter, recipient);
    }
    return encrypter.encrypt(storeText(store));
  }
}

async function loadKeys({ path, unlock, recipients }: AgeVaultSettings, again: boolean): Promise<Keys> {
  if (unlock.kind === 'identities') {
    const identities = (await Promise.all(unlock.files.map(readIdentityFile))).flat();
    if (identities.length > 0) return { kind: 'identities', identities };
    const todo = 'name identityFile in the inventory';
    throw new OperatorError('IDENTITY_MISSING', { what: 'no identity is given that could open it', where: path, todo });
  }
  if (recipients.length > 0) {
    throw new OperatorError('VAULT_MIXED', {
      what: 'a key store is opened by a passphrase or by identities, not by both (age allows no recipients beside a passphrase)',
      where: path,
      todo: 'name identityFile in the inventory, or take recipients out of it',
    });
  }
  if (unlock.ask === undefined) {
    throw new OperatorError('VAULT_NEEDS_PASSPHRASE', {
      what: 'the key store is opened by a passphrase, and there is no terminal to ask for it',
      where: path,
      todo: 'name identityFile in the inventory for runs that nobody watches',
    });
  }
  return { kind: 'passphrase', passphrase: await askPassphrase(path, unlock.ask, again) };
}

async function askPassphrase(path: string, ask: Ask, again: boolean): Promise<Secret> {
  const refuse = (what: string): OperatorError =>
    new OperatorError('VAULT_WRONG_PASSPHRASE', { what, where: path, todo: 'run again and type it' });
  const passphrase = Secret.fromText(await ask(`Passphrase of ${path}:`));
  if (passphrase.bits === 0) throw refuse('the passphrase is empty');
  if (again && !passphrase.equals(Secret.fromText(await ask('The same again:')))) {
    throw refuse('the two passphrases differ');
  }
  return passphrase;
}

function addRecipient(encrypter: Encrypter, recipient: string): void {
  try {
    encrypter.addRecipient(recipient);
  } catch (cause) {
    const what = `"${recipient.slice(0, 12)}…" is no age recipient`;
    const todo = 'a recipient begins with age1; AGE-SECRET-KEY-1… is the secret half and belongs into identityFile';
    // A secret given here by mistake is not repeated in full, nor through the cause.
    throw new OperatorError(
      'RECIPIENT_MALFORMED',
      recipient.startsWith('age1') ? { what, todo, cause } : { what: 'a recipient does not begin with age1', todo },
    );
  }
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function readStoreFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') {
      const todo = 'run ipsec-deploy init to make one, or check keyStore in the inventory';
      throw new OperatorError('VAULT_MISSING', { what: 'there is no key store', where: path, todo, cause });
    }
    const what = `the key store cannot be read (${errorCode(cause) ?? 'an unexpected error'})`;
    throw new OperatorError('VAULT_UNREADABLE', { what, where: path, todo: 'check its owner and mode', cause });
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await (await open(path, 'r')).close();
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function replaceStore(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await replaceFile(path, bytes);
  } catch (cause) {
    const what = `the key store could not be written (${errorCode(cause) ?? 'an unexpected error'}); it is as it was`;
    throw new OperatorError('VAULT_UNWRITABLE', {
      what,
      where: path,
      todo: 'check free space and the mode of its folder',
      cause,
    });
  }
}

function storeLock(path: string, now: Date): LockWish {
  const lock = `${path}.lock`;
  return {
    path: lock,
    now,
    refuse: (owner) =>
      new OperatorError('VAULT_LOCKED', {
        what: `${ownerWords(owner)} is writing the key store${ageWords(owner, now)}`,
        where: lock,
        todo: 'wait for it and run again; if no such process exists any more, remove this file',
      }),
  };
}

function alreadyThere(path: string): OperatorError {
  const todo = 'use it, or name another keyStore in the inventory';
  return new OperatorError('VAULT_EXISTS', {
    what: 'there is a key store already, and it is left as it is',
    where: path,
    todo,
  });
}

function damaged(path: string, what: string): OperatorError {
  return new OperatorError('VAULT_DAMAGED', {
    what,
    where: path,
    todo: 'bring it back from a copy; hosts go on with the keys they have meanwhile',
  });
}
