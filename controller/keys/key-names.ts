/** Stored keys as plans, diffs and logs may name them. */

import type { KeyName } from '../model/managed-file.js';
import type { Secret } from '../model/secret.js';
import type { KeyStore, StoredKey } from '../ports.js';

/** The parts that a stored key has, with their names. */
export function keyNames(key: StoredKey, salt: string): readonly KeyName[] {
  const name = (part: KeyName['part'], secret: Secret | undefined): readonly KeyName[] =>
    secret === undefined ? [] : [{ id: key.id, part, bits: secret.bits, fingerprint: secret.fingerprint(salt) }];
  return key.kind === 'psk' ? name('psk', key.secret) : [...name('encr', key.encrKey), ...name('auth', key.authKey)];
}

/** The names of all that the store holds, in its order. */
export function allKeyNames(store: KeyStore): readonly KeyName[] {
  return [...store.keys.values()].flatMap((key) => keyNames(key, store.salt));
}
