/**
 * Rendered key and IKE files as our own parsers read them. No real key is among them: each place of one holds a marker, by
 * which the key is known again.
 */

import { createHash } from 'node:crypto';
import { fileText, type KeyPart, type ManagedPath } from '../model/managed-file.js';
import type { Secret } from '../model/secret.js';
import { oddParity } from '../keys/check-key.js';
import { parseIkeConfig, type IkeConfigReading } from '../keys/parse-ike-config.js';
import { parseIkePreshared, type PresharedReading } from '../keys/parse-ike-preshared.js';
import { parseIpseckeys, type KeyFile } from '../keys/parse-ipseckeys.js';
import type { NameTables } from '../policy/name-tables.js';
import { keyFileNames } from './host-names.js';
import { keyBitsName } from './key-bits.js';
import type { Rendered } from './render-host.js';

/** What a host does not have is left out. */
export interface FileReadings {
  readonly keys?: KeyFile;
  readonly ike?: IkeConfigReading;
  readonly preshared?: PresharedReading;
}

export interface ReadFiles extends FileReadings {
  /** The texts that were read, markers and all. */
  readonly texts: ReadonlyMap<ManagedPath, string>;
  /** The store's name for a key that was read; `undefined` for one that a template spells out. */
  readonly keyNamed: (key: Secret) => string | undefined;
}

/** Rendered files, and what was read of them for a caller that has asked already. */
export interface RenderedHost extends Rendered {
  readonly read?: ReadFiles;
}

export function readRendered({ files, keyBits }: Rendered, names: NameTables): ReadFiles {
  const markers = new Map<string, string>();
  const key = (id: string, part: KeyPart): string => {
    const name = keyBitsName(id, part);
    const marker = markerKey(name, keyBits.get(name) ?? 256);
    markers.set(marker, name);
    return marker;
  };
  const texts = new Map(files.map((file) => [file.path, fileText(file, { generation: 1, key })]));
  return { texts, keyNamed: (secret) => markers.get(secret.revealHex()), ...readTexts(texts, names) };
}

/** The same for texts that are there. */
export function readTexts(texts: ReadonlyMap<ManagedPath, string>, names: NameTables): FileReadings {
  const read = <T>(path: ManagedPath, parse: (text: string, path: string) => T): T | undefined => {
    const text = texts.get(path);
    return text === undefined ? undefined : parse(text, path);
  };
  const keys = read('/etc/inet/secret/ipseckeys', (text, path) => parseIpseckeys(text, path, keyFileNames(names)));
  const ike = read('/etc/inet/ike/config', parseIkeConfig);
  const preshared = read('/etc/inet/secret/ike.preshared', parseIkePreshared);
  return { ...(keys && { keys }), ...(ike && { ike }), ...(preshared && { preshared }) };
}

/** Stands for a key while files are read: of its length, other for each name, and of odd parity as DES keys are. */
function markerKey(name: string, bits: number): string {
  const digest = createHash('sha512').update(name).digest();
  return Buffer.from(digest.map(oddParity))
    .toString('hex')
    .slice(0, bits / 4);
}
