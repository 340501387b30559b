import { expect, test } from 'vitest';

import { chooseLinks } from '../../../controller/inventory/choose-links.js';
import { readInventory } from '../../support/seed-case.js';

const inventory = readInventory(`version: 1
fleet: test
management: [10.0.0.5]
defaults: { ssh: { user: deploy } }
groups: { web: {}, db: {} }
hosts:
  web-1: { address: 10.0.1.11, groups: [web] }
  web-2: { address: 10.0.1.12, groups: [web] }
  db1: { address: 10.0.2.21, groups: [db] }
  app: { address: 10.0.3.31 }
links:
  - between: [web, db]
  - between: [db1, { external: mainframe, address: 10.9.0.7 }]
`);

const ids = (...words: readonly string[]): readonly string[] => chooseLinks(inventory, words).map(({ id }) => id);

test('a link is named by its two ends in any order, also where names have hyphens, or by its id', () => {
  expect(ids('web-1-db1')).toEqual(['db1--web-1']);
  expect(ids('db1-web-2', 'web-2--db1', 'db1--web-2')).toEqual(['db1--web-2']);
  expect(ids('db1-mainframe')).toEqual(['db1--mainframe']);
});

test('a host, a group or a pattern stands for all of its links, no word for all there are', () => {
  expect(ids('web-1')).toEqual(['db1--web-1']);
  expect(ids('web')).toEqual(['db1--web-1', 'db1--web-2']);
  expect(ids('w*,!web-1')).toEqual(['db1--web-2']);
  expect(ids('db1')).toHaveLength(3);
  expect(ids()).toHaveLength(3);
});

test('a word that names no link says so, with what may have been meant', () => {
  expect(() => ids('app')).toThrow('no link of the inventory has an end that "app" names');
  expect(() => ids('wbe-1-db1')).toThrow('"wbe-1-db1" is no link of the inventory, and no host or group');
  expect(() => ids('dbb1')).toThrow('no host or group is called "dbb1"');
});
