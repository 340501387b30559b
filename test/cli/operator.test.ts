import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { PROGRAM, TestFleet, OPENING } from '../support/cli.js';
import { POLICY_FILE, PSK_FILE } from '../support/watched-host.js';
import { expectExit } from '../support/runs.js';
import { SecretSearch, secretsOf } from '../support/secrets.js';

let fleet: TestFleet;
beforeAll(async () => {
  fleet = await TestFleet.start({ hosts: 3 });
});
beforeEach(() => fleet.forget());
afterAll(() => fleet.close());

test('--limit to one end pulls in the peers whose links the change concerns, and says so', async () => {
  const ran = await fleet.expect(0, 'apply', '--limit', 'web1');
  expect(ran.stdout).toContain('note: db1 is included because the change on web1 concerns their link');
  expect(ran.stdout).toContain('note: db2 is included because the change on web1 concerns their link');
  expect(ran.stdout).toContain('3 confirmed');
});

test('--limit leaves out what is named with an exclamation mark, and what is not concerned', async () => {
  const ran = await fleet.expect(0, 'apply', '--limit', 'db*,!db2');
  expect(ran.stdout).toMatch(/^db1: unchanged, generation 1$/m);
  expect(ran.stdout).not.toMatch(/web1|db2/);
  expect(fleet.host('db2').connections).toBe(0);
});

test('a rollback of one end takes back what the same run changed on the others', async () => {
  const before = await fleet.states();
  fleet.openPort(8443);
  await fleet.expect(0, 'apply', ...OPENING);
  const shown = await fleet.expect(2, 'rollback', '--limit', 'db1', '--dry-run');
  expect(shown.stdout).toContain('from generation 1');
  expect(fleet.db1.generation).toBe('2');
  const ran = await fleet.expect(0, 'rollback', '--limit', 'db1');
  expect(ran.stdout).toContain('note: web1 is included because the change on db1 concerns their link');
  expect(ran.stdout).toContain('3 confirmed');
  const now = await fleet.states();
  for (const [name, state] of Object.entries(before)) {
    expect(now[name]).toEqual({ ...state, generation: '3' });
  }
  const status = await fleet.expect(0, 'status', '--limit', 'web1');
  expect(status.stdout).toMatch(/^web1: generation 3 /m);
  expect(status.stdout).toContain('keeps generations 0, 1, 2, 3');
});

test('a rollback to a generation that is not kept is refused, and one to the baseline has to be meant', async () => {
  const none = await fleet.expect(4, 'rollback', '--limit', 'web1', '--to', '9');
  expect(none.stdout).toMatch(/^web1: failed.*generation 9 is not kept/m);
  const clear = await fleet.expect(1, 'rollback', '--limit', 'web1', '--to', '0');
  expect(clear.stderr).toContain('the policy of web1 has no rule: everything would pass in the clear');
  expect(clear.stderr).toContain('--accept-risk unprotected');
  for (const host of fleet.hosts.values()) expect(host.changes).toEqual([]);
});

test('a plan that is refused is shown all the same, and not saved', async () => {
  const { inventory } = fleet;
  fleet.edit('port: 443, expect: clear', 'port: 443, expect: refused');
  const shown = await fleet.expect(1, 'plan', '--out', 'refused.json');
  fleet.writeInventory(inventory);
  expect(shown.stdout).toMatch(/^Plan: \d hosts? to change/m);
  expect(shown.stderr).toContain('--accept-risk failed-tests');
  expect(existsSync(fleet.file('refused.json'))).toBe(false);
});

test('an apply goes on when nobody reads what it prints', async () => {
  fleet.edit('- { lport: 8443, ulp: tcp }', '- { lport: 9443, ulp: tcp }');
  const ran = await fleet.spawn('sh', [
    '-c',
    `{ "$0" "$1" apply --accept-risk in-the-clear; echo "exit $?" >&2; } | head -1`,
    process.execPath,
    PROGRAM,
  ]).ended;
  expect(ran.stdout.trimEnd().split('\n')).toHaveLength(1);
  expect(ran.stderr).toContain('exit 0');
  expect(fleet.web1.read(POLICY_FILE)).toContain('lport 9443');
  expect(fleet.web1.generation).toBe('4');
  expect(fleet.web1.transactionIsOpen).toBe(false);
});

test('render shows fingerprints, and keys in full only to files of mode 0600', async () => {
  const search = new SecretSearch();
  search.add(secretsOf(await fleet.keys()));
  const [shown, piped, written] = await Promise.all([
    fleet.run('render', 'web1'),
    fleet.run('render', 'web1', '--show-secrets'),
    fleet.run('render', 'web1', '--show-secrets', '--out', 'out'),
  ]);
  expectExit(shown, 0);
  expect(shown.stdout).toContain(`==> ${PSK_FILE} (mode 0600)`);
  expect(shown.stdout).toMatch(/key <PSK db1\S+web1 [0-9a-f]{8}…,? 256 bits>/);
  expectExit(piped, 1);
  expect(piped.stderr).toContain('keys are shown on a terminal only, and stdout is none');
  expectExit(written, 0);
  for (const ran of [shown, piped, written]) expect(search.find(ran.stdout + ran.stderr)).toBeUndefined();
  const files = readdirSync(fleet.file('out'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(fleet.file(`out/${name}`)).isFile(),
  );
  expect(files.sort()).toEqual(['etc/inet/ike/config', 'etc/inet/ipsecinit.conf', 'etc/inet/secret/ike.preshared']);
  for (const name of files) expect((statSync(fleet.file(`out/${name}`)).mode & 0o777).toString(8)).toBe('600');
  expect(search.find(readFileSync(fleet.file('out/etc/inet/secret/ike.preshared')))).toBeDefined();
});

test('init makes a fleet that validates, and overwrites nothing', async () => {
  await fleet.expect(0, 'init', 'mine');
  for (const [name, mode] of [
    ['identity.txt', '600'],
    ['keys.age', '600'],
  ] as const) {
    expect((statSync(fleet.file(`mine/${name}`)).mode & 0o777).toString(8)).toBe(mode);
  }
  const texts = (): string[] =>
    readdirSync(fleet.file('mine'))
      .sort()
      .map((name) => `${name} ${readFileSync(join(fleet.file('mine'), name), 'latin1')}`);
  const before = texts();
  const [again, valid] = await Promise.all([fleet.run('init', 'mine'), fleet.run('validate', 'mine/inventory.yaml')]);
  expectExit(again, 1);
  expect(again.stderr).toContain('mine/inventory.yaml');
  expectExit(valid, 0);
  expect(valid.stdout).toContain('all is well');
  expect(texts().filter((text) => !text.startsWith('keys.age'))).toEqual(
    before.filter((text) => !text.startsWith('keys.age')),
  );
  expect(existsSync(fleet.file('mine/inventory.yaml'))).toBe(true);
});
