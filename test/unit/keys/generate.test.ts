import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { missingKeys, unusedKeys, withKeys } from '../../../controller/keys/generate.js';
import type { Inventory, Suite } from '../../../controller/model/host.js';
import { Secret } from '../../../controller/model/secret.js';
import type { KeyStore, StoredKey } from '../../../controller/ports.js';
import { countedBytes, external, host, inventory, link, seedInventory, SUITE } from '../../support/render-fleet.js';

const EMPTY: KeyStore = { salt: 'ab'.repeat(16), keys: new Map() };
const NOW = new Date('2026-11-22T10:00:00Z');

function filled(fleet: Inventory, store: KeyStore = EMPTY, seed = 1): KeyStore {
  return withKeys(store, missingKeys(fleet, store, countedBytes(seed), NOW));
}

function sas(store: KeyStore): readonly Extract<StoredKey, { kind: 'sa' }>[] {
  return [...store.keys.values()].filter((key) => key.kind === 'sa');
}

describe('missing keys', () => {
  test('a PSK of 256 bits for a link by IKE', () => {
    const [key, ...rest] = missingKeys(seedInventory('ike-psk'), EMPTY, countedBytes(), NOW);
    expect(rest).toEqual([]);
    expect(key).toMatchObject({ kind: 'psk', id: 'psk:db1--web1', created: '2026-11-22T10:00:00.000Z' });
    expect(key?.kind === 'psk' && key.secret.bits).toBe(256);
  });

  test('an SA for each direction of a manual link', () => {
    const keys = sas(filled(seedInventory('manual')));
    expect(keys.map(({ id, src, dst }) => [id, src, dst])).toEqual([
      ['sa:db1--web1:10.0.1.11>10.0.2.21', '10.0.1.11', '10.0.2.21'],
      ['sa:db1--web1:10.0.2.21>10.0.1.11', '10.0.2.21', '10.0.1.11'],
    ]);
    for (const { encrKey, authKey, encr, encrAuth } of keys) {
      expect([encrKey?.bits, authKey?.bits, encr, encrAuth]).toEqual([256, 256, 'aes(256)', 'sha256']);
    }
  });

  test('every pair of addresses of one family, and no pair of two', () => {
    const hosts = [host('a', ['10.0.0.1', '10.0.0.2', 'fd00::1']), host('b', ['10.0.1.1', 'fd00::2'])];
    const keys = sas(filled(inventory(hosts, [link('a', 'b', { keying: 'manual' })])));
    expect(keys.map(({ src, dst }) => `${src}>${dst}`).sort()).toEqual([
      '10.0.0.1>10.0.1.1',
      '10.0.0.2>10.0.1.1',
      '10.0.1.1>10.0.0.1',
      '10.0.1.1>10.0.0.2',
      'fd00::1>fd00::2',
      'fd00::2>fd00::1',
    ]);
  });

  test('keys for an end that is not ours', () => {
    const hosts = [host('db1', ['10.0.2.21'])];
    const keys = filled(inventory(hosts, [link('db1', external('mainframe', ['10.9.0.7']), { keying: 'manual' })]));
    expect([...keys.keys.keys()]).toEqual([
      'sa:db1--mainframe:10.0.2.21>10.9.0.7',
      'sa:db1--mainframe:10.9.0.7>10.0.2.21',
    ]);
  });

  test('nothing for a store that has all of them, and the same keys from the same random bytes', () => {
    for (const keying of ['ike-psk', 'manual'] as const) {
      const fleet = seedInventory(keying);
      const store = filled(fleet);
      expect(missingKeys(fleet, store, countedBytes(9), NOW)).toEqual([]);
      const again = filled(fleet);
      for (const [id, key] of store.keys) {
        const twin = again.keys.get(id);
        expect(key.kind === 'psk' && twin?.kind === 'psk' ? key.secret.equals(twin.secret) : key.kind).not.toBe(false);
        if (key.kind === 'sa' && twin?.kind === 'sa') expect(key.spi).toBe(twin.spi);
      }
    }
  });

  test.each<[string, Suite, number | undefined, number | undefined]>([
    ['aes', { encr: 'aes', encrAuth: 'sha1' }, 256, 160],
    ['aes(128)', { encr: 'aes(128)', encrAuth: 'md5' }, 128, 128],
    ['aes(128..192)', { encr: 'aes(128..192)', encrAuth: 'sha384' }, 192, 384],
    ['aes(..128)', { encr: 'AES-CBC(..128)', encrAuth: 'sha512' }, 128, 512],
    ['blowfish', { encr: 'blowfish', encrAuth: 'sha1' }, 128, 160],
    ['3des', { encr: '3des', encrAuth: 'sha256' }, 192, 256],
    ['des', { encr: 'des', encrAuth: 'sha256' }, 64, 256],
    ['null', { encr: 'null', encrAuth: 'sha256' }, undefined, 256],
    ['aes-gcm, salt and all', { encr: 'aes-gcm' }, 288, undefined],
    ['aes-ccm(128), salt and all', { encr: 'aes-ccm(128)' }, 152, undefined],
  ])('exactly the length that %s takes', (_name, suite, encrBits, authBits) => {
    for (const key of sas(filled(seedInventory('manual', suite)))) {
      expect([key.encrKey?.bits, key.authKey?.bits]).toEqual([encrBits, authBits]);
    }
  });

  test('an SA that the link no longer allows is replaced, with a new SPI', () => {
    const before = filled(seedInventory('manual', { encr: 'blowfish', encrAuth: 'sha1' }));
    const wanted = seedInventory('manual', SUITE);
    const drawn = missingKeys(wanted, before, countedBytes(2), NOW);
    expect(drawn).toHaveLength(2);
    const after = withKeys(before, drawn);
    expect(after.keys.size).toBe(2);
    for (const key of sas(after)) {
      expect(key.encr).toBe('aes(256)');
      expect(sas(before).some(({ spi }) => spi === key.spi)).toBe(false);
    }
  });

  test.each<[Suite, Suite, boolean]>([
    [{ encr: 'aes(256)', encrAuth: 'sha256' }, { encr: 'aes', encrAuth: 'sha-256' }, true],
    [{ encr: 'aes(256)', encrAuth: 'sha256' }, { encr: 'aes-cbc(128..256)', encrAuth: 'sha256' }, true],
    [{ encr: 'aes(256)', encrAuth: 'sha256' }, { encr: 'aes(128)', encrAuth: 'sha256' }, false],
    [{ encr: 'aes(256)', encrAuth: 'sha256' }, { encr: 'aes(256)', encrAuth: 'sha512' }, false],
    [{ encr: 'aes(256)', encrAuth: 'sha256' }, { encr: 'aes-gcm' }, false],
    [{ encr: 'aes(256)' }, { encr: 'aes(256)', encrAuth: 'sha256' }, false],
  ])('SAs of %o for a link of %o: kept is %s', (held, wanted, kept) => {
    const store = filled(seedInventory('manual', held));
    expect(missingKeys(seedInventory('manual', wanted), store, countedBytes(3), NOW).length === 0).toBe(kept);
  });

  test('no SPI below 256, none above 2³¹, none twice towards one destination', () => {
    const queue = [0x00000000, 0x000000ff, 0x80000100, 0x00000100, 0x00000200, 0xffffffff];
    const bytes = countedBytes();
    const random = (count: number): Uint8Array => {
      if (count !== 4) return bytes(count);
      const buffer = Buffer.alloc(4);
      buffer.writeUInt32BE(queue.shift() ?? 0x1234);
      return buffer;
    };
    const hosts = [host('a', ['10.0.0.1']), host('b', ['10.0.0.2']), host('c', ['10.0.0.3'])];
    const links = [link('a', 'b', { keying: 'manual' }), link('c', 'b', { keying: 'manual' })];
    const keys = missingKeys(inventory(hosts, links), EMPTY, random, NOW);
    const spis = keys.map((key) => (key.kind === 'sa' ? [key.dst, key.spi] : []));
    // 0 and 255 are reserved; 0x80000100 is read without its highest bit.
    expect(spis).toEqual([
      ['10.0.0.2', 0x100],
      ['10.0.0.1', 0x100],
      ['10.0.0.2', 0x200],
      ['10.0.0.3', 0x7fffffff],
    ]);
  });

  test('a store that holds an SPI towards a destination is not given it again', () => {
    const store = filled(seedInventory('manual'));
    const other = inventory(
      [host('web1', ['10.0.1.11']), host('db2', ['10.0.1.12'])],
      [link('web1', 'db2', { keying: 'manual' })],
    );
    const keys = missingKeys(other, store, countedBytes(1), NOW);
    const towards = (keyList: readonly StoredKey[], dst: string): number[] =>
      keyList.flatMap((key) => (key.kind === 'sa' && key.dst === dst ? [key.spi] : []));
    const all = [...towards([...store.keys.values()], '10.0.1.11'), ...towards(keys, '10.0.1.11')];
    expect(new Set(all).size).toBe(2);
  });

  test('weak draws are thrown away; a source that gives nothing else is a fault', () => {
    let draws = 0;
    const bytes = countedBytes();
    const weakAtFirst = (count: number): Uint8Array =>
      count === 32 && draws++ < 3 ? new Uint8Array(32) : bytes(count);
    const [key] = missingKeys(seedInventory('ike-psk'), EMPTY, weakAtFirst, NOW);
    expect(draws).toBe(4);
    expect(key?.kind === 'psk' && key.secret.equals(new Secret(new Uint8Array(32)))).toBe(false);
    expect(() => missingKeys(seedInventory('ike-psk'), EMPTY, (count) => new Uint8Array(count), NOW)).toThrow(
      /unusable/,
    );
    expect(() => missingKeys(seedInventory('ike-psk'), EMPTY, () => new Uint8Array(3), NOW)).toThrow(/3 bytes for 32/);
  });

  test('links with algorithms that do not exist get none: the inventory is reported when it is rendered', () => {
    expect(missingKeys(seedInventory('manual', { encr: 'rot13' }), EMPTY, countedBytes(), NOW)).toEqual([]);
  });

  test('no key shows when they are printed', () => {
    const planted = 'c0ffee'.repeat(10) + 'c0ff';
    const keys = missingKeys(seedInventory('manual'), EMPTY, (n) => Buffer.from(planted, 'hex').subarray(0, n), NOW);
    const shown = `${inspect(keys, { depth: 9, showHidden: true })}${JSON.stringify(keys)}`;
    expect(shown).toContain('[secret]');
    expect(shown).not.toMatch(/c0ffee|192, 255, 238/);
  });
});

test('keys of links that are gone stay in the store and are named', () => {
  const store = withKeys(filled(seedInventory('ike-psk')), [...filled(seedInventory('manual')).keys.values()]);
  expect(unusedKeys(seedInventory('ike-psk'), store)).toEqual([
    'sa:db1--web1:10.0.1.11>10.0.2.21',
    'sa:db1--web1:10.0.2.21>10.0.1.11',
  ]);
  expect(unusedKeys(seedInventory('manual'), store)).toEqual(['psk:db1--web1']);
});
