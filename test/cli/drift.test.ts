/** `drift` as an operator types it: what it prints and how it ends. What it finds is the business of drift-kinds. */

import * as fs from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { jsonLines, TestFleet } from '../support/cli.js';
import { KEYS_FILE, POLICY_FILE, PSK_FILE } from '../support/watched-host.js';
import { expectDocumented } from '../support/json-document.js';
import { readXml } from '../support/xml.js';

let fleet: TestFleet;
beforeAll(async () => {
  fleet = await TestFleet.start();
  await fleet.expect(0, 'apply');
});
afterAll(() => fleet.close());

test('hosts that are as confirmed are one line, asked once each, and nothing is written here or there', async () => {
  const before = await fleet.states();
  fleet.forget();
  const { stdout, stderr } = await fleet.expect(0, 'drift');
  expect([stdout, stderr]).toEqual(['as wanted: db1, web1\n2 hosts: 2 clean\n', '']);
  const hosts = [...fleet.hosts.values()];
  expect(hosts.map(({ connections, changes }) => ({ connections, changes }))).toEqual([
    { connections: 1, changes: [] },
    { connections: 1, changes: [] },
  ]);
  expect(await fleet.states()).toEqual(before);
  expect(fs.existsSync(fleet.file('.ipsec-deploy'))).toBe(false);
});

test('what drifted is exit 2, one entry for both hosts, with the command that mends it; and that command mends it', async () => {
  for (const host of fleet.hosts.values()) {
    fs.chmodSync(host.path(POLICY_FILE), 0o644);
    // Root alone may give files away.
    if (process.getuid?.() === 0) fs.chownSync(host.path(PSK_FILE), 1234, 0);
  }
  const { stdout } = await fleet.expect(2, 'drift', '--no-color');
  expect(stdout).toContain(`warning db1, web1 (2 hosts): ${POLICY_FILE} has mode 0644, not 0400`);
  expect(stdout).toMatch(/\n2 hosts: 2 drifted, 0 clean\n$/);
  const [, words = ''] = /mend: +ipsec-deploy (.*)\n/.exec(stdout) ?? [];
  expect(words).toBe('apply inventory.yaml --limit db1,web1');
  await fleet.expect(0, ...words.split(' '));
  expect((await fleet.expect(0, 'drift')).stdout).toBe('as wanted: db1, web1\n2 hosts: 2 clean\n');
});

test('what only waits to be applied is no drift: exit 0, or 2 with --strict, and not looked for with --no-pending', async () => {
  fleet.openPort(8443);
  const [usual, strict, without] = await Promise.all([
    fleet.expect(0, 'drift'),
    fleet.expect(2, 'drift', '--strict', '--output', 'json'),
    fleet.expect(0, 'drift', '--strict', '--no-pending', '--limit', 'web1'),
  ]);
  expect(usual.stdout).toMatch(/^pending web1: the inventory asks for more than generation \d+: /m);
  expect(usual.stdout).toMatch(/\n2 hosts: 2 with a pending change, 0 clean\n$/);
  expect(without.stdout).toBe('as confirmed: web1\n1 host: 1 clean\n');
  const found = jsonLines(strict);
  expectDocumented(found, 'drift-look', 'drift-finding', 'drift-ended');
  expect(found).toContainEqual(expect.objectContaining({ event: 'drift-finding', class: 'pending', host: 'web1' }));
  expect(found.at(-1)).toMatchObject({ event: 'drift-ended', asked: 2, hosts: { drift: 0, pending: 2 }, exit: 2 });
});

test('a host that does not answer is exit 4, an error of its own in JUnit, and no word on the others is lost', async () => {
  await fleet.db1.lab.powerCut();
  fs.chmodSync(fleet.web1.path(PSK_FILE), 0o644);
  const { stdout } = await fleet.expect(4, 'drift', '--output', 'junit', '--no-pending');
  await fleet.db1.lab.boot();
  const root = readXml(stdout);
  expect(root.attributes).toMatchObject({ name: 'ipsec-deploy drift lab', failures: '1', errors: '1', skipped: '6' });
  expect(root.text).toContain(`${PSK_FILE} has mode 0644`);
});

test('a key store that does not open leaves pending changes out, and says so', async () => {
  fs.renameSync(fleet.file('identity.txt'), fleet.file('elsewhere.txt'));
  const { stdout, stderr } = await fleet.expect(2, 'drift', '--limit', 'web1');
  fs.renameSync(fleet.file('elsewhere.txt'), fleet.file('identity.txt'));
  expect(stderr).toContain('note: pending changes are not looked for');
  expect(stdout).not.toContain('pending');
  expect(stdout).not.toContain(KEYS_FILE);
});
