import { expect, test } from 'vitest';
import { defaultDrift } from '../../../controller/inventory/drift-settings.js';
import { parseInventory } from '../../../controller/inventory/parse.js';
import { parseText } from './inventory-text.js';

const LINKS = `links: [{ mesh: '*' }]`;

test('vars merge by key, weakest first: defaults, outer group, inner group, later group, host', () => {
  const { inventory } = parseText(`
defaults: { ssh: { user: u }, vars: { a: 0, b: 0, c: 0, d: 0, e: 0, map: { x: 0, y: 0 }, list: [1, 2] } }
groups:
  late: { vars: { d: late, e: late } }
  inner: { vars: { c: inner, d: inner, e: inner } }
  outer: { children: [inner], vars: { b: outer, c: outer, map: { y: outer } } }
hosts:
  h: { address: 10.0.1.1, groups: [inner, late], vars: { e: host, map: { z: host }, list: [3] } }
  other: { address: 10.0.1.2 }
${LINKS}`);
  expect(inventory.hosts[0]?.groups).toEqual(['outer', 'inner', 'late']);
  expect(inventory.hosts[0]?.vars).toEqual({
    ...{ a: 0, b: 'outer', c: 'inner', d: 'late', e: 'host' },
    map: { x: 0, y: 'outer', z: 'host' },
    list: [3],
  });
  expect(inventory.hosts[1]?.vars).toEqual({ a: 0, b: 0, c: 0, d: 0, e: 0, map: { x: 0, y: 0 }, list: [1, 2] });
});

test('a null value replaces what a weaker layer says', () => {
  const { inventory } = parseText(`
defaults: { ssh: { user: u }, vars: { bypass: [{ lport: 80 }] } }
hosts: { a: { address: 10.0.1.1, vars: { bypass: null } }, b: { address: 10.0.1.2 } }
${LINKS}`);
  expect(inventory.hosts[0]?.vars).toEqual({ bypass: null });
});

test('a group that names a host is weaker than the groups the host lists', () => {
  const { inventory } = parseText(`
defaults: { ssh: { user: u } }
groups:
  listed: { template: mesh }
  naming: { template: peer, hosts: ['a*', 'c[1:2]'] }
hosts:
  a1: { address: 10.0.1.1, groups: [listed] }
  a2: { address: 10.0.1.2 }
  c1: { address: 10.0.1.3, template: web-server }
  c2: { address: 10.0.1.4, groups: [naming, listed] }
${LINKS}`);
  expect(inventory.hosts.map((host) => [host.name, host.groups.join(' '), host.template])).toEqual([
    ['a1', 'naming listed', 'mesh'],
    ['a2', 'naming', 'peer'],
    ['c1', 'naming', 'web-server'],
    ['c2', 'naming listed', 'mesh'],
  ]);
});

test('an outer group stays weaker than its child, however the host lists them', () => {
  const { inventory } = parseText(`
defaults: { ssh: { user: u } }
groups: { outer: { children: [inner] }, inner: {}, top: { children: [outer] } }
hosts: { a: { address: 10.0.1.1, groups: [inner, outer] }, b: { address: 10.0.1.2, groups: [outer] } }
${LINKS}`);
  expect(inventory.hosts[0]?.groups).toEqual(['top', 'outer', 'inner']);
  expect([...inventory.groups]).toEqual([
    ['outer', ['a', 'b']],
    ['inner', ['a']],
    ['top', ['a', 'b']],
  ]);
});

test('ssh settings merge by key and paths start from the file that says them', () => {
  const { inventory } = parseText(
    `
include: racks/one.yaml
defaults:
  ssh: { user: u, privilege: pfexec, knownHosts: [known, ~/.ssh/k], auth: [{ key: keys/id }, password] }
settings: { keyStore: ../store.age, templates: /srv/templates, logFile: ./run.log }
hosts: { a: { address: 10.0.1.1, ssh: { port: 2222, privilege: sudo } } }
${LINKS}`,
    {
      'conf/racks/one.yaml':
        'hosts: { b: { address: 10.0.1.2, ssh: { user: v, auth: [{ key: id2, passphraseEnv: P }, { passwordEnv: Q }, agent] } } }',
    },
  );
  const [a, b] = inventory.hosts;
  expect(a?.ssh).toMatchObject({ host: '10.0.1.1', port: 2222, user: 'u', privilege: 'sudo' });
  expect(a?.ssh.knownHosts).toEqual(['conf/known', '~/.ssh/k']);
  expect(a?.ssh.auth).toEqual([{ kind: 'key', file: 'conf/keys/id' }, { kind: 'password' }]);
  expect(b?.ssh).toMatchObject({ user: 'v', privilege: 'pfexec' });
  expect(b?.ssh.auth).toEqual([
    { kind: 'key', file: 'conf/racks/id2', passphraseEnv: 'P' },
    { kind: 'password', passwordEnv: 'Q' },
    { kind: 'agent' },
  ]);
  expect(inventory.settings).toEqual({
    keyStore: 'store.age',
    recipients: [],
    templates: '/srv/templates',
    logFile: 'conf/run.log',
    forks: 20,
    confirmWindowSeconds: 60,
    keepGenerations: 10,
    drift: defaultDrift('conf/inventory.yaml'),
  });
});

