/** The drift service as an operator runs it: it looks, remembers and tells by itself, reads its inventory again and stops in order. */

import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { jsonLines, TestFleet } from '../support/cli.js';
import { POLICY_FILE } from '../support/watched-host.js';
import { expectDocumented } from '../support/json-document.js';

const SERVICE = ['--schedule', '@hourly', '--user', 'deploy'];

let fleet: TestFleet;
let port: number;
beforeAll(async () => {
  fleet = await TestFleet.start();
  port = await freePort();
  fleet.writeInventory(`${fleet.inventory}
drift:
  schedule: '* * * * * *'
  spreadSeconds: 0
  listen: 127.0.0.1:${port}
  notify:
    - { name: file, kind: exec, command: [/bin/sh, -c, 'cat >> ${fleet.file('told.json')}'] }
`);
  await fleet.expect(0, 'apply');
});
afterAll(() => fleet.close());

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0));
    });
  });
}

async function page(name: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/${name}`)).text();
}

test('a service finds what drifted, tells it once, follows its inventory and stops in order', async () => {
  const service = fleet.start('drift', 'watch', '--output', 'json');
  await service.said(/"watch-pass-ended".*"clean":2/);
  fs.chmodSync(fleet.web1.path(POLICY_FILE), 0o644);
  await service.said(/"watch-told","notifier":"file","told":true/);
  expect(await page('metrics')).toMatch(/ipsec_deploy_open_incidents\{[^}]*kind="file-mode"[^}]*\} 1/);
  expect(JSON.parse(await page('readyz'))).toMatchObject({ ok: true });

  const other = await fleet.expect(1, 'drift', '--once');
  expect(other.stderr).toMatch(/process \d+ on .* has been checking this fleet for \d+ seconds, since 20/);

  const good = fleet.inventory;
  fleet.writeInventory(good.replace('fleet: lab', 'fleet: [lab'));
  service.kill('SIGHUP');
  await service.said(/"watch-reload-refused".*"problems":\[.*"line":\d/);
  fleet.writeInventory(good.replace("schedule: '* * * * * *'", "schedule: '@monthly'"));
  service.kill('SIGHUP');
  await service.said(/"watch-reloaded".*"schedule":"@monthly"/);

  service.kill('SIGTERM');
  const ended = await service.ended;
  expect([ended.exit, ended.signal]).toEqual([0, null]);
  const lines = jsonLines(ended);
  expect(lines.at(-1)).toMatchObject({ event: 'watch-stopped' });
  expectDocumented(
    lines,
    'watch-started',
    'watch-waiting',
    'watch-pass-begun',
    'watch-pass-ended',
    'watch-told',
    'watch-reload-refused',
    'watch-reloaded',
    'watch-stopped',
  );
  expect(fs.readdirSync(join(fleet.folder, '.ipsec-deploy'))).toEqual(['drift.db']);

  const once = await fleet.expect(2, 'drift', '--once');
  expect(once.stdout).toContain(`web1: ${POLICY_FILE} has mode 0644, not 0400`);
  const told = jsonLines({ stdout: fs.readFileSync(fleet.file('told.json'), 'utf8') });
  expect(told.map(({ title }) => title)).toEqual([expect.stringMatching(/^lab: 1 new finding/)]);
});

test('without a schedule it says how to give one, and its file is written for whoever starts services', async () => {
  const words = fleet.inventory.replace(/ {2}schedule: .*\n/, '');
  fleet.writeInventory(words);
  fs.writeFileSync(fleet.file('never.yaml'), words.replace('drift:\n', "drift:\n  schedule: '0 0 30 2 *'\n"));
  const [refused, never, written] = await Promise.all([
    fleet.expect(1, 'drift', 'watch'),
    fleet.run('drift', 'install-service', '--systemd', '--print', 'never.yaml'),
    fleet.expect(0, 'drift', 'install-service', '--systemd', ...SERVICE, '--out', '.', '--output', 'json'),
  ]);
  expect(refused.stderr).toContain("schedule: '*/15 * * * *'");
  expect([never.exit, never.stdout]).toEqual([1, '']);
  expect(never.stderr).toContain('it never comes due');
  const file = fleet.file('ipsec-deploy-drift.service');
  const unit = fs.readFileSync(file, 'utf8');
  expect(unit).toContain(
    `drift watch --identity \${CREDENTIALS_DIRECTORY}/identity --schedule @hourly ${fs.realpathSync(fleet.file('inventory.yaml'))}\n`,
  );
  expect(unit).toContain(`LoadCredential=identity:${fleet.file('identity.txt')}\n`);
  const lines = jsonLines(written);
  expectDocumented(lines);
  expect(lines).toMatchObject([{ event: 'service-file', file, text: unit }]);
  expect(lines[0]?.['next']).toContain('sudo systemctl enable --now ipsec-deploy-drift');
  const again = await fleet.expect(0, 'drift', 'install-service', '--systemd', ...SERVICE, '--out', '.');
  expect(again.stdout).toMatch(
    /^\S+\/ipsec-deploy-drift\.service is written; nothing was started\. Next, in this order:\n\n/,
  );
  expect(again.stdout).toContain('\n    sudo systemctl enable --now ipsec-deploy-drift\n');
});
