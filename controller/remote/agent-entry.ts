/** The entry: a script that root installs on a host, through which a login without privileges runs the shipped agent and nothing else. */

import { isPlainHostPath } from '../inventory/paths.js';
import { wholeWord } from './reply-error.js';

/** Where it stands unless the inventory says otherwise (`ssh.entry`): a folder that every login can enter and only root write. */
export const ENTRY_PATH = '/opt/ipsec-deploy/agent-entry';

export interface EntryOptions {
  /** Texts of agent/entry.sh and agent/loader.sh. */
  readonly parts: { readonly entry: string; readonly loader: string };
  /** SHA-256 in hex of the only agent it runs. */
  readonly digest: string;
  readonly path: string;
  readonly become: 'none' | 'pfexec' | 'sudo';
  /** A POSIX shell of the host. */
  readonly shell: string;
  /** Whether whole key files may be read through it, as `import` does. */
  readonly allowImport: boolean;
  /** A prefix for every path, for tests; empty on a real host. */
  readonly root?: string;
}

export const BECOME = { none: '', pfexec: 'pfexec ', sudo: 'sudo -n ' } as const;

/** The arguments it takes, besides `forced`: `DIGEST` and `DIGEST readonly`. */
export function entryScript({ parts, digest, path, become, shell, allowImport, root = '' }: EntryOptions): string {
  const values = {
    ENTRY_DIGEST: wholeWord(digest),
    ENTRY_PATH: plainPath(path),
    ENTRY_SHELL: plainPath(shell),
    ENTRY_BECOME: BECOME[become],
    ENTRY_NO_COLLECT: allowImport ? '' : '1',
    ENTRY_ROOT: root === '' ? '' : plainPath(root),
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}='${value}'\n`);
  // With pfexec's uid=0 a ksh88 reads the file that ENV names, as root, unless it is told to be careful (Solaris 10 ksh(1), -p).
  const careful = become === 'pfexec' ? ' -p' : '';
  return `#!${plainPath(shell)}${careful}\n${lines.join('')}${parts.entry}\n${parts.loader}`;
}

function plainPath(path: string): string {
  if (!isPlainHostPath(path)) throw new Error(`${JSON.stringify(path)} is no plain absolute path`);
  return path;
}
