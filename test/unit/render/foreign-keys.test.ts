import { describe, expect, test } from 'vitest';
import { InputProblems } from '../../../controller/errors.js';
import { missingKeys, withKeys } from '../../../controller/keys/generate.js';
import type { Host } from '../../../controller/model/host.js';
import { Secret } from '../../../controller/model/secret.js';
import type { KeyStore, StoredKey } from '../../../controller/ports.js';
import { desireFleet } from '../../../controller/run/desire-fleet.js';
import { builtInTemplates, countedBytes, host, inventory, link } from '../../support/render-fleet.js';

const FLEET = inventory(
  [host('web1', ['10.0.1.11']), host('db1', ['10.0.2.21']), host('db2', ['10.0.2.22'])],
  [link('web1', 'db1'), link('db1', 'db2'), link('web1', 'db2', { keying: 'manual' })],
);
const EMPTY: KeyStore = { salt: 'ab'.repeat(16), keys: new Map() };
const KEYS = withKeys(EMPTY, missingKeys(FLEET, EMPTY, countedBytes(), new Date('2026-11-22T10:00:00Z')));
const found: StoredKey = {
  kind: 'psk',
  id: 'psk:found-db1-ike.preshared-1',
  created: '2026-11-22T10:00:00Z',
  secret: Secret.fromText('found on db1'),
};
const STORE: KeyStore = { ...KEYS, keys: new Map([...KEYS.keys, [found.id, found]]) };

/** Renders web1 with this as its file of pre-shared keys; answers the ids of the keys that stand in its files. */
function keysOfWeb1(template: string): readonly string[] {
  const own = { path: 'mine.hbs', file: 'templates/mine.hbs', text: `${template}\n` };
  const hosts = FLEET.hosts.map((one): Host =>
    one.name === 'web1' ? { ...one, files: { presharedKeys: 'mine' } } : one,
  );
  const fleet = { ...FLEET, hosts };
  const { desired } = desireFleet(fleet, hosts, [...builtInTemplates(), own], STORE);
  return desired.get('web1')?.keys.map(({ id }) => id) ?? [];
}

function refusal(template: string): string {
  try {
    return `keys: ${keysOfWeb1(template).join(' ')}`;
  } catch (error) {
    if (error instanceof InputProblems) return error.problems.map(({ code, what }) => `${code} ${what}`).join('\n');
    throw error;
  }
}

const psk = (key: string): string =>
  `{\n  localidtype IP\n  localid 10.0.1.11\n  remoteidtype IP\n  remoteid 10.0.2.21\n  key ${key}\n}`;

describe('a template of web1', () => {
  test('may name a key of a link that web1 is an end of', () => {
    expect(keysOfWeb1(psk('{{keys.[psk:db1--web1].key}}'))).toContain('psk:db1--web1');
  });

  test.each([
    ['by its name', psk('{{keys.[psk:db1--db2].key}}')],
    ['in another form', psk('{{upper keys.[psk:db1--db2].key}}')],
    ['from the top', psk('{{@root.keys.[psk:db1--db2].key}}')],
    ['inside a block', `{{#with keys}}${psk('{{[psk:db1--db2].key}}')}{{/with}}`],
    ['that was found on another host', psk('{{keys.[psk:found-db1-ike.preshared-1].key}}')],
  ])('gets no key of a link between others, asked for %s', (_how, template) => {
    expect(refusal(template)).toMatch(/^TEMPLATE_VALUE_MISSING there is no value/m);
  });

  test('that goes through all keys meets those of web1 alone', () => {
    const all = '{{#each keys}}# {{@key}}\n{{/each}}';
    const used = '{{#each keys}}{{#if key}}{{#unless (eq @key "")}}' + psk('{{key}}') + '{{/unless}}{{/if}}\n{{/each}}';
    expect(refusal(`${all}${used}`)).not.toContain('db1--db2');
    expect(refusal(`${all}${used}`)).not.toContain('found-db1');
  });
});
