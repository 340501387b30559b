import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TestFleet, OPENING } from '../support/cli.js';
import { KEYS_FILE, POLICY_FILE, PSK_FILE, type HostState } from '../support/watched-host.js';

let fleet: TestFleet;
beforeAll(async () => {
  fleet = await TestFleet.start();
});
afterAll(() => fleet.close());

test('a saved plan is carried out as it was shown', async () => {
  const shown = await fleet.expect(2, 'plan', '--out', 'first.json');
  expect(shown.stderr).toContain('`ipsec-deploy apply first.json` carries out exactly that');
  expect((statSync(fleet.file('first.json')).mode & 0o777).toString(8)).toBe('600');
  for (const host of fleet.hosts.values()) expect(host.changes).toEqual([]);

  const done = await fleet.expect(0, 'apply', 'first.json');
  expect(done.stdout).toContain('2 confirmed');
  for (const host of fleet.hosts.values()) expect(host.generation).toBe('1');
  const now = await fleet.expect(0, 'plan');
  expect(now.stdout).toContain('Plan: 0 hosts to change, 2 unchanged.');
});

describe('a plan that was saved for a change', () => {
  let text: string;
  let before: Record<string, HostState>;
  beforeAll(async () => {
    fleet.openPort(8443);
    await fleet.expect(2, 'plan', '--out', 'plan.json', ...OPENING);
    text = readFileSync(fleet.file('plan.json'), 'utf8');
    before = await fleet.states();
  });
  beforeEach(() => fleet.forget());

  test('holds no key and no word of the key files', async () => {
    for (const key of (await fleet.keys()).keys.values()) {
      if (key.kind !== 'psk') throw new Error('the lab uses preshared keys');
      expect(text.toLowerCase()).not.toContain(key.secret.revealHex());
    }
  });

  /** Every host says why it refuses, or that it was not begun because its peer refused; the run ends with 4. */
  async function refused(why: RegExp): Promise<void> {
    const ran = await fleet.expect(4, 'apply', 'plan.json');
    expect(ran.stdout).toMatch(why);
    expect(ran.stdout).toMatch(/\(exit 4\)$/m);
    expect(ran.stdout).not.toMatch(/web1: (confirmed|read done)/);
    expect(fleet.web1.changes).toEqual([]);
  }

  test('is refused on the host when a file has moved since', async () => {
    const policy = fleet.web1.read(POLICY_FILE);
    fleet.web1.write(POLICY_FILE, `${policy}# mine\n`);
    const moved = await fleet.web1.state();
    await refused(/^web1: failed, nothing was changed: \/etc\/inet\/ipsecinit\.conf is not as the plan saw it$/m);
    expect(await fleet.web1.state()).toEqual(moved);
    fleet.web1.write(POLICY_FILE, policy);
    expect(await fleet.states()).toEqual(before);
  });

  test('is refused on the host when a key file has appeared since', async () => {
    fleet.web1.write(KEYS_FILE, '# none yet\n');
    await refused(/^web1: failed, nothing was changed: \/etc\/inet\/secret\/ipseckeys is not as the plan saw it$/m);
    fleet.web1.remove(KEYS_FILE);
    expect(await fleet.states()).toEqual(before);
  });

  test('is refused on the host when the loaded policy has moved since', async () => {
    await fleet.web1.tool('ipsecconf', '-F');
    await refused(/^web1: failed, nothing was changed: the loaded policy is not as the plan saw it$/m);
    expect((await fleet.web1.state()).rules).toEqual([]);
    await fleet.web1.tool('ipsecconf', '-q', '-a', fleet.web1.path(POLICY_FILE));
    expect(await fleet.states()).toEqual(before);
  });

  test.each([
    ['edited', () => text.replaceAll('lport 8443', 'lport 22'), /the plan was changed after it was made/],
    ['cut short', () => text.slice(0, text.length / 2), /the plan is not complete JSON/],
  ])('is refused on the controller when it was %s', async (_what, changed, why) => {
    writeFileSync(fleet.file('plan.json'), changed());
    const ran = await fleet.expect(1, 'apply', 'plan.json');
    writeFileSync(fleet.file('plan.json'), text);
    expect(ran.stderr).toMatch(why);
    expect(ran.stderr).toContain('plan.json');
    for (const host of fleet.hosts.values()) expect(host.connections).toBe(0);
  });

  test('is refused on the controller when a host is no longer in the inventory', async () => {
    const inventory = fleet.inventory;
    fleet.edit('  web1: {', '  web9: {');
    fleet.edit('to: web1, ulp: tcp, port: 22', 'to: web9, ulp: tcp, port: 22');
    fleet.edit('to: web1, ulp: tcp, port: 443', 'to: web9, ulp: tcp, port: 443');
    fleet.edit('to: web1, ulp: tcp, port: 25', 'to: web9, ulp: tcp, port: 25');
    const ran = await fleet.expect(1, 'apply', 'plan.json');
    fleet.writeInventory(inventory);
    expect(ran.stderr).toContain('the plan has host web1, which the inventory no longer names');
    for (const host of fleet.hosts.values()) expect(host.connections).toBe(0);
  });

  test('is carried out all the same when nothing moved, and refused the second time', async () => {
    await fleet.expect(0, 'apply', 'plan.json');
    const now = await fleet.states();
    expect(now['web1']?.generation).toBe('2');
    fleet.forget();
    await refused(/^web1: failed, nothing was changed: the host is on generation 2, the plan expects 1$/m);
    expect(await fleet.states()).toEqual(now);
  });

  test('is refused on the controller when the keys it names were replaced', async () => {
    await fleet.forgetKeys();
    await fleet.expect(2, 'plan', '--out', 'keys.json');
    expect(readFileSync(fleet.file('keys.json'), 'utf8')).toContain(PSK_FILE);
    await fleet.forgetKeys();
    fleet.forget();
    const none = await fleet.expect(1, 'apply', 'keys.json');
    expect(none.stderr).toContain('the key store no longer holds the psk:db1--web1 that the plan names');
    await fleet.expect(0, 'validate');
    const other = await fleet.expect(1, 'apply', 'keys.json');
    expect(other.stderr).toContain('the key store no longer holds the psk:db1--web1 that the plan names');
    for (const host of fleet.hosts.values()) expect(host.connections).toBe(0);
  });
});
