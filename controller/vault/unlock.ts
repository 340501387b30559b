/** Opens an age file, and tells apart the ways in which that fails: not ours to open, or not whole. */

import { Decrypter, type Identity as AgeIdentity, type Stanza } from 'age-encryption';
import { OperatorError } from '../errors.js';
import type { Secret } from '../model/secret.js';
import type { Identity } from './identity.js';

export type Keys =
  | { readonly kind: 'identities'; readonly identities: readonly Identity[] }
  | { readonly kind: 'passphrase'; readonly passphrase: Secret };

/**
 * Opens nothing, but sees how far the library got: it asks identities in order, once the header is read. Asked before
 * all others it tells that the header is whole; asked after them, that none of them fits.
 */
class Witness implements AgeIdentity {
  stanzas: readonly Stanza[] | undefined;

  unwrapFileKey(stanzas: Stanza[]): null {
    this.stanzas = stanzas;
    return null;
  }
}

/** The store's text. @throws OperatorError VAULT_WRONG_IDENTITY, VAULT_WRONG_PASSPHRASE, VAULT_DAMAGED */
export async function decryptStore(path: string, bytes: Uint8Array, keys: Keys): Promise<string> {
  const [before, after] = [new Witness(), new Witness()];
  const decrypter = new Decrypter();
  decrypter.addIdentity(before);
  if (keys.kind === 'passphrase') decrypter.addPassphrase(keys.passphrase.revealText());
  else for (const { secret } of keys.identities) decrypter.addIdentity(secret.revealText());
  decrypter.addIdentity(after);
  try {
    return await decrypter.decrypt(bytes, 'text');
  } catch {
    // Not passed on as a cause: it may have been thrown in the middle of the text.
    throw failure(path, bytes, keys, before.stanzas, after.stanzas !== undefined);
  }
}

function failure(
  path: string,
  bytes: Uint8Array,
  keys: Keys,
  stanzas: readonly Stanza[] | undefined,
  noneFits: boolean,
): OperatorError {
  if (stanzas === undefined) {
    const what = bytes.length === 0 ? 'the key store is empty' : 'the key store does not begin like an age file';
    return new OperatorError('VAULT_DAMAGED', { what, where: path, todo: RESTORE });
  }
  if (!noneFits) {
    const what = 'the key store is damaged: it was cut short or changed after it was written';
    return new OperatorError('VAULT_DAMAGED', { what, where: path, todo: RESTORE });
  }
  const locked = stanzas.some(({ args }) => args[0] === 'scrypt');
  if (keys.kind === 'passphrase') {
    return locked
      ? new OperatorError('VAULT_WRONG_PASSPHRASE', {
          what: 'this is not the passphrase of the key store',
          where: path,
          todo: 'try again',
        })
      : new OperatorError('VAULT_WRONG_IDENTITY', {
          what: 'the key store is opened by an identity, not by a passphrase',
          where: path,
          todo: 'name identityFile in the inventory',
        });
  }
  return new OperatorError('VAULT_WRONG_IDENTITY', {
    what: locked
      ? 'the key store is opened by a passphrase, not by an identity'
      : `the key store was not written for ${keys.identities.map(({ recipient }) => recipient).join(', ')}`,
    where: path,
    todo: locked
      ? 'take identityFile out of the inventory, and the passphrase will be asked for'
      : 'use another identityFile, or let someone who can open it add this recipient to the inventory and apply',
  });
}

const RESTORE = 'bring it back from a copy; hosts go on with the keys they have meanwhile';
