/** `drift --remediate` as an operator types it, against hosts of the lab. What is chosen and why is the business of the unit tests. */

import * as fs from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openDriftStore } from '../../controller/history/drift-store.js';
import type { DriftMemory } from '../../controller/model/drift.js';
import { jsonLines, TestFleet } from '../support/cli.js';
import { POLICY_FILE, type HostState, type WatchedHost } from '../support/watched-host.js';
import { expectDocumented } from '../support/json-document.js';

const REMEDIATE = `
drift:
  remediate: { kinds: [file-content, file-mode, file-owner, rule-missing, rule-foreign, policy-empty], groups: [web, db] }
`;

let fleet: TestFleet;
beforeAll(async () => {
  fleet = await TestFleet.start();
  await fleet.expect(0, 'apply');
});
afterAll(() => fleet.close());

function remembered(): Promise<DriftMemory> {
  return openDriftStore({ path: fleet.file('.ipsec-deploy/drift.db'), clock: { now: () => new Date() } }).read();
}

async function openPortByHand(host: WatchedHost, port: number): Promise<void> {
  host.write(POLICY_FILE, `${host.read(POLICY_FILE)}{lport ${port} ulp tcp dir both} bypass {}\n`);
  await host.tool('ipsecconf', '-q', '-F', '-a', host.path(POLICY_FILE));
}

function withoutGeneration({ generation, ...state }: HostState): unknown {
  return [generation === undefined, state];
}

test('without a word in the inventory nothing may be put right, and that is an error', async () => {
  const { stderr } = await fleet.expect(1, 'drift', '--remediate');
  expect(stderr).toMatch(/--remediate: error: nothing says which hosts and which kinds of drift may be put right/);
  expect(stderr).toContain('drift: { remediate: { kinds: [file-mode, rule-missing], groups: [web] } }');
  fleet.writeInventory(fleet.inventory + REMEDIATE);
});

test('a policy that was edited and loaded by hand is brought back, through a transaction, and what is done is remembered', async () => {
  const { db1, web1 } = fleet;
  const confirmed = await db1.state();
  await openPortByHand(db1, 8080);
  fs.chmodSync(web1.path(POLICY_FILE), 0o644);
  const edited = await db1.state();

  const dry = jsonLines(await fleet.expect(2, 'drift', '--remediate', '--dry-run', '--output', 'json'));
  expectDocumented(dry, 'plan', 'drift-remediation');
  const [plan, said] = dry;
  expect(JSON.stringify(plan)).toMatch(/-\{lport 8080 ulp tcp dir both\} bypass/);
  expect(said).toMatchObject({ event: 'drift-remediation', dryRun: true, hosts: ['web1', 'db1'], left: [] });
  expect(await db1.state()).toEqual(edited);
  expect(fs.existsSync(fleet.file('.ipsec-deploy'))).toBe(false);

  fleet.forget();
  const { stdout } = await fleet.expect(2, 'drift', '--remediate', '--no-color');
  expect(stdout).toMatch(/^db1: put right, as last confirmed$/m);
  const after = await db1.state();
  expect(withoutGeneration(after)).toEqual(withoutGeneration(confirmed));
  expect(Number(after.generation)).toBe(Number(confirmed.generation) + 1);
  // A look, a plan, and a new connection that proves the host can still be reached.
  expect(db1.connections).toBe(3);
  expect(stdout).toMatch(/^web1: put right, as last confirmed$/m);
  expect((await web1.state()).files[POLICY_FILE]).toMatchObject({ mode: '0400' });
  const { remediations, quarantines } = await remembered();
  expect([...remediations].sort((a, b) => a.host.localeCompare(b.host))).toMatchObject([
    { host: 'db1', outcome: 'confirmed' },
    { host: 'web1', outcome: 'confirmed' },
  ]);
  expect(quarantines).toEqual([]);
  await fleet.expect(0, 'drift', '--once');
});

