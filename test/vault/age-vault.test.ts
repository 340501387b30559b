import { mkdtempSync, rmSync } from 'node:fs';
import { chmod, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Encrypter } from 'age-encryption';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OperatorError } from '../../controller/errors.js';
import { withKeys } from '../../controller/keys/generate.js';
import { Secret } from '../../controller/model/secret.js';
import type { KeyStore, StoredKey } from '../../controller/ports.js';
import { AgeVault, openVault, type Unlock } from '../../controller/vault/age-vault.js';
import {
  generateIdentity,
  type Identity,
  readIdentityFile,
  writeIdentityFile,
} from '../../controller/vault/identity.js';
import { countedBytes } from '../support/render-fleet.js';

const NOW = new Date('2026-11-22T10:00:00Z');
const PLANTED = 'c0ffee00c0ffee11c0ffee22c0ffee33c0ffee44c0ffee55c0ffee66c0ffee77';
const psk: StoredKey = {
  kind: 'psk',
  id: 'psk:db1--web1',
  created: NOW.toISOString(),
  secret: Secret.fromHex(PLANTED),
};
const sa: StoredKey = {
  kind: 'sa',
  id: 'sa:db1--web1:10.0.1.11>10.0.2.21',
  created: NOW.toISOString(),
  spi: 4096,
  src: '10.0.1.11',
  dst: '10.0.2.21',
  encr: 'aes(256)',
  encrAuth: undefined,
  encrKey: Secret.fromHex(PLANTED),
  authKey: undefined,
};

let folder: string;
let identity: Identity;
let identityFile: string;
let path: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vault-'));
  path = join(folder, 'keys.age');
  identityFile = join(folder, 'identity.txt');
  identity = await generateIdentity();
  await writeIdentityFile(identityFile, identity, NOW);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function vault(options: { readonly unlock?: Unlock; readonly recipients?: readonly string[] } = {}): AgeVault {
  return new AgeVault({
    path,
    unlock: options.unlock ?? { kind: 'identities', files: [identityFile] },
    recipients: options.recipients ?? [],
    clock: { now: () => NOW },
    scryptWorkFactor: 4,
  });
}

async function failure(work: Promise<unknown>): Promise<OperatorError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof OperatorError) {
      for (const shown of [
        inspect(error, { depth: 9 }),
        JSON.stringify(error),
        String(error.stack),
        String(error.cause),
      ]) {
        expect(shown.toLowerCase()).not.toContain(PLANTED.slice(0, 16));
        expect(shown).not.toContain(identity.secret.revealText().slice(0, 30));
      }
      return error;
    }
    throw error;
  }
  throw new Error('it did not fail');
}

function code(work: Promise<unknown>): Promise<string> {
  return failure(work).then((error) => error.code);
}

/** What a store's plain text is, sealed as the vault would. */
async function seal(text: string): Promise<void> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(identity.recipient);
  await writeFile(path, await encrypter.encrypt(text));
}

describe('a key store', () => {
  test('gives back what was written, and keeps its salt', async () => {
    const first = vault();
    const empty = await first.create(countedBytes());
    expect(empty.salt).toMatch(/^[0-9a-f]{32}$/);
    await first.write(withKeys(empty, [psk, sa]));
    const store = await vault().read();
    expect(store.salt).toBe(empty.salt);
    expect([...store.keys.keys()]).toEqual([psk.id, sa.id]);
    const [readPsk, readSa] = [...store.keys.values()];
    expect(readPsk?.kind === 'psk' && readPsk.secret.equals(Secret.fromHex(PLANTED))).toBe(true);
    expect(readSa?.kind === 'sa' && readSa.encrKey?.equals(Secret.fromHex(PLANTED)) === true).toBe(true);
    expect(readSa).toMatchObject({ spi: 4096, encr: 'aes(256)', encrAuth: undefined, authKey: undefined });
  });

  test('is a file that only its owner can read, and leaves nothing else behind', async () => {
    await vault().create(countedBytes());
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await readdir(folder)).sort()).toEqual(['identity.txt', 'keys.age']);
    expect((await readFile(path, 'latin1')).startsWith('age-encryption.org/v1\n')).toBe(true);
  });

  test('opens for each of its recipients', async () => {
    const other = await generateIdentity();
    const otherFile = join(folder, 'other.txt');
    await writeIdentityFile(otherFile, other, NOW);
    await vault({ recipients: [other.recipient] }).create(countedBytes());
    const theirs = vault({ unlock: { kind: 'identities', files: [otherFile] } });
    expect((await theirs.read()).keys.size).toBe(0);
  });

  test('opens by a passphrase, which is asked for once', async () => {
    const prompts: string[] = [];
    const ask = (prompt: string): Promise<string> => {
      prompts.push(prompt);
      return Promise.resolve('correct horse');
    };
    const one = vault({ unlock: { kind: 'passphrase', ask } });
    await one.write(withKeys(await one.create(countedBytes()), [psk]));
    expect((await one.read()).keys.size).toBe(1);
    expect(prompts).toEqual([`Passphrase of ${path}:`, 'The same again:']);
  });

  test('is never replaced by an empty one', async () => {
    await vault().create(countedBytes());
    expect(await code(vault().create(countedBytes()))).toBe('VAULT_EXISTS');
  });

  test('refuses to be written when another run changed it', async () => {
    const mine = vault();
    const store = await mine.create(countedBytes());
    const theirs = vault();
    await theirs.write(withKeys(await theirs.read(), [psk]));
    expect(await code(mine.write(store))).toBe('VAULT_CHANGED');
    expect((await vault().read()).keys.size).toBe(1);
    await mine.read();
    await mine.write(store);
    expect((await readdir(folder)).sort()).toEqual(['identity.txt', 'keys.age']);
  });

  test('of two runs that write at the same time, one succeeds and the other is told', async () => {
    await vault().create(countedBytes());
    const runs = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const one = vault();
        const store = await one.read();
        return { one, store };
      }),
    );
    const results = await Promise.allSettled(runs.map(({ one, store }) => one.write(withKeys(store, [psk]))));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await vault().read()).keys.size).toBe(1);
  });
});

