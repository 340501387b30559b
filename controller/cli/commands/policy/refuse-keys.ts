/** Keeps files of keys from being read as something else: messages about them would repeat their lines, keys included. */

import { OperatorError, positionText } from '../../../errors.js';
import type { FileKind } from '../../../keys/format-file.js';
import { misplacedKey } from '../../../keys/misplaced-keys.js';

/**
 * @param todo what to do instead, for a command that reads no other kind
 * @throws OperatorError KIND_WRONG
 */
export function refuseKeys(
  kind: FileKind,
  name: string,
  text: string,
  todo = 'leave --kind out, or say --kind keys or --kind psk',
): void {
  if (kind === 'keys' || kind === 'psk') return;
  const at = misplacedKey(text, name);
  if (at === undefined) return;
  throw new OperatorError('KIND_WRONG', {
    what: `this looks like a key file; read as ${kind === 'ike' ? 'ike/config' : kind}, its keys would be shown`,
    where: positionText(at),
    todo,
  });
}
