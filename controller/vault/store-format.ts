/** The key store as text: versioned JSON, written and read strictly. No message of this file holds any of its content. */

import type { KeyStore, StoredKey } from '../ports.js';
import { Secret } from '../model/secret.js';

const VERSION = 1;

/** What is wrong with a store's text. Says which entry, never what stands in it. */
export class StoreFormatError extends Error {
  override readonly name = 'StoreFormatError';
}

export function storeText(store: KeyStore): string {
  const keys = [...store.keys.values()].map((key) =>
    key.kind === 'psk'
      ? { kind: key.kind, id: key.id, created: key.created, secret: key.secret.revealHex() }
      : {
          kind: key.kind,
          id: key.id,
          created: key.created,
          spi: key.spi,
          src: key.src,
          dst: key.dst,
          encr: key.encr,
          encrAuth: key.encrAuth,
          encrKey: key.encrKey?.revealHex(),
          authKey: key.authKey?.revealHex(),
        },
  );
  // One key a line, so that `age -d` shows something a person can search.
  const lines = keys.map((key) => JSON.stringify(key)).join(',\n');
  return `{"version":${VERSION},"salt":${JSON.stringify(store.salt)},"keys":[\n${lines}\n]}\n`;
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws StoreFormatError */
export function readStoreText(text: string): KeyStore {
  const root = record(parseJson(text), 'the store');
  if (root['version'] !== VERSION) {
    throw new StoreFormatError(`its version is not ${VERSION}: it was written by another release`);
  }
  onlyKeys(root, ['version', 'salt', 'keys'], 'the store');
  const salt = matching(root, 'salt', /^[0-9a-f]{32,128}$/, 'the store');
  const list = root['keys'];
  if (!Array.isArray(list)) throw new StoreFormatError('it has no list of keys');
  const keys = new Map<string, StoredKey>();
  for (const [i, entry] of list.entries()) {
    const key = readKey(record(entry, `key ${i + 1}`), `key ${i + 1}`);
    if (keys.has(key.id)) throw new StoreFormatError(`key ${i + 1} has the id of an earlier one`);
    keys.set(key.id, key);
  }
  return { salt, keys };
}

/** JSON.parse quotes the text around an error; here that text is key material. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new StoreFormatError('it is not JSON');
  }
}

function readKey(fields: Fields, where: string): StoredKey {
  const id = matching(fields, 'id', /^(?:psk|sa):[\x21-\x7e]+$/, where);
  const created = matching(fields, 'created', /^\d{4}-\d\d-\d\dT[\d:.]+Z$/, where);
  if (fields['kind'] === 'psk') {
    onlyKeys(fields, ['kind', 'id', 'created', 'secret'], where);
    return { kind: 'psk', id, created, secret: secret(fields, 'secret', where) };
  }
  if (fields['kind'] !== 'sa') throw new StoreFormatError(`${where} is of an unknown kind`);
  onlyKeys(fields, ['kind', 'id', 'created', 'spi', 'src', 'dst', 'encr', 'encrAuth', 'encrKey', 'authKey'], where);
  const has = (name: string): boolean => fields[name] !== undefined;
  return {
    kind: 'sa',
    id,
    created,
    spi: spi(fields, where),
    src: matching(fields, 'src', /^[0-9a-f.:]+$/, where),
    dst: matching(fields, 'dst', /^[0-9a-f.:]+$/, where),
    encr: matching(fields, 'encr', ALGORITHM, where),
    encrAuth: has('encrAuth') ? matching(fields, 'encrAuth', ALGORITHM, where) : undefined,
    encrKey: has('encrKey') ? secret(fields, 'encrKey', where) : undefined,
    authKey: has('authKey') ? secret(fields, 'authKey', where) : undefined,
  };
}

const ALGORITHM = /^[a-z0-9-]+(?:\([0-9.]*\))?$/i;

function record(value: unknown, where: string): Fields {
  if (!isFields(value)) throw new StoreFormatError(`${where} is not an object`);
  return value;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function onlyKeys(fields: Fields, known: readonly string[], where: string): void {
  if (Object.keys(fields).some((key) => !known.includes(key))) {
    throw new StoreFormatError(`${where} has a field that this release does not know`);
  }
}

function matching(fields: Fields, name: string, shape: RegExp, where: string): string {
  const value = fields[name];
  if (typeof value === 'string' && shape.test(value)) return value;
  throw new StoreFormatError(`${where} has no proper "${name}"`);
}

function secret(fields: Fields, name: string, where: string): Secret {
  return Secret.fromHex(matching(fields, name, /^(?:[0-9a-f]{2}){1,256}$/, where));
}

function spi(fields: Fields, where: string): number {
  const value = fields['spi'];
  if (typeof value === 'number' && Number.isInteger(value) && value >= 256 && value <= 0xffffffff) return value;
  throw new StoreFormatError(`${where} has no proper "spi"`);
}
