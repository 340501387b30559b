import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jsonLines, TestFleet, OPENING } from '../support/cli.js';
import { POLICY_FILE } from '../support/watched-host.js';
import { expectExit, type Ran } from '../support/runs.js';
import { DOCUMENTED_EVENTS, expectDocumented, type Line } from '../support/json-document.js';

/** Events that are printed, and held against the document, where their commands are tested anyway. */
const PRINTED_ELSEWHERE: Readonly<Record<string, string>> = {
  imported: 'import.test.ts',
  'import-ended': 'import.test.ts',
  'drill-armed': 'drill.system.test.ts',
  drill: 'drill.system.test.ts',
  'drift-look': 'drift.test.ts',
  'drift-finding': 'drift.test.ts',
  'drift-ended': 'drift.test.ts',
  'drift-incident': 'drift-memory.test.ts',
  'drift-quarantine': 'drift-memory.test.ts',
  'drift-released': 'drift-memory.test.ts',
  'drift-accepted': 'drift-memory.test.ts',
  'drift-acceptance': 'drift-memory.test.ts',
  'drift-unaccepted': 'drift-memory.test.ts',
  'drift-remediation': 'drift-remediate.system.test.ts',
  'watch-remediated': 'drift-remediate.system.test.ts',
  'watch-started': 'drift-watch.test.ts',
  'watch-reloaded': 'drift-watch.test.ts',
  'watch-reload-refused': 'drift-watch.test.ts',
  'watch-waiting': 'drift-watch.test.ts',
  'watch-pass-begun': 'drift-watch.test.ts',
  'watch-pass-ended': 'drift-watch.test.ts',
  'watch-told': 'drift-watch.test.ts',
  'watch-stopped': 'drift-watch.test.ts',
  'service-file': 'drift-watch.test.ts',
  'watch-missed': '../unit/run/watch-drift.test.ts',
  'watch-failed': '../unit/run/watch-drift.test.ts',
  'drift-notified': '../notify/notify-test.test.ts',
  alarm: '../unit/run/verify-fleet.test.ts',
};

let fleet: TestFleet;
const told: Line[] = [];
beforeAll(async () => {
  fleet = await TestFleet.start();
});
afterAll(() => fleet.close());

async function json(exit: number, ...line: readonly string[]): Promise<readonly Line[]> {
  const ran: Ran = await fleet.run(...line, '--output', 'json');
  expectExit(ran, exit);
  const lines = jsonLines(ran);
  told.push(...lines);
  expectDocumented(lines);
  for (const one of lines) expect(one['schema']).toBe('ipsec-deploy/1');
  return lines;
}

const events = (lines: readonly Line[]): string[] => [...new Set(lines.map((line) => String(line['event'])))];

test('commands that touch no host print one object each', async () => {
  const [init, validate] = await Promise.all([json(0, 'init', 'new'), json(0, 'validate')]);
  expect(await json(0, 'privileges', 'web1')).toMatchObject([
    { event: 'privileges', host: 'web1', entry: '/opt/ipsec-deploy/agent-entry' },
  ]);
  const render = await json(0, 'render', 'web1');
  expect(init).toMatchObject([
    { event: 'initialised', files: ['new/inventory.yaml', 'new/keys.age', 'new/identity.txt'] },
  ]);
  expect(validate).toMatchObject([{ event: 'validated', hosts: 2, links: 1, tests: 3, problems: [] }]);
  expect(render.map((line) => line['path'])).toContain(POLICY_FILE);
  const [explain, matrix] = await Promise.all([json(0, 'explain', 'web1', 'db1', 'tcp/5432'), json(0, 'matrix')]);
  expect(explain).toMatchObject([{ event: 'explained', from: 'web1', to: 'db1', verdict: { kind: 'protected' } }]);
  expect(matrix).toMatchObject([{ event: 'matrix', ends: [{ name: 'web1', kind: 'host' }, { name: 'db1' }] }]);
});

test('an error names its problems with their places', async () => {
  const good = fleet.inventory;
  fleet.edit('keying: ike-psk', 'keyng: ike-psk');
  const [line] = await json(1, 'plan');
  fleet.writeInventory(good);
  expect(line).toMatchObject({
    event: 'error',
    exit: 1,
    problems: [{ code: 'UNKNOWN_KEY', severity: 'error', at: { line: 15, column: 3 } }],
  });
  expect(await json(1, 'nonsense')).toMatchObject([{ event: 'error', code: 'USAGE', exit: 1 }]);
});

