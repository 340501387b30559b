/** Looks for secrets in whatever was collected: as bytes, in hex of either case, in base64, whole or in part. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { isErrno } from '../../controller/lab/errno.js';
import type { KeyStore } from '../../controller/ports.js';

/** So many hex digits of a key in a row are no accident. */
const WINDOW = 16;

/** Bytes of every key in a store. */
export function secretsOf(store: KeyStore): Buffer[] {
  return [...store.keys.values()].flatMap((key) =>
    (key.kind === 'psk' ? [key.secret] : [key.encrKey, key.authKey]).flatMap((secret) =>
      secret === undefined ? [] : [Buffer.from(secret.reveal())],
    ),
  );
}

export class SecretSearch {
  /** What was found in files that have not changed since. */
  readonly known = new Map<string, string | undefined>();
  readonly #windows = new Set<string>();
  readonly #texts: string[] = [];

  add(secrets: readonly Uint8Array[]): void {
    this.known.clear();
    for (const secret of secrets) {
      const bytes = Buffer.from(secret);
      const hex = bytes.toString('hex');
      for (let at = 0; at + WINDOW <= hex.length; at++) this.#windows.add(hex.slice(at, at + WINDOW));
      this.#texts.push(bytes.toString('latin1'));
      // Wherever the key begins in what was encoded; the characters at both ends depend on its neighbours.
      for (const skipped of [0, 1, 2]) {
        const encoded = Buffer.concat([Buffer.alloc(skipped), bytes])
          .toString('base64')
          .replace(/=+$/, '');
        const core = encoded.slice(skipped === 0 ? 0 : skipped + 1, -2);
        this.#texts.push(core, core.replaceAll('+', '-').replaceAll('/', '_'));
      }
    }
  }

  /** What of a secret stands in these bytes, and where; nothing when none does. */
  find(bytes: Buffer | string): string | undefined {
    const text = typeof bytes === 'string' ? bytes : bytes.toString('latin1');
    const whole = this.#texts.find((secret) => text.includes(secret));
    if (whole !== undefined) return `a key at ${text.indexOf(whole)}`;
    // Also where digits are set apart: 0x12 34, 12:34, or a line that goes on.
    return this.#findHex(text) ?? this.#findHex(text.replace(/[\s:_\\]+/g, ''));
  }

  #findHex(text: string): string | undefined {
    for (const { 0: digits, index } of text.matchAll(/[0-9a-fA-F]{16,}/g)) {
      const lower = digits.toLowerCase();
      for (let at = 0; at + WINDOW <= lower.length; at++) {
        if (this.#windows.has(lower.slice(at, at + WINDOW))) {
          return `hex digits of a key at ${index + at}: …${text.slice(Math.max(0, index - 60), index)}[here]`;
        }
      }
    }
    return undefined;
  }
}

export interface FoundFile {
  readonly path: string;
  readonly mode: number;
  readonly what: string;
}

/** Regular files below a folder that hold a secret. Those that go away while it looks are passed over. */
export function filesWithSecrets(folder: string, search: SecretSearch): FoundFile[] {
  const entries = unlessGone(() => fs.readdirSync(folder, { withFileTypes: true })) ?? [];
  return entries.flatMap((entry): FoundFile[] => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesWithSecrets(path, search);
    if (!entry.isFile()) return [];
    const found = unlessGone(() => fileWithSecret(path, search));
    return found === undefined ? [] : [found];
  });
}

function fileWithSecret(path: string, search: SecretSearch): FoundFile | undefined {
  const { ino, size, mtimeMs, ctimeMs, mode } = fs.statSync(path);
  const version = `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  if (!search.known.has(version)) search.known.set(version, search.find(fs.readFileSync(path)));
  const what = search.known.get(version);
  return what === undefined ? undefined : { path, mode: mode & 0o7777, what };
}

function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Samples command lines and environments from now on. */
export async function watchProcesses(): Promise<{ stop(): Promise<readonly string[]> }> {
  const stop = new SharedArrayBuffer(4);
  const worker = new Worker(new URL('./process-sampler.mjs', import.meta.url), { workerData: { stop } });
  const answer = (name: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker.once('error', reject);
      worker.on('message', (message: Record<string, unknown>) => {
        if (name in message) resolve(message[name]);
      });
    });
  const seen = answer('seen');
  await answer('ready');
  return {
    stop: async () => {
      const flag = new Int32Array(stop);
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0);
      return (await seen) as readonly string[];
    },
  };
}