describe('the lock', () => {
  const owner = (pid: number, host = hostname()): string =>
    `${JSON.stringify({ pid, host, since: '2026-11-22T09:59:30.000Z' })}\n`;

  test('of a process at work stops the write, and says whose it is and how old', async () => {
    const mine = vault();
    const store = await mine.create(countedBytes());
    await writeFile(`${path}.lock`, owner(process.pid));
    const error = await failure(mine.write(store));
    expect(error.code).toBe('VAULT_LOCKED');
    expect(error.what).toBe(`process ${process.pid} on ${hostname()} is writing the key store for 30 seconds`);
  });

  test('of a process on another machine is respected', async () => {
    const mine = vault();
    const store = await mine.create(countedBytes());
    await writeFile(`${path}.lock`, owner(2 ** 22 + 7, 'elsewhere.example'));
    expect(await code(mine.write(store))).toBe('VAULT_LOCKED');
  });

  test('of a process that is gone is taken over', async () => {
    const mine = vault();
    const store = await mine.create(countedBytes());
    await writeFile(`${path}.lock`, owner(2 ** 22 + 7));
    await mine.write(withKeys(store, [psk]));
    expect((await readdir(folder)).sort()).toEqual(['identity.txt', 'keys.age']);
  });
});

describe('a store that cannot be opened', () => {
  test('missing', async () => {
    const error = await failure(vault().read());
    expect([error.code, error.todo]).toEqual([
      'VAULT_MISSING',
      'run ipsec-deploy init to make one, or check keyStore in the inventory',
    ]);
  });

  test('written for someone else', async () => {
    await vault().create(countedBytes());
    const otherFile = join(folder, 'other.txt');
    const other = await generateIdentity();
    await writeIdentityFile(otherFile, other, NOW);
    const error = await failure(vault({ unlock: { kind: 'identities', files: [otherFile] } }).read());
    expect(error.code).toBe('VAULT_WRONG_IDENTITY');
    expect(error.what).toBe(`the key store was not written for ${other.recipient}`);
  });

  test('wrong passphrase, passphrase for identity, identity for passphrase, nobody to ask', async () => {
    const said = (text: string): Unlock => ({ kind: 'passphrase', ask: () => Promise.resolve(text) });
    await vault().create(countedBytes());
    expect(await code(vault({ unlock: said('guess') }).read())).toBe('VAULT_WRONG_IDENTITY');
    rmSync(path);
    await vault({ unlock: said('right') }).create(countedBytes());
    expect(await code(vault({ unlock: said('guess') }).read())).toBe('VAULT_WRONG_PASSPHRASE');
    expect(await code(vault({ unlock: said('') }).read())).toBe('VAULT_WRONG_PASSPHRASE');
    expect((await failure(vault().read())).what).toBe('the key store is opened by a passphrase, not by an identity');
    expect(await code(openVault({ keyStore: path, recipients: [] }, undefined).read())).toBe('VAULT_NEEDS_PASSPHRASE');
    expect(await code(vault({ unlock: said('x'), recipients: [identity.recipient] }).read())).toBe('VAULT_MIXED');
  });

  test('empty, cut short anywhere, or changed in one byte', async () => {
    const mine = vault();
    await mine.write(withKeys(await mine.create(countedBytes()), [psk]));
    const whole = await readFile(path);
    for (const length of [0, 10, 40, 150, 215, whole.length - 1]) {
      await writeFile(path, whole);
      await truncate(path, length);
      expect([length, await code(vault().read())]).toEqual([length, 'VAULT_DAMAGED']);
    }
    const changed = Buffer.from(whole);
    changed[whole.length - 20] = (changed[whole.length - 20] ?? 0) ^ 1;
    await writeFile(path, changed);
    expect(await code(vault().read())).toBe('VAULT_DAMAGED');
  });

  const entry = (more: object): string =>
    JSON.stringify({ kind: 'psk', id: 'psk:a--b', created: NOW.toISOString(), secret: PLANTED, ...more });
  const wrapped = (keys: string): string => `{"version":1,"salt":"${'ab'.repeat(16)}","keys":[${keys}]}`;
  test.each([
    ['no JSON', `{"secret": "${PLANTED}" oops`, 'it is not JSON'],
    ['no object', '[]', 'the store is not an object'],
    ['another version', '{"version":2}', 'its version is not 1'],
    [
      'an unknown field',
      '{"version":1,"salt":"00","keys":[],"more":1}',
      'the store has a field that this release does not know',
    ],
    ['a short salt', '{"version":1,"salt":"00","keys":[]}', 'the store has no proper "salt"'],
    ['no list', `{"version":1,"salt":"${'ab'.repeat(16)}","keys":{}}`, 'it has no list of keys'],
    ['a key that is none', wrapped(`"${PLANTED}"`), 'key 1 is not an object'],
    ['an unknown kind', wrapped(entry({ kind: 'cert' })), 'key 1 is of an unknown kind'],
    ['a key with too much', wrapped(entry({ note: 'x' })), 'key 1 has a field that this release does not know'],
    ['odd hex', wrapped(entry({ secret: `${PLANTED}a` })), 'key 1 has no proper "secret"'],
    ['the same id twice', wrapped(`${entry({})},${entry({})}`), 'key 2 has the id of an earlier one'],
    [
      'a reserved SPI',
      wrapped(JSON.stringify({ ...sa, kind: 'sa', spi: 255, encrKey: PLANTED, authKey: undefined })),
      'key 1 has no proper "spi"',
    ],
  ])('content with %s is refused without being shown', async (_name, text, expected) => {
    await seal(text);
    const error = await failure(vault().read());
    expect(error.code).toBe('VAULT_DAMAGED');
    expect(error.what).toContain(expected);
  });
});