test('a host that drifts again in the same way is left alone, and so reported, until a person releases it', async () => {
  const { db1 } = fleet;
  await openPortByHand(db1, 8081);
  const edited = await db1.state();
  const ran = await fleet.expect(4, 'drift', '--remediate', '--output', 'json');
  const lines = jsonLines(ran);
  expectDocumented(lines, 'drift-look', 'drift-finding', 'watch-remediated', 'drift-ended');
  expect(lines).toContainEqual(
    expect.objectContaining({
      event: 'watch-remediated',
      records: [],
      quarantines: [expect.objectContaining({ host: 'db1', reason: expect.stringMatching(/^it drifts again/) })],
    }),
  );
  expect(await db1.state()).toEqual(edited);
  expect((await fleet.expect(2, 'drift', '--remediate')).stdout).toContain('db1: not put right: left alone since');
  expect((await fleet.expect(0, 'drift', 'release', 'db1')).stdout).toMatch(/^db1 is no longer left alone/);
  expect((await fleet.expect(2, 'drift', '--remediate')).stdout).toMatch(/^db1: put right, as last confirmed$/m);
});

test('a key file that somebody wrote is not removed because a mode is put right', async () => {
  const { db1 } = fleet;
  const keys = '/etc/inet/secret/ipseckeys';
  db1.write(keys, '# mine\n');
  fs.chmodSync(db1.path(POLICY_FILE), 0o644);
  const before = await db1.state();
  const { stdout } = await fleet.expect(2, 'drift', '--remediate', '--no-color');
  expect(stdout).toMatch(/^db1: not put right: it would also remove \/etc\/inet\/secret\/ipseckeys: no finding/m);
  expect(await db1.state()).toEqual(before);
  fs.rmSync(db1.path(keys));
  await fleet.expect(0, 'apply', '--limit', 'db1');
});

test('what the host took back is not tried again where all that was remembered is lost, nor after a release', async () => {
  const { db1 } = fleet;
  const memory = fleet.file('.ipsec-deploy');
  fs.rmSync(memory, { recursive: true });
  await openPortByHand(db1, 8083);
  const fault = db1.fault('ipsecconf', { kind: 'lie' }, (args) => args.includes('-a'));
  expect((await fleet.expect(3, 'drift', '--remediate')).stdout).toMatch(/db1: left alone from now on: .*reverted/);
  fault.release();
  const edited = await db1.state();
  fs.rmSync(memory, { recursive: true });
  const words = /db1: left alone from now on: putting it right was taken back on .*, as the host's own history has it/;
  expect((await fleet.expect(4, 'drift', '--remediate', '--no-color')).stdout).toMatch(words);
  await fleet.expect(0, 'drift', 'release', 'db1');
  expect((await fleet.expect(4, 'drift', '--remediate', '--no-color')).stdout).toMatch(words);
  expect(await db1.state()).toEqual(edited);
  await fleet.expect(0, 'apply', '--limit', 'db1');
});

test('what was last confirmed would lock out the management of today: refused, left alone, and the host is as it was', async () => {
  const { web1 } = fleet;
  fleet.edit('management: [', 'management: [203.0.113.9, ');
  // Not the first, by which SSH comes in.
  const index = [...(await web1.tool('ipsecconf', '-Ln')).matchAll(/#INDEX (\d+)\s/g)].at(-1)?.[1] ?? '';
  await web1.tool('ipsecconf', '-q', '-d', index);
  const before = await web1.state();
  const ran = await fleet.expect(4, 'drift', '--remediate', '--no-pending', '--no-color');
  expect(ran.stdout).toMatch(
    /web1: left alone from now on: putting it right is refused: .*203\.0\.113\.9.*drift release web1/,
  );
  expect(await web1.state()).toEqual(before);
  const { remediations, quarantines } = await remembered();
  expect(remediations.at(-1)).toMatchObject({ host: 'web1', outcome: 'refused' });
  expect(quarantines.map(({ host }) => host).sort()).toEqual(['db1', 'web1']);
});
