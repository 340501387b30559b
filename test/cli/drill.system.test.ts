import { afterAll, beforeAll, expect, test } from 'vitest';
import { jsonLines, TestFleet } from '../support/cli.js';
import { POLICY_FILE } from '../support/watched-host.js';
import { expectDocumented } from '../support/json-document.js';

let fleet: TestFleet;
beforeAll(async () => {
  fleet = await TestFleet.start();
  await fleet.expect(0, 'apply');
});
afterAll(() => fleet.close());

test('a drill changes the policy file for the window and nothing else, and every host comes back', async () => {
  const before = await fleet.states();
  const during: string[] = [];
  fleet.web1.forget();
  fleet.web1.before = () => {
    during.push(fleet.web1.read(POLICY_FILE));
  };
  const ran = await fleet.expect(0, 'drill', 'web1', 'db1', '--window', '2', '--output', 'json');
  fleet.web1.before = undefined;
  expect(await fleet.states()).toEqual(before);
  expect(during.some((text) => text.includes('this line goes away by itself'))).toBe(true);
  expect(fleet.web1.changes).toEqual([]);
  const lines = jsonLines(ran);
  expectDocumented(lines, 'drill-armed', 'drill');
  expect(lines.filter((line) => line['event'] === 'drill')).toMatchObject([{ status: 'held' }, { status: 'held' }]);
  expect((await fleet.expect(0, 'status')).stdout.match(/last drill \S+: came back by itself/g)).toHaveLength(2);
  expect((await fleet.expect(0, 'drift')).stdout).toContain('2 clean');
});

test('names hosts that do not exist, and refuses to drill none', async () => {
  expect((await fleet.expect(1, 'drill', 'web9')).stderr).toContain('no host or group is called "web9"');
  expect((await fleet.expect(1, 'drill')).stderr).toContain('a word is missing after "drill"');
});

test('leaves at Ctrl-C with the time at which the host comes back', async () => {
  const running = fleet.start('drill', 'web1', '--window', '30', '--output', 'json');
  await running.said(/drill-armed/);
  running.kill('SIGINT');
  const ran = await running.ended;
  expect(ran.exit).toBe(130);
  expect(jsonLines(ran).at(-1)).toMatchObject({ event: 'drill', status: 'unknown', host: 'web1' });
  expect((await fleet.expect(0, 'status')).stdout).toMatch(/open: transaction drill-\S+ is verified/);
});
