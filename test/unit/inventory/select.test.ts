import { expect, test } from 'vitest';
import { OperatorError } from '../../../controller/errors.js';
import { linkPeers, selectHosts } from '../../../controller/inventory/select.js';
import { parseText } from './inventory-text.js';

const { inventory } = parseText(
  `
defaults: { ssh: { user: u } }
groups: { web: { hosts: ['web*'] }, db: { hosts: [db1] }, edge: { children: [web] } }
hosts:
  web[1:3]: { address: '10.0.1.[1:3]' }
  db1: { address: 10.0.2.1 }
  db: { address: 10.0.2.2 }
links:
  - between: [web, db1]
  - between: [db1, { external: mainframe, address: 10.9.0.7 }]
  - between: [db1, db]
`
    .replace('  db: { address', '  mail: { address')
    .replace('[db1, db]', '[db1, mail]'),
);

const names = (limit?: string): string =>
  selectHosts(inventory, limit)
    .map((host) => host.name)
    .join(' ');

test.each([
  [undefined, 'web1 web2 web3 db1 mail'],
  ['web1', 'web1'],
  ['mail,web1', 'web1 mail'],
  ['web*,!web3', 'web1 web2'],
  ['!web3,web*', 'web1 web2'],
  ['!web', 'db1 mail'],
  ['! web , !mail', 'db1'],
  ['@web,db1', 'web1 web2 web3 db1'],
  ['edge', 'web1 web2 web3'],
  ['web[2:3]', 'web2 web3'],
  ['w?b1,,', 'web1'],
  ['*,!*[1:2]', 'LIMIT_NO_MATCH'],
])('--limit %j chooses %s', (limit, expected) => {
  if (expected === 'LIMIT_NO_MATCH') expect(() => names(limit)).toThrow(OperatorError);
  else expect(names(limit)).toBe(expected);
});

test.each([
  ['wbe1', 'LIMIT_NO_MATCH', 'no host or group is called "wbe1"', 'did you mean "web1"?'],
  ['web1,nothing', 'LIMIT_NO_MATCH', 'no host or group is called "nothing"', 'name a host or group of the inventory'],
  ['@web1', 'LIMIT_NO_MATCH', 'no group is called "web1"', 'did you mean "web"?'],
  ['!wbe', 'LIMIT_NO_MATCH', 'no host or group is called "wbe"', 'did you mean "web"?'],
  ['mainframe', 'LIMIT_NO_MATCH', 'no host or group is called "mainframe"', 'name a host or group of the inventory'],
  [
    'web,!edge',
    'LIMIT_NO_HOSTS',
    '"web,!edge" leaves no host to work on',
    'exclude fewer hosts, or name a group that has some',
  ],
  [' , ', 'LIMIT_EMPTY', 'the limit names no host', 'name hosts or groups, or leave the option out for all hosts'],
])('--limit %j is refused', (limit, code, what, todo) => {
  const attempt = (): unknown => selectHosts(inventory, limit);
  expect(attempt).toThrow(OperatorError);
  expect(attempt).toThrow(expect.objectContaining({ code, what, todo, where: '--limit', exit: 1 }));
});

test('the peers of a selection are the hosts at the other end of its links', () => {
  const peersOf = (limit: string): string => linkPeers(inventory, selectHosts(inventory, limit)).join(' ');
  expect(peersOf('web1')).toBe('db1');
  expect(peersOf('db1')).toBe('web1 web2 web3 mail');
  expect(peersOf('web*,db1')).toBe('mail');
  expect(peersOf('*')).toBe('');
});

test('an error names the words that it is about: not every command has --limit', () => {
  expect(() => selectHosts(inventory, 'wbe1', 'drill')).toThrow(expect.objectContaining({ where: 'drill' }));
});
