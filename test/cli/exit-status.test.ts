import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { generateIdentity, writeIdentityFile } from '../../controller/vault/identity.js';
import { TestFleet, OPENING } from '../support/cli.js';
import { POLICY_FILE } from '../support/watched-host.js';
import { expectExit } from '../support/runs.js';

let fleet: TestFleet;
beforeAll(async () => {
  fleet = await TestFleet.start({ hosts: 6, confirmWindowSeconds: 30 });
});
afterAll(() => fleet.close());

describe('1, the input must be mended, and no host is even connected to:', () => {
  let inventory: string;
  beforeAll(() => {
    inventory = fleet.inventory;
  });
  afterEach(() => {
    fleet.writeInventory(inventory);
    for (const host of fleet.hosts.values()) expect(host.connections).toBe(0);
  });

  test('an inventory with mistakes, each with its place', async () => {
    fleet.writeInventory(
      inventory
        .replace('keying: ike-psk', 'keyng: ike-psk')
        .replace('web1: { address: 10.0.1.11', 'web1: { address: 10.0.1.300'),
    );
    const ran = await fleet.expect(1, 'apply');
    expect(ran.stderr).toMatch(/inventory\.yaml:\d+:\d+: error: .*keyng/);
    expect(ran.stderr).toMatch(/inventory\.yaml:\d+:\d+: error: .*10\.0\.1\.300/);
    expect(ran.stderr).toContain('problems in the input');
    expect(ran.stdout).toBe('');
  });

  test('words that no command knows, and an inventory that is not there', async () => {
    const runs = await Promise.all([
      fleet.run('aply'),
      fleet.run('apply', '--forks', '0'),
      fleet.run('apply', 'nowhere.yaml'),
      fleet.run('plan', '--limit', 'web9'),
    ]);
    for (const ran of runs) expectExit(ran, 1);
    expect(runs.map((ran) => ran.stderr)).toEqual([
      expect.stringContaining('apply'),
      expect.stringContaining('--forks takes a whole number from 1 to 500'),
      expect.stringContaining('nowhere.yaml'),
      expect.stringContaining('web9'),
    ]);
  });

  test('an identity that does not open the key store', async () => {
    await writeIdentityFile(fleet.file('other.txt'), await generateIdentity(), new Date());
    fleet.edit('identityFile: identity.txt', 'identityFile: other.txt');
    const ran = await fleet.expect(1, 'plan');
    expect(ran.stderr).toContain('keys.age');
    expect(ran.stderr).not.toContain('this is a bug');
  });
});

test('1, a proof that fails: hosts are looked at, because it matters only where something is pushed, and none is changed', async () => {
  const { inventory } = fleet;
  fleet.edit('port: 443, expect: clear', 'port: 443, expect: refused');
  const ran = await fleet.expect(1, 'apply');
  expect(ran.stderr).toMatch(/inventory\.yaml:\d+:\d+: error: test at .*: tcp port 443 is clear, expected refused/);
  expect(ran.stderr).toContain('--accept-risk failed-tests');
  for (const host of fleet.hosts.values()) expect(host.changes).toEqual([]);
  fleet.writeInventory(inventory);
  fleet.forget();
});

