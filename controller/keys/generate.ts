/** Keys that the inventory's links need and the store lacks, drawn from given random bytes. */

import type { Inventory, Link, Suite } from '../model/host.js';
import { Secret } from '../model/secret.js';
import type { KeyStore, RandomBytes, StoredKey } from '../ports.js';
import { addressPairs, hostsByName, type HostsByName, pskId, saId } from './address-pairs.js';
import { checkKey, type KeyUse, oddParity } from './check-key.js';
import { sizeSuite, type SizedAlgorithm, type SizedSuite } from './suite.js';

const PSK_BITS = 256;
/** 0 is no SA, 1 to 255 are reserved (RFC 4303 §2.1). */
const LOWEST_SPI = 256;
/** A source that gives nothing usable in so many draws is broken, not unlucky. */
const MOST_DRAWS = 64;

/**
 * New keys in link order: one PSK for each `ike-psk` link, one SA for each direction of each address pair of a `manual`
 * link. A stored key that suits its link is left alone; an SA whose algorithms the link no longer allows is replaced
 * under the same id by one with a new SPI, since an SA cannot be changed where it is loaded.
 */
export function missingKeys(
  inventory: Inventory,
  store: KeyStore,
  random: RandomBytes,
  now: Date,
): readonly StoredKey[] {
  const hosts = hostsByName(inventory);
  const spis = spisByDestination(store);
  const created = now.toISOString();
  return inventory.links.flatMap((link): StoredKey[] => {
    if (link.keying === 'ike-psk') {
      const id = pskId(link);
      if (store.keys.get(id)?.kind === 'psk') return [];
      return [{ kind: 'psk', id, created, secret: drawKey({ kind: 'psk' }, PSK_BITS, random) }];
    }
    const sized = sizeSuite(link.suite);
    if ('reasons' in sized) return [];
    return directions(link, hosts)
      .filter(({ id }) => !saSuits(store.keys.get(id), sized))
      .map(({ id, src, dst }) => ({
        kind: 'sa',
        id,
        created,
        spi: drawSpi(dst, spis, random),
        src,
        dst,
        encr: link.suite.encr,
        encrAuth: link.suite.encrAuth,
        ...drawSaKeys(link.suite, sized, random),
      }));
  });
}

/** Ids of stored keys that no link uses any more, sorted. They stay in the store until someone removes them. */
export function unusedKeys(inventory: Inventory, store: KeyStore): readonly string[] {
  const hosts = hostsByName(inventory);
  const used = new Set(
    inventory.links.flatMap((link) =>
      link.keying === 'ike-psk' ? [pskId(link)] : directions(link, hosts).map(({ id }) => id),
    ),
  );
  // A name without `--` is no link's: such keys were found in files by an import, and templates name them one by one.
  return [...store.keys.keys()].filter((id) => !used.has(id) && id.includes('--')).sort();
}

/** The store with these keys in it, each in place of one with the same id. */
export function withKeys(store: KeyStore, keys: readonly StoredKey[]): KeyStore {
  return { salt: store.salt, keys: new Map([...store.keys, ...keys.map((key) => [key.id, key] as const)]) };
}

function directions(
  link: Link,
  hosts: HostsByName,
): readonly { readonly id: string; readonly src: string; readonly dst: string }[] {
  return addressPairs(link, hosts).flatMap(({ a, b }) => [
    { id: saId(link, a, b), src: a, dst: b },
    { id: saId(link, b, a), src: b, dst: a },
  ]);
}

function saSuits(stored: StoredKey | undefined, wanted: SizedSuite): boolean {
  if (stored?.kind !== 'sa') return false;
  const held = sizeSuite({
    encr: stored.encr,
    ...(stored.encrAuth === undefined ? {} : { encrAuth: stored.encrAuth }),
  });
  if ('reasons' in held) return false;
  return (
    held.encr.algorithm.number === wanted.encr.algorithm.number &&
    held.encrAuth?.algorithm.number === wanted.encrAuth?.algorithm.number &&
    lengthSuits(stored.encrKey, wanted.encr) &&
    (wanted.encrAuth === undefined ? stored.authKey === undefined : lengthSuits(stored.authKey, wanted.encrAuth))
  );
}

function lengthSuits(key: Secret | undefined, wanted: SizedAlgorithm): boolean {
  if (wanted.keyBits === 0) return key === undefined;
  const bits = (key?.bits ?? 0) - wanted.algorithm.saltBits;
  return bits >= wanted.lowBits && bits <= wanted.highBits;
}

function drawSaKeys(
  suite: Suite,
  sized: SizedSuite,
  random: RandomBytes,
): { readonly encrKey: Secret | undefined; readonly authKey: Secret | undefined } {
  const encrKey =
    sized.encr.keyBits === 0
      ? undefined
      : drawKey({ kind: 'encr', algorithm: suite.encr }, sized.encr.keyBits, random, sized.encr.algorithm.name);
  const authKey =
    suite.encrAuth === undefined || sized.encrAuth === undefined
      ? undefined
      : drawKey({ kind: 'auth', algorithm: suite.encrAuth }, sized.encrAuth.keyBits, random);
  return { encrKey, authKey };
}

function drawKey(use: KeyUse, bits: number, random: RandomBytes, algorithm?: string): Secret {
  const des = algorithm === 'des-cbc' || algorithm === '3des-cbc';
  for (let draw = 0; draw < MOST_DRAWS; draw++) {
    const bytes = random(bits / 8);
    if (bytes.length * 8 !== bits) throw new Error(`the random source gave ${bytes.length} bytes for ${bits / 8}`);
    const secret = new Secret(des ? bytes.map(oddParity) : bytes);
    if (checkKey(use, secret) === undefined) return secret;
  }
  throw new Error(`the random source gave ${MOST_DRAWS} unusable keys in a row`);
}

function spisByDestination(store: KeyStore): Map<string, Set<number>> {
  const spis = new Map<string, Set<number>>();
  for (const key of store.keys.values()) {
    if (key.kind === 'sa') spisTowards(key.dst, spis).add(key.spi);
  }
  return spis;
}

function spisTowards(dst: string, spis: Map<string, Set<number>>): Set<number> {
  const known = spis.get(dst) ?? new Set<number>();
  spis.set(dst, known);
  return known;
}

/** Below 2³¹, so that no tool reads it as negative, and never one that the destination has seen. */
function drawSpi(dst: string, spis: Map<string, Set<number>>, random: RandomBytes): number {
  const taken = spisTowards(dst, spis);
  for (let draw = 0; draw < MOST_DRAWS; draw++) {
    const spi = Buffer.from(random(4)).readUInt32BE(0) & 0x7fffffff;
    if (spi < LOWEST_SPI || taken.has(spi)) continue;
    taken.add(spi);
    return spi;
  }
  throw new Error(`the random source gave ${MOST_DRAWS} unusable SPIs in a row`);
}
