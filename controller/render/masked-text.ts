/** A file as people may see it: each key by its name, size and fingerprint instead of its value. */

import { fileText, keyLabel, type KeyName, type ManagedFile } from '../model/managed-file.js';

/**
 * `key <PSK db1–web1 9f3c1a2b…, 256 bits>`. A key that is not among the names is shown as one that does not exist yet.
 * `generation` is the number that the file will carry.
 */
export function maskedText(file: ManagedFile, names: readonly KeyName[], generation: number): string {
  const known = new Map(names.map((name) => [`${name.part} ${name.id}`, name]));
  return fileText(file, {
    generation,
    key: (id, part) => {
      const name = known.get(`${part} ${id}`);
      if (name === undefined) return `<${keyLabel(id, part)}, not made yet>`;
      return `<${keyLabel(id, part)} ${name.fingerprint.slice(0, 8)}…, ${name.bits} bits>`;
    },
  });
}
