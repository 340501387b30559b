import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { adoptFleet, type AdoptedFleet, type AdoptOptions } from '../../../controller/import/adopt-fleet.js';
import { PATHS, type CollectedHost } from '../../../controller/import/collected-host.js';
import { parseInventory } from '../../../controller/inventory/parse.js';
import { hostPrefix } from '../../../controller/model/address.js';
import type { ManagedFile, ManagedPath } from '../../../controller/model/managed-file.js';
import { Secret } from '../../../controller/model/secret.js';
import { fillFile } from '../../../controller/plan/fill.js';
import type { KeyStore } from '../../../controller/ports.js';
import { desireFleet } from '../../../controller/run/desire-fleet.js';
import { hostNamed, observationOf } from '../../support/fake-fleet.js';
import { builtInTemplates } from '../../support/render-fleet.js';

type Texts = Partial<Record<keyof typeof PATHS, string>>;

function collected(name: string, address: string, texts: Texts): CollectedHost {
  const { ssh } = hostNamed(name);
  return {
    name,
    ssh: { ...ssh, host: address },
    given: [],
    seen: observationOf({ facts: new Map([['hostname', name]]) }),
    surroundings: { client: undefined, hosts: `${address} ${name}\n127.0.0.1 localhost\n`, addresses: [] },
    texts: new Map(
      Object.entries(texts).map(([key, text]): [ManagedPath, Secret] => [pathOf(key), Secret.fromText(text)]),
    ),
  };
}

function pathOf(key: string): ManagedPath {
  const found = Object.entries(PATHS).find(([name]) => name === key)?.[1];
  if (found === undefined) throw new Error(key);
  return found;
}

function adopt(hosts: readonly CollectedHost[], changes: Partial<AdoptOptions> = {}): AdoptedFleet {
  return adoptFleet(hosts, {
    fleet: 'old',
    management: [hostPrefix({ family: 4, value: 0x0a000005n })],
    created: '2026-11-22T10:00:00.000Z',
    withKeys: true,
    withLinks: true,
    heldBack: new Map(),
    identityFile: true,
    ...changes,
  });
}

/** What each file of a host would be, keys and all. */
function renderedTexts(adopted: AdoptedFleet, host: string): ReadonlyMap<string, string> {
  const { inventory } = parseInventory({ path: 'inventory.yaml', readFile: () => adopted.inventory });
  const own = adopted.templates.map(({ name, text }) => ({ path: `${name}.hbs`, file: `${name}.hbs`, text }));
  const store: KeyStore = { salt: '', keys: new Map(adopted.keys.map((key) => [key.id, key])) };
  const { desired } = desireFleet(inventory, inventory.hosts, [...builtInTemplates(), ...own], store);
  const files: readonly ManagedFile[] = desired.get(host)?.files ?? [];
  return new Map(files.map((file) => [file.path, fillFile(store, file, 1).revealText()]));
}

const POLICY =
  '{lport 22 ulp tcp dir both} bypass {}\n{raddr 10.9.0.7 dir both} ipsec {encr_algs aes encr_auth_algs sha256}\n';
const IKE = `{ label "x" local_addr 10.0.1.11 remote_addr 10.9.0.7 p1_xform { auth_method preshared oakley_group 14 auth_alg sha256 encr_alg aes } }\n`;
const key = (seed: string, digits = 64): string => createHash('sha512').update(seed).digest('hex').slice(0, digits);
const block = (written: string, remote = '10.9.0.7'): string =>
  `{ localidtype IP localid 10.0.1.11 remoteidtype IP remoteid ${remote} key ${written} }\n`;

