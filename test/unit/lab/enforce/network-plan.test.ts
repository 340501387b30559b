import { expect, test } from 'vitest';
import {
  attachCommands,
  controllerAddresses,
  macOf,
  onlineCommands,
  wireCommands,
} from '../../../../controller/lab/enforce/network-plan.js';
import { outsiders, seedHosts } from '../../../../controller/lab/seed-inventory.js';
import {
  formatAddress,
  parseAddress,
  parsePrefix,
  type Address,
  type Prefix,
} from '../../../../controller/model/address.js';

const address = (text: string): Address => parseAddress(text) ?? expect.fail(text);
const prefix = (text: string): Prefix => parsePrefix(text) ?? expect.fail(text);
const chosen = (management: readonly string[], hosts: readonly string[]): string[] =>
  controllerAddresses(management.map(prefix), hosts.map(address)).map(formatAddress);

test('a host that boots again has the MAC address it had, and no two hosts share one', () => {
  const names = seedHosts(200).flatMap(({ name }) => [name, `${name} wire`]);
  expect(macOf('web1')).toBe(macOf('web1'));
  expect(new Set(names.map(macOf)).size).toBe(names.length);
  // Unicast, locally administered.
  expect(macOf('web1')).toMatch(/^02(:[0-9a-f]{2}){5}$/);
});

test('the controller takes a management address that no host has', () => {
  expect(chosen(['10.0.0.5/32'], ['10.0.1.11'])).toEqual(['10.0.0.5']);
  expect(chosen(['10.0.1.11/32', '10.0.9.0/29'], ['10.0.1.11', '10.0.9.1'])).toEqual(['10.0.9.2']);
  expect(chosen(['10.0.9.4/31'], ['10.0.1.11'])).toEqual(['10.0.9.4']);
});

test('the controller has an address of each family that hosts have, whatever the inventory says', () => {
  expect(chosen([], ['10.0.1.11'])).toEqual(['10.0.0.5']);
  expect(chosen(['127.0.0.1/32', '::1/128'], ['10.0.0.5', 'fd00::7'])).toEqual(['10.0.0.6', 'fd00::5']);
  expect(chosen(['fd00:9::/64', '10.7.0.1/32'], ['fd00::7'])).toEqual(['fd00:9::1']);
});

test('the controller of an inventory that lets everybody manage it is not at an address that is nobody’s', () => {
  expect(chosen(['0.0.0.0/0', '::/0'], ['10.0.1.11', 'fd00::7'])).toEqual(['10.0.0.5', 'fd00::5']);
});

test('an outsider has no name, address or MAC address that is another’s', () => {
  const hosts = [
    { name: 'outsider1', addresses: [address('10.0.1.11')] },
    { name: 'web1', addresses: [address('192.0.2.10')] },
    { name: 'controller', addresses: [address('2001:db8::c')] },
  ];
  expect(outsiders(2, hosts).map(({ name }) => name)).toEqual(['outsider3', 'outsider5']);
  expect(wireCommands([])).not.toContain(macOf('controller'));
});

test('all cables are laid in one batch, each into the namespace of its host', () => {
  const text = attachCommands([
    { host: 'web1', port: 'h1', pid: 41 },
    { host: 'db1', port: 'h2', pid: 42 },
  ]);
  expect(text.split('\n').filter((line) => line.startsWith('link add'))).toEqual([
    `link add h1 address ${macOf('web1 wire')} gso_max_segs 1 type veth peer name net0 address ${macOf('web1')} gso_max_segs 1 netns 41`,
    `link add h2 address ${macOf('db1 wire')} gso_max_segs 1 type veth peer name net0 address ${macOf('db1')} gso_max_segs 1 netns 42`,
  ]);
});

test('every address is on the link and none of a host waits for duplicate address detection', () => {
  const text = onlineCommands([address('10.0.1.11'), address('fd00::7')]);
  expect(text).toContain('address add 10.0.1.11/32 dev net0\n');
  expect(text).toContain('address add fd00::7/128 nodad dev net0\n');
  expect(text).toContain('route add 0.0.0.0/0 dev net0\nroute add ::/0 dev net0\n');
  expect(wireCommands([address('10.0.0.5')])).not.toContain('::/0');
});
