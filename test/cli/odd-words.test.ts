import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { hostStatus } from '../../controller/lab/host-status.js';
import { TestFleet } from '../support/cli.js';

let fleet: TestFleet;
beforeAll(async () => {
  fleet = await TestFleet.start();
});
afterAll(() => fleet.close());

test.each([
  [['render', 'web1', '--generation', 'abc'], '--generation takes a whole number from 0'],
  [['render', 'web1', '--generation', '-4'], '--generation takes a whole number from 0'],
  [['rollback', '--to', 'abc'], '--to takes a whole number from 0'],
  [['rollback', '--to', '1.5'], '--to takes a whole number from 0'],
  [['plan', '--forks', '501'], '--forks takes a whole number from 1 to 500'],
  [['bogus'], 'there is no command "bogus"'],
  [['init', 'inventory.yaml'], 'inventory.yaml: error: this is a file, not a folder'],
  [['lab', 'up', '--folder', 'inventory.yaml'], 'inventory.yaml: error: this is a file, not a folder'],
  [['plan', 'nowhere.yaml'], 'start one with `ipsec-deploy init`'],
  [['validate', '/dev/full'], 'this is a device, not a file'],
  [['plan', '--log-file', '/dev/null'], 'it is a device or the like, not a file'],
  [['plan', '--log-file', 'no/such/folder/run.log'], 'the log file cannot be written'],
])('%j is refused before anything is looked at', async (words, said) => {
  const { stderr } = await fleet.expect(1, ...words);
  expect(stderr).toContain(said);
});

test('gives no right to a login that only ssh_config names: a sudoers line without a user breaks sudo', async () => {
  const inventory =
    'version: 1\nfleet: f\nmanagement: [10.0.0.5]\ndefaults: { ssh: { config: ./ssh_config, privilege: sudo } }\n';
  fs.writeFileSync(fleet.file('nobody.yaml'), `${inventory}hosts: { web1: { address: 10.0.1.11, template: peer } }\n`);
  const { stderr, stdout } = await fleet.expect(1, 'privileges', 'web1', 'nobody.yaml');
  expect(stderr).toContain('the inventory does not say who logs in to web1');
  expect(stdout).toBe('');
});

test('render says what is in the way of its folder', async () => {
  fs.mkdirSync(fleet.file('out'));
  fs.writeFileSync(fleet.file('out/etc'), '');
  const { stderr } = await fleet.expect(1, 'render', 'web1', '--out', 'out');
  expect(stderr).toContain('out/etc/inet: error: the folder cannot be made (ENOTDIR)');
});

test('a tool that cannot list what is loaded is told by its own words, not as a breach of the protocol', async () => {
  const fault = fleet.db1.fault('ipsecconf', { kind: 'fail', stderr: 'ipsecconf: no such device\n' });
  const { stdout } = await fleet.expect(4, 'plan', '--limit', 'db1');
  fault.release();
  expect(stdout).toContain('db1: the host could not list the loaded policy (status 1)');
  expect(stdout).not.toContain('protocol');
});

test('a lab that is to play an inventory with mistakes says where these are, and nothing is started', async () => {
  fs.writeFileSync(fleet.file('broken.yaml'), fleet.inventory.replace('keying: ike-psk', 'keying: carrier-pigeon'));
  const { stderr } = await fleet.expect(1, 'lab', 'up', '--folder', 'played', '--from', 'broken.yaml');
  expect(stderr).toMatch(/^broken\.yaml:\d+:\d+: error: /);
  expect(fs.existsSync(fleet.file('played'))).toBe(false);
});

test('the lab knows the current generation of a host by its number', async () => {
  const { lab } = fleet.web1;
  expect((await hostStatus(lab)).generation).toBeNull();
  for (const generation of ['0', '2', '10']) {
    const folder = join(lab.root, 'var/ipsec-deploy/generations', generation);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(join(folder, 'confirmed'), '');
  }
  fs.mkdirSync(join(lab.root, 'var/ipsec-deploy/generations/11')); // not confirmed yet
  expect((await hostStatus(lab)).generation).toBe('10');
});
