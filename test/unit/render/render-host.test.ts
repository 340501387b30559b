import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { missingKeys, withKeys } from '../../../controller/keys/generate.js';
import type { Host, Inventory, Link } from '../../../controller/model/host.js';
import { fileText, type ManagedPath } from '../../../controller/model/managed-file.js';
import { Secret } from '../../../controller/model/secret.js';
import { keyNames } from '../../../controller/plan/fill.js';
import type { KeyStore } from '../../../controller/ports.js';
import { hostView } from '../../../controller/render/host-view.js';
import { indexInventory } from '../../../controller/render/inventory-index.js';
import { maskedText } from '../../../controller/render/masked-text.js';
import { readBack } from '../../../controller/render/read-back.js';
import { externalEnds, renderExternal } from '../../../controller/render/render-external.js';
import { renderHost, type Rendered } from '../../../controller/render/render-host.js';
import { templateData } from '../../../controller/render/template-data.js';
import { templateSet } from '../../../controller/render/template-set.js';
import {
  builtInTemplates,
  countedBytes,
  external,
  host,
  hostNamed,
  inventory,
  link,
  seedInventory,
  WEB_VARS,
} from '../../support/render-fleet.js';

const { set: TEMPLATES, problems: TEMPLATE_PROBLEMS } = templateSet(builtInTemplates());
const EMPTY: KeyStore = { salt: 'ab'.repeat(16), keys: new Map() };

function filled(fleet: Inventory): KeyStore {
  return withKeys(EMPTY, missingKeys(fleet, EMPTY, countedBytes(), new Date('2026-11-22T10:00:00Z')));
}

function saFrom(store: KeyStore) {
  return (id: string): { readonly spi: number } | undefined => {
    const key = store.keys.get(id);
    return key?.kind === 'sa' ? key : undefined;
  };
}

function render(fleet: Inventory, name: string): Rendered {
  const input = { host: hostNamed(fleet, name), index: indexInventory(fleet), templates: TEMPLATES };
  return renderHost({ ...input, saFor: saFrom(filled(fleet)) });
}

function text(rendered: Rendered, path: ManagedPath): string {
  const file = rendered.files.find((one) => one.path === path);
  return file === undefined ? '' : fileText(file, { generation: 1, key: (id, part) => `<${id} ${part}>` });
}

