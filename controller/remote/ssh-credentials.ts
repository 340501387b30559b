/** What we prove who we are with: keys and passwords, each read, decrypted or asked for once in a run. */

import { createPrivateKey, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import type { ParsedKey } from 'ssh2';
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
  key(file: string, passphraseEnv: string | undefined): Promise<ClientKey>;
  /** @throws CredentialError */
  password(user: string, passwordEnv: string | undefined): Promise<Secret>;
  /** For `su`. @throws CredentialError */
  rootPassword(passwordEnv: string | undefined): Promise<Secret>;
}

/** One key, decoded once. */
export interface ClientKey {
  readonly safe: ParsedKey;
  /** Signs with SHA-1 too, where it is an RSA key: for hosts whose inventory allows `ssh-rsa`. */
  readonly old: ParsedKey;
}

const PASSPHRASE_TRIES = 3;

export function createCredentials(env: Environment, ask: Ask | undefined): Credentials {
  const keys = new Map<string, Promise<ClientKey>>();
  const passwords = new Map<string, Promise<Secret>>();
  // Two prompts at once would take each other's answer.
  let terminal: Promise<unknown> = Promise.resolve();
  const askInTurn = (prompt: string): Promise<string> => {
    if (ask === undefined) return Promise.reject(new CredentialError('there is no terminal to ask on'));
    const answer = terminal.then(() => ask(prompt));
    terminal = answer.catch(() => undefined);
    return answer;
  };
  const readPassword = async (prompt: string, passwordEnv: string | undefined): Promise<Secret> =>
    Secret.fromText(passwordEnv === undefined ? await askInTurn(prompt) : fromEnvironment(env, passwordEnv));
  return {
    key: (file, passphraseEnv) =>
      once(keys, `${passphraseEnv ?? ''} ${file}`, () => loadKey(file, passphraseEnv, env, askInTurn)),
    // Asked for once in a run: hosts where it is another name a variable of their own.
    password: (user, passwordEnv) =>
      once(passwords, passwordEnv === undefined ? `of ${user}` : `in ${passwordEnv}`, () =>
        readPassword(`SSH password of ${user}: `, passwordEnv),
      ),
    rootPassword: (passwordEnv) =>
      once(passwords, passwordEnv === undefined ? 'for su' : `in ${passwordEnv}`, () =>
        readPassword("Root's password on the hosts (su): ", passwordEnv),
      ),
  };
}

function once<T>(made: Map<string, Promise<T>>, name: string, make: () => Promise<T>): Promise<T> {
  const value = made.get(name) ?? make();
  made.set(name, value);
  return value;
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
): Promise<ClientKey> {
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

function decrypted(pem: Buffer, passphrase: string, wrong: string): ClientKey {
  const key = parsePrivate(pem, passphrase);
  if (key === 'encrypted') throw new CredentialError(wrong);
  return key;
}

/** `encrypted` when a passphrase is needed or the given one is wrong: ssh2 tells these by its message alone. */
function parsePrivate(pem: Buffer, passphrase: string | undefined): ClientKey | 'encrypted' {
  const parsed = passphrase === undefined ? ssh2.utils.parseKey(pem) : ssh2.utils.parseKey(pem, passphrase);
  if (parsed instanceof Error) {
    if (/encrypted|passphrase|integrity check|decrypt/i.test(parsed.message)) return 'encrypted';
    throw new CredentialError(`not a private key that can be used (${parsed.message})`);
  }
  const key = whole(parsed);
  if (!key.isPrivateKey()) throw new CredentialError('it holds a public key only');
  const safe = withCachedPrivateKey(key, 'safe');
  return { safe, old: key.type === 'ssh-rsa' ? withCachedPrivateKey(reparsed(key), 'old') : safe };
}

/** The OpenSSH format may hold several keys; ssh-keygen writes one. */
function whole(parsed: ParsedKey | ParsedKey[]): ParsedKey {
  return Array.isArray(parsed) ? firstOf(parsed) : parsed;
}

/** A second one of the same key: they sign differently. */
function reparsed(key: ParsedKey): ParsedKey {
  const again = ssh2.utils.parseKey(key.getPrivatePEM());
  if (again instanceof Error) throw again;
  return whole(again);
}

function firstOf(keys: readonly ParsedKey[]): ParsedKey {
  const [key] = keys;
  if (key === undefined) throw new CredentialError('it holds no key');
  return key;
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error;
}

export const SHA1_WANTED = 'the host wants an RSA signature with SHA-1 (`ssh: { allow: [ssh-rsa] }` would permit it)';

const DIGESTS: Readonly<Record<string, string>> = {
  'ecdsa-sha2-nistp256': 'sha256',
  'ecdsa-sha2-nistp384': 'sha384',
  'ecdsa-sha2-nistp521': 'sha512',
};

/**
 * Decodes the private half once: ssh2 decodes PEM at every signature, which costs a fifth of a run over many hosts.
 * Of the digests RSA may be asked for, SHA-1 is refused but by `old`.
 */
function withCachedPrivateKey(key: ParsedKey, strength: keyof ClientKey): ParsedKey {
  const privateKey = createPrivateKey(key.getPrivatePEM());
  key.sign = (data, hash) => {
    if (key.type === 'ssh-rsa' && hash !== 'sha256' && hash !== 'sha512' && strength === 'safe') {
      throw new Error(SHA1_WANTED);
    }
    if (key.type === 'ssh-rsa') return sign(hash ?? 'sha1', Buffer.from(data), privateKey);
    return sign(hash ?? DIGESTS[key.type] ?? null, Buffer.from(data), privateKey);
  };
  return key;
}
