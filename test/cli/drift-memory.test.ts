/** The commands that look into the memory of drift and change it, as an operator types them. No host is gone to. */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { showAcceptances } from '../../controller/cli/commands/drift/accept.js';
import { showMemory } from '../../controller/cli/commands/drift/incidents.js';
import { quarantineText } from '../../controller/report/incident-text.js';
import type { Output } from '../../controller/cli/output.js';
import { openDriftStore } from '../../controller/history/drift-store.js';
import type { DriftMemory } from '../../controller/model/drift.js';
import { plain } from '../../controller/report/paint.js';
import { jsonLines, PROGRAM } from '../support/cli.js';
import { expectDocumented, type Line } from '../support/json-document.js';
import { finding, look, Watch } from '../unit/drift/memory-support.js';

const INVENTORY = `version: 1
fleet: test
management: [192.0.2.1]
defaults: { keying: ike-psk, ssh: { user: deploy, privilege: none } }
groups: { all: { template: peer } }
hosts:
  web1: { address: 192.0.2.11, groups: [all] }
  db1: { address: 192.0.2.12, groups: [all] }
links: [{ between: [web1, db1] }]
`;
const MODE = finding();
const FOREIGN = finding({
  kind: 'rule-foreign',
  subject: '{lport 80} bypass {}',
  severity: 'critical',
  what: 'a foreign rule',
});

let folder: string;
beforeAll(async () => {
  folder = fs.mkdtempSync(join(tmpdir(), 'ipsec-memory-'));
  fs.writeFileSync(join(folder, 'inventory.yaml'), INVENTORY);
  const watch = new Watch({ hosts: ['web1', 'db1'] });
  watch.pass(0, look('web1', [MODE, FOREIGN]), look('db1'));
  const quarantines = [{ host: 'db1', since: '2026-11-22T10:00:00.000Z', reason: 'drifted again' }];
  await store().write({ ...watch.memory, quarantines });
});
afterAll(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

function store() {
  return openDriftStore({ path: join(folder, '.ipsec-deploy', 'drift.db'), clock: { now: () => new Date() } });
}

function remembered(): Promise<DriftMemory> {
  return store().read();
}

function drift(...words: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, 'drift', ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, TERM: 'dumb', SUDO_USER: 'mara' },
  });
  return { status, stdout, stderr };
}

/** What a command that only lists prints under `--output json`, without a process of its own. */
function toldInJson(show: typeof showMemory, memory: DriftMemory): readonly Line[] {
  const told: string[] = [];
  const output: Output = {
    format: 'json',
    paint: plain,
    live: false,
    print: (text) => expect.fail(`not JSON: ${text}`),
    note: (text) => expect.fail(text),
    json: (value) => void told.push(JSON.stringify(value)),
  };
  show({ output, clock: { now: () => new Date() } }, memory);
  return jsonLines({ stdout: told.join('\n') });
}

test('a finding is accepted by a part of its name, until a day, by a person, for a reason', async () => {
  const words = ['--until', '14d', '--reason', 'until the mail host moves'];
  const ran = drift('accept', 'web1', 'rule-f', ...words, '--output', 'json');
  expect([ran.status, ran.stderr]).toEqual([0, '']);
  const lines = jsonLines(ran);
  expectDocumented(lines, 'drift-accepted');
  const { acceptances } = await remembered();
  expect(acceptances).toMatchObject([{ host: 'web1', by: 'mara', reason: 'until the mail host moves' }]);
  expect(lines).toMatchObject([{ ...acceptances[0], inForce: true }]);
});

test('the command that releases a host names its inventory as a shell takes it', () => {
  const [host, since, reason] = ['db1', '2026-11-22T10:00:00.000Z', 'drifted again'];
  expect(quarantineText({ host, since, reason }, { inventory: 'dc1/inv.yaml' })).toMatch(
    /then ipsec-deploy drift release db1 dc1\/inv.yaml\n$/,
  );
  expect(quarantineText({ host, since, reason })).toMatch(/drift release db1\n$/);
});

test('what is open is listed with its id, the worst last, and hosts that are left alone with the way back', async () => {
  const { status, stdout } = drift('incidents');
  expect(status).toBe(0);
  const lines = stdout.split('\n').filter((line) => !line.startsWith('  '));
  expect(lines).toEqual([
    'warning web1: /etc/inet/ipsecinit.conf has mode 0644, not 0400',
    expect.stringMatching(/^critical web1: a foreign rule \(accepted until 20.*Z\)$/),
    'left alone db1: drifted again (since 2026-11-22T10:00:00.000Z)',
    '2 open; last pass 2026-11-22T10:00:00.000Z',
    '',
  ]);
  const told = toldInJson(showMemory, await remembered());
  expectDocumented(told, 'drift-incident', 'drift-quarantine');
  expect(told).toContainEqual(expect.objectContaining({ event: 'drift-incident', kind: 'rule-foreign', host: 'web1' }));
  expect(told.at(-1)).toMatchObject({ host: 'db1', reason: 'drifted again' });
  const released = jsonLines(drift('release', 'db1', '--output', 'json'));
  expectDocumented(released);
  expect(released).toMatchObject([{ event: 'drift-released', host: 'db1', reason: 'drifted again' }]);
  expect((await remembered()).quarantines).toEqual([]);
});

test('what was accepted can be listed and taken back', async () => {
  const { stdout } = drift('accepted');
  expect(stdout).toMatch(
    /^accepted web1: rule-foreign-[0-9a-f]{6} until 20.*Z\n {2}reason: until the mail host moves \(mara, /,
  );
  const { acceptances } = await remembered();
  const told = toldInJson(showAcceptances, await remembered());
  expectDocumented(told, 'drift-acceptance');
  expect(told).toMatchObject([{ ...acceptances[0], inForce: true }]);
  expect(drift('unaccept', 'web1', 'rule-foreign').stdout).toBe(
    stdout.replace('accepted', 'no longer accepted').replace(/until (\S+Z)$/m, '(it was until $1)'),
  );
  expect((await remembered()).acceptances).toEqual([]);
  await store().write({ ...(await remembered()), acceptances });
  const ran = drift('unaccept', 'web1', 'rule-foreign', '--output', 'json');
  expect([ran.status, ran.stderr]).toEqual([0, '']);
  const lines = jsonLines(ran);
  expectDocumented(lines, 'drift-unaccepted');
  expect(lines).toMatchObject([{ host: 'web1', by: 'mara' }]);
  expect((await remembered()).acceptances).toEqual([]);
});
