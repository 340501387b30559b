/**
 * All that is known of one host's files, parsed: the rules it will have loaded, its SAs, IKE rules and preshared keys, with
 * the place of each line. Made from rendered files, or from the texts of a host or of an end that is not ours.
 */

import { positionText, type SourcePosition } from '../errors.js';
import type { Address } from '../model/address.js';
import type { ManagedPath } from '../model/managed-file.js';
import type { LoadedRule } from '../model/policy.js';
import type { Secret } from '../model/secret.js';
import type { NameTables } from '../policy/name-tables.js';
import { predictLoad } from '../policy/predict-load.js';
import { indexRules, type RuleIndex } from '../policy/rule-index.js';
import { STOCK_NAMES } from '../policy/stock-names.js';
import { readRendered, readTexts, type FileReadings, type RenderedHost } from '../render/read-files.js';
import type { Rendered } from '../render/render-host.js';
import { shelveIke, type IkeShelf } from './ike-shelf.js';
import { NO_SAS, shelveSas, type NameKey, type SaShelf } from './sa-shelf.js';

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
  const known = names ?? STOCK_NAMES;
  const loaded = predictLoad(texts.get('/etc/inet/ipsecinit.conf') ?? '', known).rules;
  return draw({ name, addresses, read: readTexts(texts, known), nameKey, loaded, origins: new Map() });
}

export interface PictureRendered {
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly rendered: RenderedHost;
  readonly names?: NameTables;
  /** What the host would load, for a caller that has asked already. */
  readonly loaded?: readonly LoadedRule[];
}

/**
 * A picture of what a host is to have. Keys are named by the store's id where the template named one, and are never
 * looked at; a key that a template spells out goes by its fingerprint.
 */
export function pictureOfRendered({ name, addresses, rendered, ...given }: PictureRendered): HostPicture {
  const names = given.names ?? STOCK_NAMES;
  const read = rendered.read ?? readRendered(rendered, names);
  const loaded = given.loaded ?? predictLoad(read.texts.get('/etc/inet/ipsecinit.conf') ?? '', names).rules;
  const nameKey = (secret: Secret): string => read.keyNamed(secret) ?? secret.fingerprint('');
  return draw({ name, addresses, read, nameKey, loaded, origins: rendered.origins });
}

interface Drawing extends Pick<HostPicture, 'name' | 'addresses' | 'loaded'> {
  readonly read: FileReadings;
  readonly nameKey: NameKey;
  readonly origins: Rendered['origins'];
}

function draw({ name, addresses, read, nameKey, loaded, origins }: Drawing): HostPicture {
  return {
    name,
    addresses,
    loaded,
    rules: indexRules(loaded),
    sas: read.keys === undefined ? NO_SAS : shelveSas(read.keys, addresses, nameKey),
    ike: shelveIke(read, nameKey),
    place: (path, line) => {
      const template = line === undefined ? undefined : origins.get(path)?.[line - 1];
      return { path, ...(line !== undefined && { line }), ...(template && { template }) };
    },
  };
}
