import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jsonLines, TestFleet } from '../support/cli.js';

let fleet: TestFleet;
beforeAll(async () => {
  fleet = await TestFleet.start();
});
afterAll(() => fleet.close());

test('hosts without a policy differ in meaning from the inventory, and are left as they are', async () => {
  const before = await fleet.states();
  const found = jsonLines(await fleet.expect(2, 'diff', '--semantic', '--output', 'json'));
  expect(found.map(({ event, host, differs }) => ({ event, host, differs }))).toEqual([
    { event: 'diff', host: 'web1', differs: true },
    { event: 'diff', host: 'db1', differs: true },
  ]);
  expect(JSON.stringify(found[1]?.['flowChanges'])).toContain('"kind":"protected"');
  expect(await fleet.states()).toEqual(before);
});

test('two policy files are compared in meaning, without any inventory', async () => {
  writeFileSync(fleet.file('old.conf'), '{raddr 10.0.2.0/24} ipsec {encr_algs aes encr_auth_algs sha256}\n');
  writeFileSync(fleet.file('new.conf'), '{raddr 10.0.2.0/25} ipsec {encr_algs aes encr_auth_algs sha256}\n');
  const { stdout } = await fleet.expect(2, 'diff', 'old.conf', 'new.conf', '--semantic');
  expect(stdout).toContain('10.0.2.128/25');
  expect(stdout).toContain('protected → clear');
});

test('two files whose rules overlap too much to be compared say so, and their text is compared all the same', async () => {
  const tangled = Array.from({ length: 300 }, (_, i) =>
    i % 2 === 0
      ? `{ lport ${i + 1} ulp tcp dir out } bypass { }\n`
      : `{ laddr 10.${i % 250}.0.0/16 rport ${i + 1} ulp tcp dir out } drop { }\n`,
  ).join('');
  writeFileSync(fleet.file('tangled.conf'), tangled);
  const { stderr } = await fleet.expect(1, 'diff', 'old.conf', 'tangled.conf', '--semantic');
  expect(stderr).toContain('the rules overlap too much to be compared');
  expect((await fleet.expect(2, 'diff', 'old.conf', 'tangled.conf')).stdout).toContain('+{ lport 1 ulp tcp dir out }');
});

test('a file that no host would load is refused', async () => {
  writeFileSync(fleet.file('bad.conf'), '{} encrypt {}\n');
  const { stderr } = await fleet.expect(1, 'diff', 'bad.conf', 'bad.conf', '--semantic');
  expect(stderr).toContain('bad.conf: error: ipsecconf would refuse the file');
});
