import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { formatAddress, formatPrefix } from '../../../controller/model/address.js';
import { parseInventory } from '../../../controller/inventory/parse.js';

const example = (): ReturnType<typeof parseInventory> =>
  parseInventory({ path: 'inventory/example/inventory.yaml', readFile: (path) => readFileSync(path, 'utf8') });

test('the example loads without a warning', () => {
  expect(example().warnings).toEqual([]);
});

test('the example is a web server and its peer, linked once', () => {
  const { inventory } = example();
  expect(inventory.fleet).toBe('example');
  expect(inventory.management.map(formatPrefix)).toEqual(['10.0.0.5']);
  expect(
    inventory.hosts.map((host) => [host.name, host.template, host.addresses.map(formatAddress), host.groups]),
  ).toEqual([
    ['web1', 'web-server', ['10.0.1.11'], ['web']],
    ['db1', 'peer', ['10.0.2.21'], ['db']],
  ]);
  expect(inventory.hosts[0]?.ssh).toEqual({
    host: '10.0.1.11',
    port: 22,
    user: 'deploy',
    privilege: 'pfexec',
    auth: [{ kind: 'agent' }],
    connectTimeoutSeconds: 10,
    replyTimeoutSeconds: 60,
    hostKeys: [],
    knownHosts: ['~/.ssh/known_hosts'],
    config: {
      file: '~/.ssh/config',
      isNamed: false,
      open: ['port', 'auth', 'connectTimeoutSeconds', 'knownHosts', 'proxyJump'],
    },
  });
  expect(inventory.hosts[0]?.vars).toEqual({
    bypass: [
      { lport: 80, ulp: 'tcp' },
      { lport: 443, ulp: 'tcp' },
    ],
    dns: true,
  });
  expect(inventory.links).toEqual([
    {
      id: 'db1--web1',
      ends: [
        { kind: 'host', host: 'db1' },
        { kind: 'host', host: 'web1' },
      ],
      keying: 'ike-psk',
      suite: { encr: 'aes(256)', encrAuth: 'sha256' },
      at: { file: 'inventory/example/inventory.yaml', line: 30, column: 5 },
    },
  ]);
  expect(inventory.tests.map((flow) => flow.expect)).toEqual(['protected', 'clear']);
  expect(inventory.settings.keyStore).toBe('inventory/example/keys.age');
  expect([...inventory.groups]).toEqual([
    ['web', ['web1']],
    ['db', ['db1']],
  ]);
});