test('plan, apply, verify, status and rollback tell all there is to know, line by line', async () => {
  expect(events(await json(2, 'diff', '--semantic'))).toEqual(['diff']);
  const [plan] = await json(2, 'plan');
  expect(plan).toMatchObject({ event: 'plan', fleet: 'lab', groups: [['web1', 'db1']], pulledIn: [], excluded: [] });

  const apply = await json(0, 'apply');
  expect(apply[0]).toMatchObject({ event: 'run-started', hosts: ['web1', 'db1'] });
  expect(events(apply).sort()).toEqual([
    'armed',
    'host-phase',
    'outcome',
    'probe',
    'probe-gap',
    'probed',
    'run-ended',
    'run-started',
    'step',
  ]);
  expect(apply.at(-1)).toMatchObject({ event: 'run-ended', exit: 0, counts: { confirmed: 2 } });
  const phases = apply
    .filter((line) => line['event'] === 'host-phase' && line['host'] === 'web1')
    .map((line) => line['phase']);
  expect(phases).toEqual(['sending', 'waiting-for-peers', 'reconnecting', 'probing', 'confirming']);

  expect(await json(0, 'verify')).toMatchObject([
    { event: 'verified', host: 'web1', asWanted: true, alarms: [] },
    { event: 'verified', host: 'db1', asWanted: true },
  ]);
  expect(await json(0, 'status')).toMatchObject([
    { event: 'status', host: 'web1', status: { generation: 1 } },
    { event: 'status', host: 'db1', status: { generation: 1 } },
  ]);
  fleet.openPort(8443);
  await json(0, 'apply', '--limit', 'web1', ...OPENING);
  const back = await json(0, 'rollback');
  expect(back.at(-1)).toMatchObject({ event: 'run-ended', exit: 0, counts: { confirmed: 2 } });
});

test('probe tells each flow that it tried, and each that it could not', async () => {
  const lines = await json(0, 'probe', 'web1-db1');
  expect(lines.filter((line) => line['event'] === 'probe')).toMatchObject([
    { link: 'db1--web1', from: 'db1', to: 'web1', flow: 'tcp/22', expect: 'protected', state: 'held' },
    { link: 'db1--web1', from: 'web1', to: 'db1', flow: 'tcp/22', expect: 'protected', state: 'held' },
  ]);
  expect(lines.at(-1)).toMatchObject({ event: 'probe-ended', links: 1, held: 2, broken: 0, untried: 0, exit: 0 });
});

test('outcomes that went wrong come with what happened and what to do', async () => {
  const placed = fleet.web1.fault(
    'ipsecconf',
    { kind: 'fail', exit: 1, stderr: 'ipsecconf: out of memory\n' },
    (args) => args.includes('-F'),
    1,
  );
  const lines = await json(3, 'apply', ...OPENING);
  placed.release();
  expect(lines.filter((line) => line['event'] === 'outcome')).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ host: 'web1', status: 'reverted', step: 'policy', generation: 3 }),
    ]),
  );
  expect(lines.find((line) => line['event'] === 'step' && line['state'] === 'failed')).toMatchObject({
    output: ['ipsecconf: out of memory'],
  });
  await fleet.db1.lab.powerCut();
  expect(await json(4, 'status')).toMatchObject([
    { host: 'web1' },
    { host: 'db1', outcome: { status: 'unreachable' } },
  ]);
  await fleet.db1.lab.boot();
});

test('the lab says what it did', async () => {
  const folder = ['--folder', 'other'];
  try {
    expect(await json(0, 'lab', 'up', ...folder)).toMatchObject([{ event: 'lab', already: false, hosts: 2 }]);
    expect(await json(0, 'lab', 'status', ...folder)).toMatchObject([
      { event: 'lab-status', hosts: [{ name: 'web1', power: 'on', generation: null, rules: 0 }, { name: 'db1' }] },
    ]);
    expect(await json(0, 'lab', 'power-cut', 'web1', ...folder)).toMatchObject([{ event: 'lab', hosts: ['web1'] }]);
  } finally {
    expect(await json(0, 'lab', 'down', ...folder)).toMatchObject([{ event: 'lab', down: true }]);
  }
  expect(existsSync(fleet.file('other'))).toBe(false);
});

test('every event of the document was printed here, or is where its command is tested', () => {
  const seen = new Set(events(told));
  expect(DOCUMENTED_EVENTS.filter((event) => !seen.has(event)).sort()).toEqual(Object.keys(PRINTED_ELSEWHERE).sort());
  const unheard = Object.entries(PRINTED_ELSEWHERE).filter(([event, file]) => {
    const text = readFileSync(join(import.meta.dirname, file), 'utf8');
    return !/\bexpectDocumented\(/.test(text) || !text.includes(`'${event}'`);
  });
  expect(unheard).toEqual([]);
});
