/** Keeps an SSH key in a file from one start of a lab to the next. */

import * as fs from 'node:fs';
import { generateSshKey, readSshKey, type SshKeyPair } from './openssh-key.js';

/** The key in a file, made when there is none. */
export function keepHostKey(file: string, comment: string): SshKeyPair {
  if (fs.existsSync(file)) return readSshKey(fs.readFileSync(file, 'utf8'));
  const key = generateSshKey(comment);
  fs.writeFileSync(file, key.privateKey, { mode: 0o600, flag: 'wx' });
  return key;
}