test('a link takes what its line says, else what an end says, else the defaults', () => {
  const { inventory } = parseText(`
defaults: { ssh: { user: u }, suite: { encr: AES(192), encrAuth: SHA-384 } }
groups: { m: { keying: manual } }
hosts:
  a: { address: 10.0.1.1 }
  b: { address: 10.0.1.2 }
  c: { address: 10.0.1.3, groups: [m] }
  d: { address: 10.0.1.4, suite: { encr: aes-gcm } }
links:
  - between: [a, b]
  - between: [a, c]
  - between: [b, c]
    keying: ike-psk
  - between: [a, d]
  - between: [b, d]
    suite: { encr: aes, encrAuth: sha256 }
  - between: [c, { external: mainframe, address: [10.9.0.7, 'fd00::7'] }]`);
  expect(inventory.links.map(({ id, keying, suite }) => [id, keying, suite])).toEqual([
    ['a--b', 'ike-psk', { encr: 'aes(192)', encrAuth: 'sha384' }],
    ['a--c', 'manual', { encr: 'aes(192)', encrAuth: 'sha384' }],
    ['b--c', 'ike-psk', { encr: 'aes(192)', encrAuth: 'sha384' }],
    ['a--d', 'ike-psk', { encr: 'aes-gcm16(256)' }],
    ['b--d', 'ike-psk', { encr: 'aes(256)', encrAuth: 'sha256' }],
    ['c--mainframe', 'manual', { encr: 'aes(192)', encrAuth: 'sha384' }],
  ]);
});

test('the classic suite is two weak algorithms and one warning that names both', () => {
  const { inventory, warnings } = parseText(`
defaults: { ssh: { user: u }, suite: classic }
hosts: { a: { address: 10.0.1.1 }, b: { address: 10.0.1.2 } }
${LINKS}`);
  expect(inventory.links[0]?.suite).toEqual({ encr: 'blowfish', encrAuth: 'sha1' });
  expect(warnings.map(({ code, severity }) => `${severity} ${code}`)).toEqual(['warning WEAK_SUITE']);
  expect(warnings[0]?.what).toMatch(/^blowfish .*Sweet32.*; sha1 .*dated/);
});

test('anchors, merge keys, a byte-order mark and Windows line ends are read', () => {
  const text = `\uFEFFversion: 1
fleet: f
management: 10.0.0.5
defaults: &base
  ssh: { user: u }
groups:
  g: { <<: *base, template: peer }
hosts: { a: { address: 10.0.1.1, groups: [g] }, b: { address: 10.0.1.2 } }
links: [{ mesh: '*' }]
`.replaceAll('\n', '\r\n');
  const { inventory, warnings } = parseInventory({ path: 'i.yaml', readFile: () => text });
  expect(warnings).toEqual([]);
  expect(inventory.hosts.map((host) => [host.template, host.ssh.user])).toEqual([
    ['peer', 'u'],
    ['host-to-host', 'u'],
  ]);
});

test('ssh_config may say where a name leads; an address stands, and the host goes by its own name there', () => {
  const { inventory } = parseText(`
defaults: { ssh: { user: u } }
hosts:
  a: { address: 10.0.1.1, ssh: { host: a-mgmt } }
  b: { address: 10.0.1.2, ssh: { host: 192.168.1.2 } }
  c: { address: 10.0.1.3, ssh: { host: 'fd00::3' } }
  d: { address: 10.0.1.4 }`);
  expect(inventory.hosts.map(({ ssh }) => ssh.config?.open.includes('host'))).toEqual([true, false, false, false]);
});