describe('an identity file', () => {
  test('is made for its owner alone and never replaced', async () => {
    expect((await stat(identityFile)).mode & 0o777).toBe(0o600);
    expect(await code(writeIdentityFile(identityFile, identity, NOW))).toBe('IDENTITY_EXISTS');
    expect((await readIdentityFile(identityFile)).map(({ recipient }) => recipient)).toEqual([identity.recipient]);
  });

  test.each([0o640, 0o604, 0o620, 0o601])('that others can touch is refused (mode %o)', async (mode) => {
    await chmod(identityFile, mode);
    const error = await failure(readIdentityFile(identityFile));
    expect(error.code).toBe('IDENTITY_EXPOSED');
    expect(error.todo).toContain(`chmod 600 ${identityFile}`);
  });

  test.each([
    ['nothing', '# only a comment\n', 'there is no identity in the file'],
    [
      'a recipient',
      'age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq\n',
      'this is a recipient (public), not an identity',
    ],
    [
      'an encrypted identity',
      'age-encryption.org/v1\n',
      'the identity file is itself encrypted, which is not supported',
    ],
    ['a mistyped identity', 'AGE-SECRET-KEY-1QQQ\n', 'this line is no age identity'],
  ])('with %s is refused', async (_name, text, what) => {
    await writeFile(identityFile, text);
    const error = await failure(readIdentityFile(identityFile));
    expect([error.code, error.what]).toEqual(['IDENTITY_MALFORMED', what]);
  });

  test('that is missing is named', async () => {
    expect(await code(readIdentityFile(join(folder, 'none.txt')))).toBe('IDENTITY_MISSING');
  });

  test('put among the recipients by mistake is not repeated', async () => {
    const mixedUp = vault({ recipients: [identity.secret.revealText()] });
    expect(await code(mixedUp.create(countedBytes()))).toBe('RECIPIENT_MALFORMED');
    expect(await readdir(folder)).toEqual(['identity.txt']);
  });
});

test('a store of 20,000 links is read back whole', async () => {
  const random = countedBytes();
  const keys = new Map<string, StoredKey>();
  for (let i = 0; i < 20_000; i++) {
    const id = `psk:host${i}--peer${i}`;
    keys.set(id, { kind: 'psk', id, created: NOW.toISOString(), secret: new Secret(random(32)) });
  }
  const mine = vault();
  const store: KeyStore = { salt: (await mine.create(random)).salt, keys };
  await mine.write(store);
  expect((await vault().read()).keys.size).toBe(20_000);
});
