import { afterAll, beforeAll, expect, test } from 'vitest';

import { TestFleet, OPENING } from '../support/cli.js';

let fleet: TestFleet;
beforeAll(async () => {
  fleet = await TestFleet.start({ hosts: 4 });
  fleet.edit('  - between: [web, db]', '  - between: [web1, db1]\n  - between: [db1, db2]\n  - between: [web1, db3]');
});
afterAll(() => fleet.close());

test('choosing one host pulls in its peers and what their change concerns in turn', async () => {
  const { stdout } = await fleet.expect(2, 'plan', '--limit', 'web1');
  expect(stdout).toContain('note: db1 is included because the change on web1 concerns their link');
  expect(stdout).toContain('note: db2 is included because the change on db1 concerns their link');
  expect(stdout).toContain('web1, db1, db2 and db3 move together');
  await fleet.expect(0, 'apply', '--limit', 'web1');
});

test.each([
  ['web1', 'db3'],
  ['db3', 'web1'],
])('a link taken from the inventory goes from both ends, with %s chosen', async (chosen, peer) => {
  fleet.edit('\n  - between: [web1, db3]', '');
  const { stdout } = await fleet.expect(2, 'plan', '--limit', chosen, ...OPENING);
  fleet.edit('  - between: [db1, db2]', '  - between: [db1, db2]\n  - between: [web1, db3]');
  expect(stdout).toContain(`note: ${peer} is included because the change on ${chosen} concerns their link`);
  expect(stdout).toContain('web1 and db3 move together: all are confirmed, or all go back');
});

test('a link taken from the inventory comes back on both ends with a roll-back', async () => {
  fleet.edit('\n  - between: [web1, db3]', '');
  const refused = await fleet.expect(1, 'apply');
  expect(refused.stderr).toMatch(
    /inventory\.yaml:\d+:\d+: error: on db3 what is protected now would be in the clear: db3 ↔ web1 anything/,
  );
  expect(refused.stderr).toMatch(
    /protected by \{ laddr 10\.0\.2\.23\/32 raddr 10\.0\.1\.11\/32 dir out \} ipsec \{.*\} \(line \d+ of its ipsecinit\.conf\)/,
  );
  expect(refused.stderr).toContain('--accept-risk in-the-clear');
  await fleet.expect(0, 'apply', ...OPENING);
  const { stdout } = await fleet.expect(0, 'rollback', '--limit', 'db3');
  expect(stdout).toContain('note: web1 is included because the change on db3 concerns their link');
  expect(stdout).toContain('web1 and db3 move together: all are confirmed, or all go back');
  await fleet.expect(0, 'status');
});
