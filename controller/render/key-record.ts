/**
 * The stored keys as templates may name them one by one: `{{keys.[psk:db1--web1].key}}`. Owns which host may name which: a key
 * is for the ends of its link, whoever wrote the template.
 */

import type { StoredKey } from '../ports.js';
import { keyBitsName } from './key-bits.js';
import type { KeyRecord } from './template-data.js';
import { Placeholder, type TemplateRecord } from './template-helpers.js';

export function keyRecord(keys: ReadonlyMap<string, StoredKey>): KeyRecord {
  const bits = new Map<string, number>();
  const byHost = new Map<string, Record<string, TemplateRecord>>();
  for (const key of keys.values()) {
    const { id } = key;
    const value = keyValue(key);
    if (key.kind === 'psk') bits.set(keyBitsName(id, 'psk'), key.secret.bits);
    else {
      if (key.encrKey !== undefined) bits.set(keyBitsName(id, 'encr'), key.encrKey.bits);
      if (key.authKey !== undefined) bits.set(keyBitsName(id, 'auth'), key.authKey.bits);
    }
    for (const host of keyEnds(id)) {
      const own = byHost.get(host) ?? {};
      own[id] = value;
      byHost.set(host, own);
    }
  }
  return { recordOf: (host) => byHost.get(host) ?? {}, bits };
}

function keyValue(key: StoredKey): TemplateRecord {
  const { id } = key;
  if (key.kind === 'psk') return { key: new Placeholder({ key: id, part: 'psk' }) };
  return {
    spi: `0x${key.spi.toString(16)}`,
    spiNumber: key.spi,
    encrKey: key.encrKey === undefined ? null : new Placeholder({ key: id, part: 'encr' }),
    authKey: key.authKey === undefined ? null : new Placeholder({ key: id, part: 'auth' }),
  };
}

/**
 * Names of the ends that a key is for: of its link (`psk:db1--web1`, `sa:db1--web1:SRC>DST`; no name holds `--` or a colon), or
 * the host that an import found it on (`psk:found-db1-ike.preshared-1`, key-shelf.ts). A key of another name is for nobody.
 */
export function keyEnds(id: string): readonly string[] {
  const [, name = ''] = id.split(':');
  const ends = name.split('--');
  if (ends.length === 2 && !ends.includes('')) return ends;
  const found = /^found-(.+)-(?:ipsecinit\.conf|ipseckeys|config|ike\.preshared)-\d+$/.exec(name)?.[1];
  return found === undefined ? [] : [found];
}
