/**
 * All that is known of one host's files, parsed: the rules it will have loaded, its SAs, IKE rules and preshared keys, with
 * the place of each line. Made from rendered files, or from the texts of a host or of an end that is not ours.
 */

import { createHash } from 'node:crypto';
import { positionText, type SourcePosition } from '../errors.js';
import type { Address } from '../model/address.js';
import { fileText, type KeyPart, type ManagedPath } from '../model/managed-file.js';
import type { LoadedRule } from '../model/policy.js';
import { Secret } from '../model/secret.js';
import { oddParity } from '../keys/check-key.js';
import type { NameTables } from '../policy/name-tables.js';
import { predictLoad } from '../policy/predict-load.js';
import { indexRules, type RuleIndex } from '../policy/rule-index.js';
import { STOCK_NAMES } from '../policy/stock-names.js';
import { keyFileNames } from '../render/host-names.js';
import { keyBitsName } from '../render/key-bits.js';
import type { Rendered } from '../render/render-host.js';
import { readIke, type IkeShelf } from './ike-shelf.js';
import { NO_SAS, readSas, type NameKey, type SaShelf } from './sa-shelf.js';

/** A line of a file on a host, and the template line that wrote it. */
export interface Place {
  readonly path: ManagedPath;
  /** Counts from 1; absent where the file has nothing to point at. */
  readonly line?: number;
  readonly template?: SourcePosition;
}

/** `/etc/inet/ipsecinit.conf:12 (templates/solaris/peer.hbs:9:1)` */
export function placeText({ path, line, template }: Place): string {
  const at = line === undefined ? path : `${path}:${line}`;
  return template === undefined ? at : `${at} (${positionText(template)})`;
}

export interface HostPicture {
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly loaded: readonly LoadedRule[];
  readonly rules: RuleIndex;
  readonly sas: SaShelf;
  readonly ike: IkeShelf;
  place(path: ManagedPath, line?: number): Place;
}

export interface PictureTexts {
  readonly name: string;
  readonly addresses: readonly Address[];
  /** Whole texts, keys and all; a file that is not there has none. */
  readonly texts: ReadonlyMap<ManagedPath, string>;
  /** Names keys by fingerprint: pictures are compared with each other only when they have the same salt. */
  readonly salt: string;
  /** What names in the files stand for. */
  readonly names?: NameTables;
}

/** A picture of a host from what is on it. */
export function pictureOfTexts({ name, addresses, texts, salt, names }: PictureTexts): HostPicture {
  const nameKey = (key: Secret): string => key.fingerprint(salt);
  return draw({ name, addresses, texts, nameKey, names: names ?? STOCK_NAMES, origins: new Map() });
}

export interface PictureRendered {
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly rendered: Rendered;
  readonly names?: NameTables;
  /** What the host would load, for a caller that has asked already. */
  readonly loaded?: readonly LoadedRule[];
}

/**
 * A picture of what a host is to have. Keys are named by the store's id where the template named one, and are never
 * looked at; a key that a template spells out goes by its fingerprint.
 */
export function pictureOfRendered({ name, addresses, rendered, names, loaded }: PictureRendered): HostPicture {
  const markers = new Map<string, string>();
  const key = (id: string, part: KeyPart): string => {
    const keyName = keyBitsName(id, part);
    const marker = markerKey(keyName, rendered.keyBits.get(keyName) ?? 256);
    markers.set(marker, keyName);
    return marker;
  };
  const texts = new Map(rendered.files.map((file) => [file.path, fileText(file, { generation: 1, key })]));
  const nameKey = (secret: Secret): string => markers.get(secret.revealHex()) ?? secret.fingerprint('');
  const { origins } = rendered;
  return draw({ name, addresses, texts, nameKey, names: names ?? STOCK_NAMES, origins, ...(loaded && { loaded }) });
}

/** Stands for a key while files are read: of its length, other for each name, and of odd parity as DES keys are. */
function markerKey(name: string, bits: number): string {
  const digest = createHash('sha512').update(name).digest();
  return Buffer.from(digest.map(oddParity))
    .toString('hex')
    .slice(0, bits / 4);
}

interface Drawing extends Omit<PictureTexts, 'salt' | 'names'> {
  readonly nameKey: NameKey;
  readonly names: NameTables;
  readonly origins: Rendered['origins'];
  readonly loaded?: readonly LoadedRule[];
}

function draw({ name, addresses, texts, nameKey, names, origins, ...given }: Drawing): HostPicture {
  const keyFile = texts.get('/etc/inet/secret/ipseckeys');
  const loaded = given.loaded ?? predictLoad(texts.get('/etc/inet/ipsecinit.conf') ?? '', names).rules;
  return {
    name,
    addresses,
    loaded,
    rules: indexRules(loaded),
    sas: keyFile === undefined ? NO_SAS : readSas(keyFile, addresses, keyFileNames(names), nameKey),
    ike: readIke(texts.get('/etc/inet/ike/config'), texts.get('/etc/inet/secret/ike.preshared'), nameKey),
    place: (path, line) => {
      const template = line === undefined ? undefined : origins.get(path)?.[line - 1];
      return { path, ...(line !== undefined && { line }), ...(template && { template }) };
    },
  };
}
