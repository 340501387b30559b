/** How the SSH user becomes root: the words before our command, and what su says on its terminal. Pure. */

import type { Privilege } from '../model/host.js';

/** What the shell that su has started says before anything else. */
const SU_READY = 'ipsec-deploy-su';

/**
 * A terminal in raw mode: bytes pass as they are. Each setting by itself, since `raw` means less on Solaris (stty(1)).
 * A shell that reads commands from a terminal prompts and echoes, so it is given a pipe.
 */
const RAW = 'stty raw -echo -ixon -ixoff -icrnl -inlcr -igncr -istrip';

/** One line for any login shell, csh and the Bourne shell included. No secret, no path of ours: everybody may read it. */
export function asRoot(privilege: Privilege, command: string): string {
  switch (privilege) {
    case 'none':
      return command;
    case 'pfexec':
      return `pfexec ${command}`;
    case 'sudo':
      return `sudo -n ${command}`;
    case 'su':
      return `env LC_ALL=C su root -c ${quoted(`${RAW}; echo ${SU_READY}; cat | ${command}`)}`;
  }
}

function quoted(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`;
}

export type SuTurn =
  /** It waits for the password. */
  | { readonly kind: 'asks' }
  /** Root's shell is there; `rest` came after its word. */
  | { readonly kind: 'ready'; readonly rest: Buffer }
  /** It asks for something else, or once more. */
  | { readonly kind: 'asks-more'; readonly prompt: string };

/** A colon, or the wide one of East Asian prompts as UTF-8 read a byte at a time. */
const PROMPT = /[^\r\n]*(?::|\xef\xbc\x9a)\s*$/;

/** Follows what su prints, in whatever language: a prompt is an unfinished line that ends in a colon. */
export class SuDialogue {
  /** A character a byte: what follows our word must stay as it is. */
  #text = '';
  #isAnswered = false;

  /** What it has said so far, for the message when it fails. */
  said(): string {
    return decoded(this.#text);
  }

  push(chunk: Buffer): void {
    this.#text += chunk.toString('latin1');
  }

  /** Looks at what has come; a prompt counts once nothing more has come for a moment. */
  turn(isQuiet: boolean): SuTurn | undefined {
    const ready = new RegExp(`(?:^|[\\r\\n])${SU_READY}\\r?\\n`).exec(this.#text);
    if (ready !== null)
      return { kind: 'ready', rest: Buffer.from(this.#text.slice(ready.index + ready[0].length), 'latin1') };
    const prompt = decoded(PROMPT.exec(this.#text)?.[0] ?? '');
    if (!isQuiet || prompt === '') return undefined;
    if (this.#isAnswered) return { kind: 'asks-more', prompt };
    this.#isAnswered = true;
    this.#text = '';
    return { kind: 'asks' };
  }
}

function decoded(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8').trim();
}