test.each([
  ['lower case', key('a')],
  ['capitals', key('a').toUpperCase()],
  ['0x before it', `0x${key('a')}`],
  ['its length after it', `0X${key('a').toUpperCase()}/256`],
  ['text in quotes', '"correct horse {{battery}} \' staple"'],
])('a pre-shared key in %s is written the same way again and stands in no template', (_, written) => {
  const adopted = adopt([
    collected('web1', '10.0.1.11', { policy: POLICY, ikeConfig: IKE, presharedKeys: block(written) }),
  ]);
  expect(renderedTexts(adopted, 'web1').get(PATHS.presharedKeys)).toBe(block(written));
  expect(adopted.notes.get('web1') ?? []).toEqual([]);
  const all = [adopted.inventory, ...adopted.templates.map(({ text }) => text)].join('\n').toLowerCase();
  expect(all).not.toContain(key('a').slice(0, 12));
  expect(all).not.toContain('battery');
});

test('a key in mixed case, in half a byte or with escapes keeps its meaning, and that is told', () => {
  const odd = `${key('a', 63)}`;
  for (const [written, after] of [
    [key('b').replace(/[a-f]/, (digit) => digit.toUpperCase()), key('b')],
    [odd, `${odd}0`],
    ['"say \\"friend\\""', Buffer.from('say "friend"').toString('hex')],
  ] as const) {
    const adopted = adopt([
      collected('web1', '10.0.1.11', { policy: POLICY, ikeConfig: IKE, presharedKeys: block(written) }),
    ]);
    expect(renderedTexts(adopted, 'web1').get(PATHS.presharedKeys)).toBe(block(after));
    expect(adopted.notes.get('web1')?.join()).toContain('written in mixed case or with an odd length');
  }
});

test('old keys in comments, and keys that strayed into another file, are taken out of the templates', () => {
  const presharedKeys = `# was ${key('old')}, before that "open sesame", key=c0ffee99\n${block(key('a'))}`;
  const policy = `# psk ${key('a').toUpperCase()}\n${POLICY}`;
  const adopted = adopt([collected('web1', '10.0.1.11', { policy, ikeConfig: IKE, presharedKeys })]);
  const texts = renderedTexts(adopted, 'web1');
  expect([texts.get(PATHS.policy), texts.get(PATHS.presharedKeys)]).toEqual([policy, presharedKeys]);
  const all = adopted.templates.map(({ text }) => text).join('\n');
  for (const secret of [key('old'), key('a'), key('a').toUpperCase(), 'sesame', 'c0ffee99'])
    expect(all).not.toContain(secret);
  expect(adopted.notes.get('web1')?.join()).toContain('holds a key that belongs into another file');
});

test('what templates cannot write is mended and told, and the rules stay', () => {
  const policy = `${POLICY}# no newline \u0007here`;
  const adopted = adopt([collected('web1', '10.0.1.11', { policy })]);
  expect(renderedTexts(adopted, 'web1').get(PATHS.policy)).toBe(`${POLICY}# no newline here\n`);
  expect(adopted.notes.get('web1')).toEqual(
    [
      `${PATHS.policy}: invisible control characters are left out`,
      `${PATHS.policy}: the last line gets its missing newline`,
      '10.9.0.7: it is protected, but the files hold no keys that a link has: none at all, certificates, or keys at one end only',
    ].map((text) => text.replace('10.9.0.7:', 'peer-10-9-0-7:')),
  );
});

test('a host without a policy that can be used is left out, and a key file that cannot be is left alone', () => {
  const adopted = adopt([
    collected('bare', '10.0.1.1', {}),
    collected('empty', '10.0.1.2', { policy: '# nothing\n' }),
    collected('wrong', '10.0.1.3', { policy: '{laddr nowhere} drop {}\n' }),
    collected('web1', '10.0.1.11', {
      policy: POLICY,
      presharedKeys: `{ key ${key('a')} }\n`,
      manualKeys: `add esp spi 0x1001 encrkey ${key('b')}\n`,
    }),
  ]);
  expect(
    [...adopted.leftOut].map(([host, why]) => [
      host,
      /no policy to adopt|holds no rule|Could not resolve/.exec(why)?.[0],
    ]),
  ).toEqual([
    ['bare', 'no policy to adopt'],
    ['empty', 'holds no rule'],
    ['wrong', 'Could not resolve'],
  ]);
  expect(adopted.notes.get('web1')?.filter((note) => note.includes('left as it is and not managed'))).toHaveLength(2);
  expect([...renderedTexts(adopted, 'web1').keys()]).toEqual([PATHS.policy]);
  expect(JSON.stringify(adopted)).not.toMatch(new RegExp(`${key('a').slice(0, 12)}|${key('b').slice(0, 12)}`));
});