/** The policy's rules without comments. */
function rules(fleet: Inventory, name: string): readonly string[] {
  const rendered = render(fleet, name);
  expect(rendered.problems.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(readBack(rendered).filter(({ severity }) => severity === 'error')).toEqual([]);
  return text(rendered, '/etc/inet/ipsecinit.conf')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
}

test('the built-in templates have no problems', () => {
  expect(TEMPLATE_PROBLEMS).toEqual([]);
});

describe('the seed case', () => {
  test.each([
    ['ike-psk', 'web1'],
    ['ike-psk', 'db1'],
    ['manual', 'web1'],
    ['manual', 'db1'],
  ] as const)('%s, %s', async (keying, name) => {
    const fleet = seedInventory(keying);
    const store = filled(fleet);
    const rendered = render(fleet, name);
    expect(rendered.problems).toEqual([]);
    expect(readBack(rendered)).toEqual([]);
    const shown = rendered.files.map(
      (file) => `==> ${file.path} ${file.mode}\n${maskedText(file, keyNames(store, [file]), 7)}`,
    );
    await expect(shown.join('\n')).toMatchFileSnapshot(`../../fixtures/templates/seed-${keying}-${name}.txt`);
  });

  test('the classic suite is rendered when asked for, with a warning that names the weakness', () => {
    for (const keying of ['ike-psk', 'manual'] as const) {
      const fleet = seedInventory(keying, { encr: 'blowfish', encrAuth: 'sha1' });
      const rendered = render(fleet, 'web1');
      expect(text(rendered, '/etc/inet/ipsecinit.conf')).toContain(
        '{} permit { encr_algs blowfish encr_auth_algs sha1 }\n{} apply { encr_algs blowfish encr_auth_algs sha1 sa shared }\n',
      );
      expect(rendered.problems.map(({ severity, code, what }) => [severity, code, what])).toEqual([
        [
          'warning',
          'WEAK_ALGORITHM',
          'blowfish-cbc is weak: its 64-bit block leaks after some gigabytes (Sweet32, CVE-2016-2183)',
        ],
        [
          'warning',
          'WEAK_ALGORITHM',
          'hmac-sha1 is weak: SHA-1 is broken for collisions and RFC 8221 says to leave it',
        ],
      ]);
      expect(readBack(rendered)).toEqual([]);
    }
  });

  test('both ends load the same SAs', () => {
    const fleet = seedInventory('manual');
    const [web, db] = ['web1', 'db1'].map((name) =>
      text(render(fleet, name), '/etc/inet/secret/ipseckeys').replace(/^#.*\n/gm, ''),
    );
    expect(web).toBe(db);
    expect(web).toMatch(/^add esp spi 0x[0-9a-f]+ src 10\.0\.1\.11 dst 10\.0\.2\.21 encr_alg aes encrkey /);
  });
});

describe('bypasses', () => {
  const pair = (web: Partial<Host>, db: Partial<Host>, management = ['10.0.0.5']): Inventory =>
    inventory(
      [
        { ...host('web1', ['10.0.1.11'], 'web-server', WEB_VARS), ...web },
        { ...host('db1', ['10.0.2.21']), ...db },
      ],
      [link('web1', 'db1')],
      management,
    );

  test.each(['web-server', 'peer', 'host-to-host', 'mesh'])('of the other end are mirrored by %s', (template) => {
    const own = rules(pair({}, { template }), 'db1').filter(
      (rule) => rule.includes('raddr 10.0.1.11') && rule.includes('bypass'),
    );
    expect(own).toEqual([
      '{ raddr 10.0.1.11 rport 80 ulp tcp dir both } bypass {}',
      '{ raddr 10.0.1.11 rport 443 ulp tcp dir both } bypass {}',
      '{ raddr 10.0.1.11 lport 53 ulp udp dir both } bypass {}',
      '{ raddr 10.0.1.11 lport 53 ulp tcp dir both } bypass {}',
    ]);
  });

  test('of a peer are mirrored by the server', () => {
    const fleet = pair({}, { vars: { bypass: [{ lport: 123, ulp: 'udp', dir: 'in' }] } });
    expect(rules(fleet, 'db1')).toContain('{ lport 123 ulp udp dir in } bypass {}');
    expect(rules(fleet, 'web1')).toContain('{ raddr 10.0.2.21 rport 123 ulp udp dir out } bypass {}');
  });

  test('that name the peer are mirrored from that address; those that name others are not', () => {
    const bypass = [
      { raddr: '10.0.2.0/24', lport: 81, ulp: 'tcp' },
      { raddr: '10.7.0.0/16', lport: 82, ulp: 'tcp' },
      { laddr: '10.0.1.11', lport: 83, ulp: 'tcp' },
      { laddr: '10.0.1.99', lport: 84, ulp: 'tcp' },
    ];
    const mirrored = rules(pair({ vars: { bypass } }, {}), 'db1').filter((rule) => /rport 8\d /.test(rule));
    expect(mirrored).toEqual([
      '{ laddr 10.0.2.21 raddr 10.0.1.11 rport 81 ulp tcp dir both } bypass {}',
      '{ raddr 10.0.1.11 rport 83 ulp tcp dir both } bypass {}',
    ]);
  });

  test('of management are there for every source, with the port of SSH', () => {
    const ssh = { ...host('x', ['10.0.0.1']).ssh, port: 2222 };
    const fleet = pair({ ssh }, {}, ['10.0.0.5', 'fd00:9::/64', '10.8.0.0/16']);
    expect(rules(fleet, 'web1').slice(0, 3)).toEqual([
      '{ raddr 10.0.0.5 lport 2222 ulp tcp dir both } bypass {}',
      '{ raddr fd00:9::/64 lport 2222 ulp tcp dir both } bypass {}',
      '{ raddr 10.8.0.0/16 lport 2222 ulp tcp dir both } bypass {}',
    ]);
    expect(rules(fleet, 'db1').filter((rule) => rule.includes('rport 2222'))).toEqual([]);
  });

  test('of management are mirrored by a peer that manages the fleet itself', () => {
    expect(rules(pair({}, {}, ['10.0.2.0/24']), 'db1')).toContain(
      '{ laddr 10.0.2.21 raddr 10.0.1.11 rport 22 ulp tcp dir both } bypass {}',
    );
  });

  test('stand in the file once, however often they are asked for', () => {
    const twice = {
      bypass: [
        { lport: 80, ulp: 'tcp' },
        { lport: 80, ulp: 'tcp', dir: 'both' },
      ],
    };
    const written = rules(pair({ vars: twice }, {}), 'web1');
    expect(new Set(written).size).toBe(written.length);
  });
});

describe('links', () => {
  test('have a rule, an IKE rule and a PSK for every pair of addresses of one family', () => {
    const hosts = [host('a', ['10.0.0.1', 'fd00::1']), host('b', ['10.0.1.1', '10.0.1.2', 'fd00::2'])];
    const fleet = inventory(hosts, [link('a', 'b')], []);
    expect(rules(fleet, 'a')).toEqual([
      '{ ulp ipv6-icmp type 133-137 dir both } pass {}',
      '{ laddr 10.0.0.1 raddr 10.0.1.1 dir both } ipsec { encr_algs aes(256) encr_auth_algs sha256 sa shared }',
      '{ laddr 10.0.0.1 raddr 10.0.1.2 dir both } ipsec { encr_algs aes(256) encr_auth_algs sha256 sa shared }',
      '{ laddr fd00::1 raddr fd00::2 dir both } ipsec { encr_algs aes(256) encr_auth_algs sha256 sa shared }',
    ]);
    const rendered = render(fleet, 'a');
    expect(text(rendered, '/etc/inet/ike/config').match(/label ".*"/g)).toEqual([
      'label "a--b 10.0.0.1-10.0.1.1"',
      'label "a--b 10.0.0.1-10.0.1.2"',
      'label "a--b fd00::1-fd00::2"',
    ]);
    expect(text(rendered, '/etc/inet/secret/ike.preshared').match(/key .*/g)).toEqual(
      Array(3).fill('key <psk:a--b psk>'),
    );
  });

  test('with algorithms of their own come before the rules for everyone', () => {
    const hosts = [
      host('web1', ['10.0.1.11'], 'web-server'),
      host('a', ['10.0.2.1']),
      host('b', ['10.0.2.2']),
      host('c', ['10.0.2.3']),
    ];
    const links = [
      link('web1', 'a', { suite: { encr: 'aes-gcm(256)' } }),
      link('web1', 'b'),
      link('web1', 'c', { suite: { encr: 'aes(256)', encrAuth: 'sha256' } }),
    ];
    expect(rules(inventory(hosts, links), 'web1').slice(-3)).toEqual([
      '{ laddr 10.0.1.11 raddr 10.0.2.1 dir both } ipsec { encr_algs aes-gcm(256) sa shared }',
      '{} permit { encr_algs aes(256) encr_auth_algs sha256 }',
      '{} apply { encr_algs aes(256) encr_auth_algs sha256 sa shared }',
    ]);
  });

  test('mix keyings: each host has the files of both', () => {
    const hosts = [host('a', ['10.0.0.1']), host('b', ['10.0.0.2']), host('c', ['10.0.0.3'])];
    const fleet = inventory(hosts, [link('a', 'b'), link('a', 'c', { keying: 'manual' })]);
    const kept = (name: string): readonly string[] =>
      render(fleet, name).files.map(({ path, mode }) => `${path} ${mode}`);
    expect(kept('a')).toEqual([
      '/etc/inet/ipsecinit.conf 0400',
      '/etc/inet/secret/ipseckeys 0400',
      '/etc/inet/ike/config 0400',
      '/etc/inet/secret/ike.preshared 0600',
    ]);
    expect(kept('b')).toEqual([
      '/etc/inet/ipsecinit.conf 0400',
      '/etc/inet/ike/config 0400',
      '/etc/inet/secret/ike.preshared 0600',
    ]);
    expect(kept('c')).toEqual(['/etc/inet/ipsecinit.conf 0400', '/etc/inet/secret/ipseckeys 0400']);
  });

  test('null encryption is written as integrity alone, in the policy and among the SAs', () => {
    const fleet = seedInventory('manual', { encr: 'null', encrAuth: 'sha256' });
    expect(rules(fleet, 'db1').at(-1)).toContain('ipsec { encr_auth_algs sha256 sa shared }');
    expect(text(render(fleet, 'db1'), '/etc/inet/secret/ipseckeys')).toMatch(
      /dst 10\.0\.2\.21 auth_alg sha256 authkey </,
    );
  });

  test('to an end that is not ours give its files for hand-over', () => {
    const fleet = inventory(
      [host('db1', ['10.0.2.21'], 'peer', { bypass: [{ lport: 80, ulp: 'tcp' }] })],
      [link('db1', external('mainframe', ['10.9.0.7']))],
    );
    expect(externalEnds(fleet)).toEqual(['mainframe']);
    const handed = renderExternal({
      name: 'mainframe',
      index: indexInventory(fleet),
      templates: TEMPLATES,
      saFor: () => undefined,
    });
    if (handed === undefined) throw new Error('no external end');
    expect(handed.problems).toEqual([]);
    expect(readBack(handed)).toEqual([]);
    expect(
      text(handed, '/etc/inet/ipsecinit.conf')
        .replace(/^#.*\n/gm, '')
        .trim()
        .split(/\n+/),
    ).toEqual([
      '{ raddr 10.0.2.21 rport 80 ulp tcp dir both } bypass {}',
      '{ laddr 10.9.0.7 raddr 10.0.2.21 dir both } ipsec { encr_algs aes(256) encr_auth_algs sha256 sa shared }',
    ]);
    expect(text(handed, '/etc/inet/secret/ike.preshared')).toContain('localid 10.9.0.7');
    expect(rules(fleet, 'db1').at(-1)).toContain('raddr 10.9.0.7');
    const ask = { index: indexInventory(seedInventory('ike-psk')), templates: TEMPLATES, saFor: () => undefined };
    expect(renderExternal({ name: 'web1', ...ask })).toBeUndefined();
  });
});

describe('vars', () => {
  const withVars = (vars: Host['vars'], template = 'peer'): Inventory =>
    inventory([host('a', ['10.0.0.1'], template, vars), host('b', ['10.0.0.2'])], [link('a', 'b')]);

  test('extraRules are written as they are', () => {
    const extraRules = ['{ raddr 10.4.0.0/16 dir both } drop {} ', '# a note of ours'];
    expect(rules(withVars({ extraRules }), 'a').at(-1)).toBe('{ raddr 10.4.0.0/16 dir both } drop {}');
    expect(rules(withVars({ extraRules: extraRules.join('\n') }), 'a').at(-1)).toBe(
      '{ raddr 10.4.0.0/16 dir both } drop {}',
    );
  });

  test('others: refuse drops the rest, and lets neighbours be found', () => {
    const written = rules(withVars({ others: 'refuse' }), 'a');
    expect(written.at(-1)).toBe('{ dir both } drop {}');
    expect(written).toContain('{ ulp ipv6-icmp type 133-137 dir both } pass {}');
  });

  test('ike changes the rule, on both ends or not at all', () => {
    const ike = {
      group: 16,
      encrAlg: 'aes(128..256)',
      authAlg: 'sha512',
      pfs: 0,
      p1LifetimeSeconds: 3600,
      p2LifetimeSeconds: 900,
    };
    const hosts = [host('a', ['10.0.0.1'], 'peer', { ike }), host('b', ['10.0.0.2'], 'peer', { ike })];
    const config = text(render(inventory(hosts, [link('a', 'b')]), 'a'), '/etc/inet/ike/config');
    expect(config).toContain(
      'oakley_group 16 auth_alg sha512 encr_alg aes(128..256) p1_lifetime_secs 3600 }\n  p2_pfs 0\n  p2_lifetime_secs 900\n}',
    );
    expect(render(withVars({ ike }), 'a').problems.map(({ what }) => what)).toEqual([
      'vars.ike of "a" and "b" differ, so IKE between them would not come up',
    ]);
  });

  test.each<[string, Host['vars'], string]>([
    ['dns that is a word', { dns: 'yes' }, 'vars.dns of host "a" is neither true nor false'],
    ['others that is a word', { others: 'drop' }, 'vars.others of host "a" is neither clear nor refuse'],
    ['bypass that is no list', { bypass: { lport: 80 } }, 'vars.bypass of host "a" is no list'],
    ['a bypass that is no rule', { bypass: [80] }, 'vars.bypass[0] of host "a" is no rule'],
    ['a bypass of everything', { bypass: [{}] }, 'vars.bypass[0] of host "a" would let everything pass in the clear'],
    [
      'a bypass of every packet in',
      { bypass: [{ dir: 'in' }] },
      'vars.bypass[0] of host "a" would let everything pass in the clear',
    ],
    ['a mistyped key', { bypass: [{ lprot: 80 }] }, 'vars.bypass[0].lprot of host "a" is not a key of a bypass'],
    ['port 0', { bypass: [{ lport: 0 }] }, 'vars.bypass[0].lport of host "a" is no port'],
    ['a port in words', { bypass: [{ lport: '80' }] }, 'vars.bypass[0].lport of host "a" is no port'],
    ['a port that is too high', { bypass: [{ rport: 65536 }] }, 'vars.bypass[0].rport of host "a" is no port'],
    ['an address that is none', { bypass: [{ raddr: '10.0.0' }] }, 'vars.bypass[0].raddr of host "a" is no address'],
    [
      'a rule inside an address',
      { bypass: [{ raddr: '10.0.0.1 dir both} bypass {} #' }] },
      'vars.bypass[0].raddr of host "a" is no address',
    ],
    [
      'a protocol that breaks out',
      { bypass: [{ ulp: 'tcp } bypass {}' }] },
      'vars.bypass[0].ulp of host "a" is no protocol',
    ],
    [
      'a port without ports',
      { bypass: [{ lport: 1, ulp: 'icmp' }] },
      'vars.bypass[0] of host "a" has a port, but icmp has none',
    ],
    [
      'two families',
      { bypass: [{ laddr: '10.0.0.1', raddr: 'fd00::1' }] },
      'vars.bypass[0] of host "a" mixes IPv4 and IPv6',
    ],
    ['no direction', { bypass: [{ lport: 1, dir: 'inbound' }] }, 'vars.bypass[0].dir of host "a" is no direction'],
    ['extraRules of numbers', { extraRules: [1] }, 'vars.extraRules[0] of host "a" is not one line of text'],
    [
      'an extra rule of two lines',
      { extraRules: ['{} drop {}\n{} pass {}'] },
      'vars.extraRules[0] of host "a" is not one line of text',
    ],
    ['an unknown IKE setting', { ike: { groop: 14 } }, 'vars.ike.groop of host "a" is not known'],
    ['an IKE group that in.iked lacks', { ike: { group: 19 } }, 'vars.ike.group of host "a" cannot be used'],
    ['reversed lengths', { ike: { encrAlg: 'aes(256..128)' } }, 'vars.ike.encrAlg of host "a" cannot be used'],
    ['ike that is a word', { ike: 'strong' }, 'vars.ike of host "a" is no record'],
  ])('%s is refused, with the place in the inventory', (_name, vars, what) => {
    const rendered = render(withVars(vars), 'a');
    const [problem] = rendered.problems;
    expect(problem).toMatchObject({
      code: 'VAR_INVALID',
      severity: 'error',
      what,
      at: { file: 'inventory.yaml', line: 7 },
    });
    expect(problem?.todo).not.toBe('');
    expect(rendered.files).toEqual([]);
    // The other end mirrors them, so it cannot be rendered either.
    expect(render(withVars(vars), 'b').files).toEqual([]);
  });
});

describe('what cannot be rendered', () => {
  const between = (
    options: Parameters<typeof link>[2],
    b: readonly string[] = ['10.0.0.2'],
  ): readonly [Inventory, Link] => {
    const one = link('a', 'b', options);
    return [inventory([host('a', ['10.0.0.1']), host('b', b)], [one]), one];
  };
  test.each<[string, Inventory, string, string]>([
    [
      'an algorithm that does not exist',
      between({ suite: { encr: 'rot13' } })[0],
      'SUITE_UNUSABLE',
      '"rot13" is not a known encryption algorithm',
    ],
    [
      'two integrities',
      between({ suite: { encr: 'aes-gcm', encrAuth: 'sha256' } })[0],
      'SUITE_UNUSABLE',
      'aes-gcm brings its own integrity and refuses another beside it',
    ],
    [
      'no protection at all',
      between({ suite: { encr: 'null' } })[0],
      'SUITE_UNUSABLE',
      'null encryption without integrity protects nothing',
    ],
    [
      'ends without a common family',
      between({}, ['fd00::2'])[0],
      'LINK_WITHOUT_PAIR',
      'link a--b joins no two addresses of one family',
    ],
    [
      'an unknown template',
      inventory([host('a', ['10.0.0.1'], 'web-sever')], []),
      'TEMPLATE_UNKNOWN',
      'host "a" asks for template "web-sever", which does not exist',
    ],
  ])('%s', (_name, fleet, code, what) => {
    const rendered = render(fleet, 'a');
    expect(rendered.files).toEqual([]);
    expect(rendered.problems.map((problem) => [problem.code, problem.what])).toContainEqual([code, what]);
  });

  test('a manual link without its keys', () => {
    const fleet = seedInventory('manual');
    const input = {
      host: hostNamed(fleet, 'web1'),
      index: indexInventory(fleet),
      templates: TEMPLATES,
      saFor: () => undefined,
    };
    expect(renderHost(input).problems.map(({ code, what }) => [code, what])).toEqual([
      ['KEY_MISSING', 'the key store has no sa:db1--web1:10.0.1.11>10.0.2.21'],
      ['KEY_MISSING', 'the key store has no sa:db1--web1:10.0.2.21>10.0.1.11'],
    ]);
  });
});

test('nothing rendered holds a key, and a mask shows only its name', () => {
  const planted = 'c0ffee11'.repeat(8);
  const store: KeyStore = {
    salt: 'ab'.repeat(16),
    keys: new Map([
      ['psk:db1--web1', { kind: 'psk', id: 'psk:db1--web1', created: '', secret: Secret.fromHex(planted) }],
    ]),
  };
  const rendered = render(seedInventory('ike-psk'), 'web1');
  expect(inspect(rendered, { depth: 20 }) + JSON.stringify(rendered)).not.toContain('c0ffee11');
  const preshared = rendered.files.find(({ path }) => path === '/etc/inet/secret/ike.preshared');
  if (preshared === undefined) throw new Error('no PSK file');
  const names = keyNames(store, [preshared]);
  const masked = maskedText(preshared, names, 3);
  expect(masked).toContain(`key <PSK db1–web1 ${names[0]?.fingerprint.slice(0, 8) ?? ''}…, 256 bits>`);
  expect(masked).toContain('generation 3.');
  expect(maskedText(preshared, [], 3)).toContain('key <PSK db1–web1, not made yet>');
  expect(masked).not.toContain('c0ffee11');
});

test('the example of docs/templates.md renders as it says', () => {
  const example = /```handlebars\n([\s\S]*?)```/.exec(readFileSync('docs/templates.md', 'utf8'))?.[1] ?? '';
  const own = { path: 'bastion.hbs', file: 'docs/templates.md', text: example };
  const { set, problems } = templateSet([...builtInTemplates(), own]);
  expect(problems).toEqual([]);
  const gate = host('gate1', ['10.0.9.1'], 'bastion', { resolver: '10.0.0.53', contact: 'noc' });
  const fleet = inventory([gate, host('db1', ['10.0.2.21'])], [link('gate1', 'db1')]);
  const rendered = renderHost({ host: gate, index: indexInventory(fleet), templates: set, saFor: () => undefined });
  expect([...rendered.problems, ...readBack(rendered)]).toEqual([]);
  expect(text(rendered, '/etc/inet/ipsecinit.conf')).toMatch(
    /^{ laddr 10\.0\.9\.1 lport 22 raddr 10\.0\.2\.21 ulp tcp dir both } ipsec /m,
  );
});

test('every value that templates are promised is there, and documented', () => {
  const promised =
    'fleet generation host vars management bypasses mirrors extraRules refuseOthers ipv6 suite links ike sas keys cr'.split(
      ' ',
    );
  const fleet = seedInventory('manual');
  const index = indexInventory(fleet);
  const web = hostNamed(fleet, 'web1');
  const subject = { ...web, understood: index.varsOf(web), management: [], links: index.linksOf('web1') };
  const { root } = templateData(hostView(subject, index), index, () => ({ spi: 4096 }));
  expect(Object.keys(root).sort()).toEqual([...promised].sort());
  const page = readFileSync('docs/templates.md', 'utf8');
  for (const name of promised) expect(page).toMatch(new RegExp(`\\| [^|]*\`${name}[.\`]`));
});

test('a fleet of 300 hosts and 3,000 links is rendered', () => {
  const hosts = Array.from({ length: 300 }, (_, i) => host(`h${i}`, [`10.1.${i >> 8}.${i & 255}`]));
  const links = hosts.flatMap(({ name }, i) =>
    Array.from({ length: 10 }, (_, k) => link(name, `h${(i + k + 1) % 300}`)),
  );
  const fleet = inventory(hosts, links);
  const index = indexInventory(fleet);
  const rendered = hosts.map((one) => renderHost({ host: one, index, templates: TEMPLATES, saFor: () => undefined }));
  expect(rendered.every(({ files, problems }) => files.length === 3 && problems.length === 0)).toBe(true);
});
