import { expect, test } from 'vitest';
import { formatAddress } from '../../../controller/model/address.js';
import { expandRanges } from '../../../controller/inventory/range.js';
import { parseText } from './inventory-text.js';

test.each([
  ['web1', 'web1'],
  ['web[1:3]', 'web1 web2 web3'],
  ['web[08:11]', 'web08 web09 web10 web11'],
  ['web[098:101]', 'web098 web099 web100 web101'],
  ['rack-[a:c]', 'rack-a rack-b rack-c'],
  ['r[A:B]n[1:2]', 'rA' + 'n1 rAn2 rBn1 rBn2'],
  ['n[5:5]', 'n5'],
  ['10.0.1.[9:11]', '10.0.1.9 10.0.1.10 10.0.1.11'],
  ['fd00::[9:b]', 'fd00::9 fd00::a fd00::b'],
  ['fd00:[0a:0c]::1', 'fd00:0a::1 fd00:0b::1 fd00:0c::1'],
  ['::ffff:10.0.0.[9:10]', '::ffff:10.0.0.9 ::ffff:10.0.0.10'],
])('%s stands for %s', (text, expected) => {
  expect(expandRanges(text)).toEqual({ kind: 'expanded', values: expected.split(' ') });
});

test('names, addresses and SSH names of a range run in step', () => {
  const { inventory } = parseText(`
defaults: { ssh: { user: u } }
hosts:
  web[09:11]:
    address: ['10.0.1.[19:21]', 'fd00::[9:b]']
    ssh: { host: 'web[09:11].example.com' }
links: [{ mesh: 'web*' }]`);
  expect(inventory.hosts.map((host) => [host.name, host.addresses.map(formatAddress), host.ssh.host])).toEqual([
    ['web09', ['10.0.1.19', 'fd00::9'], 'web09.example.com'],
    ['web10', ['10.0.1.20', 'fd00::a'], 'web10.example.com'],
    ['web11', ['10.0.1.21', 'fd00::b'], 'web11.example.com'],
  ]);
});