test('hosts with the same policy share a template', () => {
  const adopted = adopt([
    collected('a1', '10.0.1.1', { policy: POLICY }),
    collected('a2', '10.0.1.2', { policy: POLICY }),
  ]);
  expect(adopted.templates.map(({ name }) => name)).toEqual(['found-a1']);
  expect(renderedTexts(adopted, 'a2').get(PATHS.policy)).toBe(POLICY);
});

test('one file of keys on both ends is understood, and keys that differ are kept apart and told', () => {
  const policy = (local: string, remote: string): string =>
    `{laddr ${local} raddr ${remote} dir both} ipsec {encr_algs aes encr_auth_algs sha256}\n`;
  const keys = (written: string): string =>
    block(written, '10.0.2.21') +
    `{ localidtype IP localid 10.0.2.21 remoteidtype IP remoteid 10.0.1.11 key ${written} }\n`;
  const hosts = (second: string): readonly CollectedHost[] => [
    collected('web1', '10.0.1.11', {
      policy: policy('10.0.1.11', '10.0.2.21'),
      ikeConfig: IKE,
      presharedKeys: keys(key('a')),
    }),
    collected('db1', '10.0.2.21', {
      policy: policy('10.0.2.21', '10.0.1.11'),
      ikeConfig: IKE,
      presharedKeys: keys(second),
    }),
  ];
  const same = adopt(hosts(key('a')));
  expect(same.links.map(({ id, keying }) => `${id} ${keying}`)).toEqual(['db1--web1 ike-psk']);
  expect(renderedTexts(same, 'db1').get(PATHS.presharedKeys)).toBe(keys(key('a')));
  const apart = adopt(hosts(key('b')));
  expect(apart.notes.get('db1')?.join()).toContain('differ between its ends');
  expect(renderedTexts(apart, 'db1').get(PATHS.presharedKeys)).toBe(keys(key('b')));
});

test('whatever a key file is made of, no key comes into a template and nothing breaks', () => {
  const words = fc.constantFrom(
    ...[
      'add',
      'esp',
      'spi',
      '0x1001',
      'src',
      '10.0.1.11',
      'dst',
      '10.9.0.7',
      'encr_alg',
      'aes',
      'auth_alg',
      'sha256',
      'encrkey',
      'authkey',
    ],
    ...[
      key('k1'),
      `0x${key('k2').toUpperCase()}`,
      `${key('k3', 32)}/128`,
      '\\\n',
      '\n',
      '#',
      '"',
      '{{',
      '}}',
      '\r\n',
      '\t',
      'é',
      '{',
      'key',
    ],
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 30 }), (parts) => {
      const text = parts.join(' ');
      const line = `add esp spi 0x2001 src 10.0.1.11 dst 10.9.0.7 encr_alg aes encrkey ${key('k1')} auth_alg sha256 authkey ${key('k2')}\n`;
      const adopted = adopt([
        collected('web1', '10.0.1.11', {
          policy: POLICY,
          manualKeys: `${line}# ${text}\n${text}\n`,
          presharedKeys: text,
        }),
      ]);
      const all = JSON.stringify([adopted.inventory, adopted.templates, [...adopted.notes]]).toLowerCase();
      for (const seed of ['k1', 'k2', 'k3']) expect(all).not.toContain(key(seed).slice(4, 20));
    }),
    { seed: 8, numRuns: 200 },
  );
});
