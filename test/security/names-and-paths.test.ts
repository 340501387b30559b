/** Names and paths that lead out of where they belong: in inventories, templates, and in what is asked of the agent on a host. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InputProblems } from '../../controller/errors.js';
import { isName, templateNames } from '../../controller/import/inventory-names.js';
import { parseInventory } from '../../controller/inventory/parse.js';
import { LabAgent } from '../agent/support/lab-agent.js';

const WAYS_OUT = [
  '../x',
  '..',
  '.',
  '/etc/x',
  'a/b',
  'a/../../b',
  '-rf',
  '',
  'a\u0000b',
  'a\nb',
  'a b',
  '~root',
  '$(id)',
  'a;id',
  '%2e%2e',
  'a\\b',
];

/** Codes of what is wrong with an inventory. */
function faults(text: string): readonly string[] {
  try {
    parseInventory({ path: 'i.yaml', readFile: () => text });
    return [];
  } catch (error) {
    if (error instanceof InputProblems) return error.problems.map(({ code }) => code);
    throw error;
  }
}

function inventory({ fleet = 'f', host = 'h', group = 'g', external = 'e' }): string {
  const words = (text: string): string => JSON.stringify(text);
  return `version: 1
fleet: ${words(fleet)}
management: [10.0.0.5]
defaults: { ssh: { user: deploy } }
groups: { ${words(group)}: { template: peer } }
hosts: { ${words(host)}: { address: 10.0.0.1, groups: [${words(group)}] } }
links: [{ between: [${words(host)}, { external: ${words(external)}, address: 10.0.0.9 }] }]
`;
}

test.each(['fleet', 'host', 'group', 'external'] as const)('no %s of an inventory is called by a way out', (what) => {
  expect(faults(inventory({}))).toEqual([]);
  for (const name of WAYS_OUT) expect(faults(inventory({ [what]: name })), JSON.stringify(name)).not.toEqual([]);
});

test('what hosts call themselves and others becomes a name only where it is one, and never a path', () => {
  expect(WAYS_OUT.filter(isName)).toEqual([]);
  const nameOf = templateNames();
  for (const host of [...WAYS_OUT, 'web1', 'WEB1']) expect(nameOf(host)).toMatch(/^found-[a-z0-9-]*$/);
});

let host: LabAgent;
const SECRET = 'words of a file that is none of ours';
beforeAll(async () => {
  host = await LabAgent.start({ platform: 'solaris-smf' });
  for (const name of ['etc/shadow', 'etc/inet/outside', 'var/outside']) fs.writeFileSync(host.path(name), SECRET);
});
afterAll(() => host.close());

const PATHS = [
  '/etc/shadow',
  '/etc/inet/../shadow',
  '/etc/inet/secret/../../shadow',
  'etc/shadow',
  '/etc/inet/ipsecinit.conf/../outside',
  '/etc/inet/*',
  '/etc/inet/ipsecinit.conf*',
  '$(id)',
  '',
];

test('the agent reads and writes the managed files, whatever path is asked for', async () => {
  const session = await host.open();
  for (const path of PATHS) {
    for (const verb of ['read', 'collect', 'fingerprints'])
      expect((await session.ask(`${verb} path=${path} salt=x`)).last, `${verb} ${path}`).toMatch(/^error |status=1$/);
    const { last } = await session.apply({ files: { [path]: 'x\n' }, spd: [] });
    expect(last, path).toMatch(/state=refused/);
  }
  for (const number of ['../../../etc', '0/../..', '-1', '*', '1e9', ''])
    expect((await session.ask(`generation number=${number}`)).last, number).toBe('end generation status=1');
  for (const id of ['../../etc', '.', '..', '*', '$(id)', '-x', 'x'.repeat(101)]) {
    expect((await session.apply({ id, files: {}, spd: [] })).last, id).toMatch(/state=refused/);
    for (const verb of ['abort', 'confirm', 'extend'])
      expect((await session.ask(`${verb} id=${id} nonce=${id} seconds=1`)).last, `${verb} ${id}`).toMatch(
        /state=unknown|error/,
      );
  }
  session.send('bye\n');
  expect(session.heard).not.toContain(SECRET);
  for (const name of ['etc/shadow', 'etc/inet/outside', 'var/outside'])
    expect(fs.readFileSync(host.path(name), 'utf8')).toBe(SECRET);
  expect(fs.existsSync(join(host.state, 'tx'))).toBe(false);
});
