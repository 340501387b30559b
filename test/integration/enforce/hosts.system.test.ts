/** The hosts of the enforcing lab as such: up, reachable, powerless and back, disturbed, and gone without a trace, even after a crash. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startEnforcingLab, type EnforcingLab } from '../../../controller/lab/enforce/enforcing-lab.js';
import { outcomeOf } from '../../../controller/lab/host-inside.js';
import { killMarked } from '../../../controller/lab/host-processes.js';
import { readLabState } from '../../../controller/lab/lab-state.js';
import { outsiders, seedHosts } from '../../../controller/lab/seed-inventory.js';
import { parseAddress } from '../../../controller/model/address.js';
import { PROGRAM } from '../../support/cli.js';
import { leftOf, netNamespaces } from '../../support/enforce/leftovers.js';

/** What a path may have that mount options use. */
const folder = mkdtempSync(join(tmpdir(), 'ipsec-hosts, "é":b '));
const controller = [parseAddress('10.0.0.5') ?? expect.fail('an address')];
const plans = [
  ...seedHosts(2).map((plan) => (plan.name === 'db1' ? { ...plan, platform: 'solaris-legacy' as const } : plan)),
  ...outsiders(1),
];
let lab: EnforcingLab;

beforeAll(async () => {
  lab = await startEnforcingLab({ folder: join(folder, 'lab'), hosts: plans, controller });
});

afterAll(async () => {
  const pids = [lab.wire.pid, ...[...lab.hosts.values()].map((host) => host.pid)];
  const namespaces = new Set(netNamespaces(pids));
  try {
    expect(namespaces.size).toBe(plans.length + 1);
    await lab.close();
    expect(leftOf(folder, namespaces)).toEqual([]);
    expect(existsSync(join(folder, 'lab/hosts'))).toBe(false);
  } finally {
    // What a test that failed half-way left.
    await killMarked((marker) => marker.startsWith(folder));
    rmSync(folder, { recursive: true, force: true });
  }
});

