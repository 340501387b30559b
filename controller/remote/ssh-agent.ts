/** The SSH agent of whoever runs us. One that is gone or refuses to sign is a note, and the next method's turn. */

import { readFile } from 'node:fs/promises';
import ssh2 from 'ssh2';
import type { IdentityCallback, ParsedKey, PublicKeyEntry, SignCallback, SigningRequestOptions } from 'ssh2';
import { expandHome, SHA1_WANTED } from './ssh-credentials.js';
import type { Environment } from './ssh-credentials.js';

export interface AgentUse {
  /** Files of the keys that may be used, private or public; `undefined` = all that the agent holds. */
  readonly only: readonly string[] | undefined;
  /** RSA signatures with SHA-1 are allowed. */
  readonly sha1: boolean;
  readonly env: Environment;
  readonly note: (text: string) => void;
}

export async function forgivingAgent(socket: string, use: AgentUse): Promise<ssh2.BaseAgent> {
  const only = use.only === undefined ? undefined : await publicKeys(use.only, use.env);
  return new ForgivingAgent(socket, only, use);
}

class ForgivingAgent extends ssh2.BaseAgent {
  readonly #agent: ssh2.OpenSSHAgent;

  constructor(
    socket: string,
    private readonly only: readonly Buffer[] | undefined,
    private readonly use: AgentUse,
  ) {
    super();
    this.#agent = new ssh2.OpenSSHAgent(socket);
  }

  override getIdentities(done: IdentityCallback): void {
    this.#agent.getIdentities((error, keys) => {
      if (error) this.use.note(`SSH agent: cannot be reached (${error.message})`);
      else if (keys === undefined || keys.length === 0) this.use.note('SSH agent: holds no keys');
      const wanted = (keys ?? []).filter((key) => this.#isWanted(key));
      if (keys !== undefined && keys.length > 0 && wanted.length === 0)
        this.use.note('SSH agent: holds none of the keys that IdentitiesOnly leaves');
      done(null, error ? [] : wanted);
    });
  }

  #isWanted(key: ParsedKey | PublicKeyEntry): boolean {
    if (this.only === undefined) return true;
    return 'getPublicSSH' in key && this.only.some((one) => one.equals(key.getPublicSSH()));
  }

  override sign(
    key: ParsedKey | Buffer | string,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const done = typeof options === 'function' ? options : callback;
    const signing = typeof options === 'function' ? {} : options;
    if (signing.hash === 'sha1' && !this.use.sha1) {
      done?.(new Error(SHA1_WANTED));
      return;
    }
    this.#agent.sign(key, data, signing, done);
  }
}

/** From `FILE.pub`, or the file itself where it is a public key; one that cannot be read is none of the agent's. */
async function publicKeys(files: readonly string[], env: Environment): Promise<readonly Buffer[]> {
  const found = await Promise.all(
    files.map(async (file) => {
      const path = expandHome(file, env);
      const text = await readFile(`${path}.pub`, 'utf8').catch(() => readFile(path, 'utf8').catch(() => ''));
      const key = ssh2.utils.parseKey(text);
      if (key instanceof Error) return [];
      const [first] = Array.isArray(key) ? key : [key];
      return first === undefined ? [] : [first.getPublicSSH()];
    }),
  );
  return found.flat();
}
