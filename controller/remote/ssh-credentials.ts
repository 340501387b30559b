/** What we prove who we are with: keys and passwords, each read, decrypted or asked for once in a run. */

import { createPrivateKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import type { IdentityCallback, ParsedKey, SignCallback, SigningRequestOptions } from 'ssh2';
import { Secret } from '../model/secret.js';

export type Environment = Readonly<Record<string, string | undefined>>;
/** Shows the prompt and reads a line without echo. */
export type Ask = (prompt: string) => Promise<string>;

/** Why a method could not even be tried. */
export class CredentialError extends Error {
  override readonly name = 'CredentialError';
}

export interface Credentials {
  /** @throws CredentialError */
  key(file: string, passphraseEnv: string | undefined): Promise<ssh2.BaseAgent>;
  /** @throws CredentialError */
  password(user: string, passwordEnv: string | undefined): Promise<Secret>;
}

const PASSPHRASE_TRIES = 3;

export function createCredentials(env: Environment, ask: Ask | undefined): Credentials {
  const once = new Map<string, Promise<unknown>>();
  const remember = <T>(name: string, make: () => Promise<T>, is: (value: unknown) => value is T): Promise<T> => {
    const made = once.get(name) ?? make();
    once.set(name, made);
    return made.then((value) => {
      if (!is(value)) throw new Error(`${name} is of another kind`);
      return value;
    });
  };
  // Two prompts at once would take each other's answer.
  let terminal: Promise<unknown> = Promise.resolve();
  const askInTurn = (prompt: string): Promise<string> => {
    if (ask === undefined) return Promise.reject(new CredentialError('there is no terminal to ask on'));
    const answer = terminal.then(() => ask(prompt));
    terminal = answer.catch(() => undefined);
    return answer;
  };
  const isAgent = (value: unknown): value is CachedKeyAgent => value instanceof CachedKeyAgent;
  const isSecret = (value: unknown): value is Secret => value instanceof Secret;
  return {
    key: (file, passphraseEnv) =>
      remember(`key ${file} ${passphraseEnv ?? ''}`, () => loadKey(file, passphraseEnv, env, askInTurn), isAgent),
    password: (user, passwordEnv) =>
      remember(
        `password ${passwordEnv === undefined ? `of ${user}` : `in ${passwordEnv}`}`,
        async () => {
          if (passwordEnv !== undefined) return Secret.fromText(fromEnvironment(env, passwordEnv));
          // Asked for once in a run: hosts that need another name one of their own (passwordEnv).
          return Secret.fromText(await askInTurn(`SSH password of ${user}: `));
        },
        isSecret,
      ),
  };
}

/** `~` and `~/…` by HOME. */
export function expandHome(path: string, env: Environment): string {
  if (path !== '~' && !path.startsWith('~/')) return path;
  const { HOME } = env;
  if (!HOME) throw new CredentialError(`${path}: HOME is not set`);
  return join(HOME, path.slice(1));
}

function fromEnvironment(env: Environment, name: string): string {
  const value = env[name];
  if (value === undefined || value === '') throw new CredentialError(`the variable ${name} is not set`);
  return value;
}

async function loadKey(
  file: string,
  passphraseEnv: string | undefined,
  env: Environment,
  ask: Ask,
): Promise<CachedKeyAgent> {
  const path = expandHome(file, env);
  const pem = await readFile(path).catch((error: unknown) => {
    throw new CredentialError(
      isErrno(error) && error.code === 'ENOENT' ? 'no such file' : `cannot be read: ${String(error)}`,
    );
  });
  const plain = parsePrivate(pem, undefined);
  if (plain !== 'encrypted') return plain;
  if (passphraseEnv !== undefined)
    return decrypted(pem, fromEnvironment(env, passphraseEnv), `the passphrase in ${passphraseEnv} is wrong`);
  for (let tries = 1; ; tries += 1) {
    const passphrase = await ask(`Passphrase of ${file}: `);
    const key = parsePrivate(pem, passphrase);
    if (key !== 'encrypted') return key;
    if (tries === PASSPHRASE_TRIES) throw new CredentialError('the passphrase is wrong');
  }
}

function decrypted(pem: Buffer, passphrase: string, wrong: string): CachedKeyAgent {
  const key = parsePrivate(pem, passphrase);
  if (key === 'encrypted') throw new CredentialError(wrong);
  return key;
}

/** `encrypted` when a passphrase is needed or the given one is wrong: ssh2 tells these by its message alone. */
function parsePrivate(pem: Buffer, passphrase: string | undefined): CachedKeyAgent | 'encrypted' {
  const parsed = passphrase === undefined ? ssh2.utils.parseKey(pem) : ssh2.utils.parseKey(pem, passphrase);
  if (parsed instanceof Error) {
    if (/encrypted|passphrase|integrity check|decrypt/i.test(parsed.message)) return 'encrypted';
    throw new CredentialError(`not a private key that can be used (${parsed.message})`);
  }
  // The OpenSSH format may hold several keys; ssh-keygen writes one.
  const key = Array.isArray(parsed) ? firstOf(parsed) : parsed;
  if (!key.isPrivateKey()) throw new CredentialError('it holds a public key only');
  return new CachedKeyAgent(key, createPrivateKey(key.getPrivatePEM()));
}

function firstOf(keys: readonly ParsedKey[]): ParsedKey {
  const [key] = keys;
  if (key === undefined) throw new CredentialError('it holds no key');
  return key;
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error;
}

const DIGESTS: Readonly<Record<string, string>> = {
  'ecdsa-sha2-nistp256': 'sha256',
  'ecdsa-sha2-nistp384': 'sha384',
  'ecdsa-sha2-nistp521': 'sha512',
};

/** An SSH agent of one key whose private half is decoded once: decoding PEM at every signature costs a fifth of a run. */
class CachedKeyAgent extends ssh2.BaseAgent {
  readonly #public: Buffer;
  readonly #type: string;
  readonly #private: KeyObject;

  constructor(key: ParsedKey, privateKey: KeyObject) {
    super();
    this.#public = key.getPublicSSH();
    this.#type = key.type;
    this.#private = privateKey;
  }

  override getIdentities(done: IdentityCallback): void {
    const key = ssh2.utils.parseKey(this.#public);
    if (key instanceof Error) done(key);
    else done(null, [key]);
  }

  override sign(
    _key: unknown,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const done = typeof options === 'function' ? options : callback;
    const hash = typeof options === 'function' ? undefined : options.hash;
    try {
      // An RSA key is asked for SHA-1 by hosts that know nothing better.
      if (this.#type === 'ssh-rsa' && hash !== 'sha256' && hash !== 'sha512')
        throw new Error('the host wants an RSA signature with SHA-1');
      done?.(null, sign(hash ?? DIGESTS[this.#type] ?? null, data, this.#private));
    } catch (error) {
      done?.(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