async function ssh(address: string, command: string): Promise<{ exit: number; stdout: string; stderr: string }> {
  const options = ['BatchMode=yes', 'ConnectTimeout=2', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null'];
  const words = [...options.flatMap((option) => ['-o', option]), '-F', 'none', '-i', lab.clientKeyFile];
  return outcomeOf(lab.wire.start(['ssh', ...words, `root@${address}`, command]));
}

async function on(name: string, script: string): Promise<string> {
  const { stdout, stderr } = await outcomeOf(lab.host(name).start(['bash', '-c', script]));
  return (stdout + stderr).trim();
}

/** Whether a TCP connection comes about; the lab's hosts answer on port 22. */
async function connects(from: string, to: string): Promise<boolean> {
  return (await on(from, `timeout 1 bash -c 'exec 3<>/dev/tcp/${to}/22' 2>/dev/null && echo yes`)) === 'yes';
}

test('a host answers over SSH with its own key, its own name and its own files', async () => {
  const { stdout } = await ssh('10.0.1.11', 'uname -n; cat /etc/nodename; ipsecconf -ln; ls /etc/shadow 2>&1');
  expect(stdout).toMatch(/^web1\nweb1\n/);
  expect(stdout).toContain("cannot access '/etc/shadow'");
  expect((await ssh('10.0.2.21', 'uname -r')).stdout).toBe('5.9\n');
  const keys = await lab.wire.run(['ssh-keyscan', '-t', 'ed25519', '10.0.1.11', '10.0.2.21']);
  for (const name of ['web1', 'db1']) expect(keys).toContain(lab.host(name).hostKeyLine);
});

test('what a host writes is its own, and what is the machine’s it cannot write', async () => {
  await on('web1', 'echo mine >/etc/inet/mine; echo mine >/var/mine; echo mine >/tmp/mine; echo mine >/root/mine');
  for (const file of ['etc/inet/mine', 'var/mine', 'tmp/mine', 'root/mine']) {
    expect(readFileSync(join(lab.host('web1').root, file), 'utf8')).toBe('mine\n');
    expect(await on('db1', `cat /${file}`)).toContain('No such file');
  }
  expect(await on('web1', 'touch /usr/sbin/ipsecconf')).toContain('Read-only');
  expect(await on('web1', 'touch /opt/x')).toContain('Read-only');
});

test('a power cut kills all there is and keeps the files; boot brings the policy back before SSH answers', async () => {
  const host = lab.host('web1');
  await on('web1', 'echo "{ raddr 192.0.2.9 dir both } drop {}" >/etc/inet/ipsecinit.conf; svcadm restart policy');
  await on('web1', 'setsid sleep 1000 >/dev/null 2>&1 </dev/null &');
  const before = host.pid;
  await host.powerCut();
  expect(host.pid).toBeUndefined();
  expect(existsSync(`/proc/${before}`)).toBe(false);
  expect(leftOf(host.root, new Set())).toEqual([]);
  expect((await ssh('10.0.1.11', 'true')).exit).toBe(255);
  await host.boot();
  expect((await ssh('10.0.1.11', 'cat /etc/inet/mine; ipsecconf -ln')).stdout).toMatch(
    /^mine\n[^]*raddr 192.0.2.9\/32/,
  );
  expect(await connects('outsider1', '10.0.1.11')).toBe(false);
  expect(await connects('db1', '10.0.1.11')).toBe(true);
  await on('web1', 'rm /etc/inet/ipsecinit.conf; ipsecconf -F');
});

test('a network is cut in one direction or both and healed, and a host that boots meanwhile stays cut', async () => {
  const { link } = lab.host('web1');
  expect(await connects('outsider1', '10.0.1.11')).toBe(true);
  await link.cut('out');
  expect(await connects('outsider1', '10.0.1.11')).toBe(false);
  expect(link.state.cut).toEqual(['out']);
  await link.heal();
  await link.cut('in');
  expect(await connects('web1', '192.0.2.9')).toBe(false);
  await lab.host('web1').powerCut();
  await lab.host('web1').boot();
  expect(await connects('web1', '192.0.2.9')).toBe(false);
  await link.heal();
  expect(await connects('web1', '192.0.2.9')).toBe(true);
  await link.lose(100);
  expect(await connects('web1', '192.0.2.9')).toBe(false);
  await link.heal();
});

test('a wrong clock, a full disk and a read-only one are as the host sees them, over a boot too', async () => {
  const host = lab.host('web1');
  await host.disturb({ what: 'clock', offsetSeconds: 86_400 });
  const ahead = Number(await on('web1', 'date +%s')) - Date.now() / 1000;
  expect(Math.round(ahead / 3600)).toBe(24);
  await host.disturb({ what: 'disk', disk: 'full' });
  await host.powerCut();
  await host.boot();
  const { stdout } = await ssh(
    '10.0.1.11',
    'echo x 2>/dev/null >/tmp/x || echo full; mv /tmp/x /tmp/y && rm /tmp/y && echo moved',
  );
  expect(stdout).toBe('full\nmoved\n');
  expect((await ssh('10.0.1.11', 'svcs -H policy')).stdout).toContain('online');
  await host.disturb({ what: 'disk', disk: 'ro' });
  expect(await on('web1', 'touch /var/x')).toContain('Read-only');
  await host.disturb({ what: 'disk', disk: 'ok' });
  await host.disturb({ what: 'clock', offsetSeconds: 0 });
  expect(await on('web1', 'touch /var/x && date +%Y')).toBe(String(new Date().getUTCFullYear()));
});

test('reset puts a host back to how it was delivered', async () => {
  await lab.host('web1').reset();
  expect((await ssh('10.0.1.11', 'cat /var/mine')).stderr).toContain('No such file');
});

test('a lab that fails half-way leaves nothing running', async () => {
  const half = join(folder, 'half');
  const twice = plans.slice(0, 1).map((plan) => ({ ...plan, addresses: [...plan.addresses, ...plan.addresses] }));
  await expect(startEnforcingLab({ folder: half, hosts: twice, controller })).rejects.toThrow(/web1|SSH|start/);
  expect(leftOf(half, new Set())).toEqual([]);
});

test('a lab whose process is killed is found again by its folder, and goes without a trace', () => {
  const at = join(folder, 'crash');
  const run = (...words: readonly string[]): string =>
    execFileSync(process.execPath, [PROGRAM, 'lab', ...words, '--folder', at], { encoding: 'utf8' });
  expect(run('up', '--enforce')).toContain(`ipsec-deploy lab controller --folder '${at}' -- ipsec-deploy apply`);
  process.kill(readLabState(at)?.pid ?? expect.fail('no lab'), 'SIGKILL');
  expect(leftOf(at, new Set()).length).toBeGreaterThan(0);
  run('up');
  process.kill(readLabState(at)?.pid ?? expect.fail('no lab'), 'SIGKILL');
  run('down');
  expect(existsSync(at)).toBe(false);
  expect(leftOf(at, new Set())).toEqual([]);
});

test('a host whose first process is killed from outside is off, and boots again, once, unless its power goes meanwhile', async () => {
  const host = lab.host('web1');
  process.kill(host.pid ?? expect.fail('it is off'), 'SIGKILL');
  await vi.waitFor(() => expect(host.isOn).toBe(false));
  const booting = host.boot();
  await Promise.all([host.powerCut(), booting]);
  expect(host.isOn).toBe(false);
  expect(leftOf(host.root, new Set())).toEqual([]);
  // Whoever presses the switch twice has one host.
  await Promise.all([host.boot(), host.boot()]);
  expect(await connects('outsider1', '10.0.1.11')).toBe(true);
});

test('who gives up while a lab comes up leaves nothing behind', async () => {
  const at = join(folder, 'given up');
  const up = spawn(process.execPath, [PROGRAM, 'lab', 'up', '--enforce', '--hosts', '20', '--folder', at]);
  await vi.waitFor(() => expect(existsSync(join(at, 'hosts/db9/network'))).toBe(true), { timeout: 20_000 });
  expect(existsSync(join(at, 'lab.json'))).toBe(false);
  up.kill('SIGINT');
  await vi.waitFor(() => expect(existsSync(at)).toBe(false), { timeout: 20_000 });
  expect(leftOf(at, new Set())).toEqual([]);
});

test('who is not root is told so, and what to do', () => {
  const words = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, PROGRAM];
  const { status, stderr } = spawnSync('setpriv', [...words, 'lab', 'up', '--enforce', '--folder', '/tmp/not-made'], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: '/' },
  });
  expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('run it as root') });
  expect(existsSync('/tmp/not-made')).toBe(false);
});
