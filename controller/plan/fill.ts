/** A managed file with its secrets in place: the bytes that are sent, and their digest. */

import { createHash } from 'node:crypto';

import { fileText, type KeyName, type KeyPart, type ManagedFile } from '../model/managed-file.js';
import { Secret } from '../model/secret.js';
import type { KeyStore } from '../ports.js';
import type { DigestFile } from './file-changes.js';

/** One part of a stored key. */
export function keyPart(store: KeyStore, id: string, part: KeyPart): Secret | undefined {
  const key = store.keys.get(id);
  if (key === undefined) return undefined;
  if (key.kind === 'psk') return part === 'psk' ? key.secret : undefined;
  return part === 'encr' ? key.encrKey : part === 'auth' ? key.authKey : undefined;
}

/** The whole text of a file for a generation, keys in lower-case hex. */
export function fillFile(store: KeyStore, file: ManagedFile, generation: number): Secret {
  return Secret.fromText(
    fileText(file, {
      generation,
      key: (id, part) => {
        const key = keyPart(store, id, part);
        if (key === undefined) throw new Error(`${file.path} asks for ${part} of ${id}, which the store does not have`);
        return key.revealHex();
      },
    }),
  );
}

export function digestWith(store: KeyStore): DigestFile {
  return (file, generation) =>
    createHash('sha256')
      .update(fillFile(store, file, generation).reveal())
      .digest('hex');
}

/** The keys that files refer to, by fingerprint, each once. `known` serves the hosts of a fleet: both ends have a link's keys. */
export function keyNames(
  store: KeyStore,
  files: readonly ManagedFile[],
  known = new Map<string, KeyName>(),
): KeyName[] {
  const names = new Map<string, KeyName>();
  for (const file of files) {
    for (const reference of file.parts) {
      if (typeof reference === 'string' || 'generation' in reference) continue;
      const { key: id, part } = reference;
      const name = `${id} ${part}`;
      const before = known.get(name);
      if (before !== undefined) {
        names.set(name, before);
        continue;
      }
      const secret = keyPart(store, id, part);
      if (secret === undefined)
        throw new Error(`${file.path} asks for ${part} of ${id}, which the store does not have`);
      const made = { id, part, bits: secret.bits, fingerprint: secret.fingerprint(store.salt) };
      known.set(name, made);
      names.set(name, made);
    }
  }
  return [...names.values()];
}
