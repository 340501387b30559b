/** How the length of a key is looked up while files are rendered and read back. */

import type { KeyPart } from '../model/managed-file.js';

/** The name under which `Rendered.keyBits` has a key's length. */
export function keyBitsName(id: string, part: KeyPart): string {
  return `${part} ${id}`;
}