describe('2, changes were found:', () => {
  test('plan on hosts that were never applied to', async () => {
    const ran = await fleet.expect(2, 'plan', '--limit', 'web1');
    expect(ran.stdout).toContain('web1: generation 1 (first contact)');
    for (const host of fleet.hosts.values()) expect(host.changes).toEqual([]);
  });

  test('verify, where what is loaded is not what the inventory asks for', async () => {
    await fleet.expect(0, 'apply');
    await fleet.expect(0, 'verify');
    await fleet.web1.tool('ipsecconf', '-F');
    const ran = await fleet.expect(2, 'verify', '--limit', 'web1');
    expect(ran.stdout).toMatch(/^ALARM: web1: FAILS OPEN: no rule is loaded, and everything passes in the clear/);
    expect(ran.stdout).toMatch(/^ {2}mend: ipsec-deploy apply inventory\.yaml --limit web1$/m);
    expect(ran.stdout).toMatch(/^web1: differs, generation 1$/m);
    expect(ran.stdout).toMatch(/^ {2}0 rules are loaded, \d+ are rendered$/m);
    expect(ran.stdout).toContain('the loaded policy is not the one in the file');
    await fleet.web1.tool('ipsecconf', '-q', '-a', fleet.web1.path(POLICY_FILE));
  });

  test('verify names a daemon that is out of step with the kernel, and what mends it', async () => {
    const placed = fleet.db1.fault('ikeadm', { kind: 'out-of-step' });
    const ran = await fleet.expect(2, 'verify', '--limit', 'db1');
    await fleet.db1.tool('svcadm', 'restart', 'network/ipsec/ike');
    placed.release();
    // Nothing has told the other end: the alarm names what it still sends under.
    const [, spi = '', dst = ''] = /on web1, as root: ipseckey delete esp spi (\S+) dst (\S+)/.exec(ran.stdout) ?? [];
    await fleet.web1.tool('ipseckey', 'delete', 'esp', 'spi', spi, 'dst', dst);
    await fleet.web1.tool('svcadm', 'restart', 'network/ipsec/ike');
    expect((await fleet.expect(0, 'verify')).stdout).toMatch(/^6 of 6 hosts are as the inventory asks$/m);
    expect(ran.stdout).toMatch(
      /^ALARM: db1: OUT OF STEP: in\.iked believes it has SAs with web1 \(\S+\), and the kernel has none: traffic is refused$/m,
    );
    expect(ran.stdout).toContain('  mend: on the host, as root: svcadm restart network/ipsec/ike');
    expect(ran.stdout).toMatch(/^db1: as wanted, but for the alarm, generation 1/m);
  });

  test('verify shows why a service is in maintenance', async () => {
    const placed = fleet.db1.fault('in.iked', { kind: 'fail', exit: 1, stderr: 'in.iked: no entropy today\n' });
    await fleet.db1.tool('svcadm', 'restart', 'ike');
    placed.release();
    const ran = await fleet.expect(2, 'verify', '--limit', 'db1');
    expect(ran.stdout).toMatch(
      /^ALARM: db1: KEY DAEMON DOWN: in\.iked does not run \(service network\/ipsec\/ike is maintenance\)/m,
    );
    expect(ran.stdout).toContain('service network/ipsec/ike is maintenance');
    expect(ran.stdout).toContain('in.iked: no entropy today');
    await fleet.expect(0, 'apply', '--limit', 'db1');
    expect((await fleet.db1.state()).services).toContain('online svc:/network/ipsec/ike:default');
  });
});

test('4, some hosts cannot be worked on: each says why, and none is touched', async () => {
  const { db2, db3, db4, db5 } = Object.fromEntries([...fleet.hosts].map(([name, host]) => [name, host]));
  if (db2 === undefined || db3 === undefined || db4 === undefined || db5 === undefined) throw new Error('six hosts');
  await db2.lab.powerCut();
  db3.lab.faults.refuseAuth = true;
  db4.lab.changeHostKey();
  db5.remove('/usr/sbin/ipsecconf');
  fleet.openPort(8443);
  const before = await fleet.web1.state();
  fleet.forget();
  const ran = await fleet.expect(4, 'apply', ...OPENING);
  expect(ran.stdout).toMatch(/^db2: unreachable, nothing was changed: .*127\.0\.0\.1/m);
  expect(ran.stdout).toMatch(/^db3: failed, nothing was changed: .*did not let deploy in/m);
  expect(ran.stdout).toMatch(/^db4: failed, nothing was changed: the key of db4 has changed/m);
  expect(ran.stdout).toMatch(
    /^db5: failed, nothing was changed: the platform is not one this version knows: ipsecconf is missing/m,
  );
  expect(ran.stdout).toMatch(
    /^web1: failed, nothing was changed: the change on web1 concerns its link to db\d, which cannot be changed with it/m,
  );
  expect(ran.stdout).toMatch(/\(exit 4\)$/m);
  for (const host of fleet.hosts.values()) expect(host.changes).toEqual([]);
  expect(await fleet.web1.state()).toEqual(before);

  const went = await fleet.expect(4, 'apply', '--accept-risk', 'peer-unreachable', ...OPENING);
  expect(went.stdout).toMatch(/^web1: confirmed/m);
  expect(went.stdout).toMatch(/^db1: confirmed/m);
  expect(went.stdout).toMatch(/^db2: unreachable/m);
});
