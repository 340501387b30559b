/** The stored keys as templates may name them one by one: `{{keys.[psk:db1--web1].key}}`. */

import type { StoredKey } from '../ports.js';
import { keyBitsName } from './key-bits.js';
import type { KeyRecord } from './template-data.js';
import { Placeholder, type TemplateRecord } from './template-helpers.js';

export function keyRecord(keys: ReadonlyMap<string, StoredKey>): KeyRecord {
  const bits = new Map<string, number>();
  const record: Record<string, TemplateRecord> = {};
  for (const key of keys.values()) {
    const { id } = key;
    if (key.kind === 'psk') {
      bits.set(keyBitsName(id, 'psk'), key.secret.bits);
      record[id] = { key: new Placeholder({ key: id, part: 'psk' }) };
      continue;
    }
    if (key.encrKey !== undefined) bits.set(keyBitsName(id, 'encr'), key.encrKey.bits);
    if (key.authKey !== undefined) bits.set(keyBitsName(id, 'auth'), key.authKey.bits);
    record[id] = {
      spi: `0x${key.spi.toString(16)}`,
      spiNumber: key.spi,
      encrKey: key.encrKey === undefined ? null : new Placeholder({ key: id, part: 'encr' }),
      authKey: key.authKey === undefined ? null : new Placeholder({ key: id, part: 'auth' }),
    };
  }
  return { record, bits };
}
