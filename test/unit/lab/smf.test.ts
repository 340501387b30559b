import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { listSas } from '../../../controller/keys/kernel/sad.js';
import { testMachine, type TestMachine } from './test-machine.js';

const POLICY_FILE = '/host/etc/inet/ipsecinit.conf';
const POLICY_LOG = '/host/var/svc/log/network-ipsec-policy:default.log';
const RULE = '{raddr 10.0.0.3} ipsec {auth_algs md5}\n';

async function booted(policy = RULE): Promise<TestMachine> {
  const host = testMachine();
  host.files.put(POLICY_FILE, policy, 0o644);
  await host.machine.boot();
  return host;
}

const state = async (host: TestMachine, service: string): Promise<string> =>
  (await host.run(`svcs -H -o state ${service}`)).stdout.trim();

test('a boot loads the policy and leaves manual keys and IKE disabled', async () => {
  const host = await booted();
  expect((await host.run('ipsecconf -ln')).stdout).toContain('raddr 10.0.0.3/32');
  expect((await host.run('svcs -H -o state,fmri policy manual-key ike ssh')).stdout.split('\n')).toEqual([
    'disabled       svc:/network/ipsec/ike:default',
    'disabled       svc:/network/ipsec/manual-key:default',
    'online         svc:/network/ipsec/policy:default',
    'online         svc:/network/ssh:default',
    '',
  ]);
});

test('without a policy file the service is online and nothing is loaded', async () => {
  const host = testMachine();
  await host.machine.boot();
  expect(await state(host, 'policy')).toBe('online');
  expect((await host.run('ipsecconf -ln')).stdout).toBe('');
});

test('a bad policy file at boot puts the service in maintenance, says so in its log, and holds up IKE', async () => {
  const host = await booted('{raddr x} nonsense {}\n');
  expect(await state(host, 'policy')).toBe('maintenance');
  const log = host.files.text(POLICY_LOG) ?? '';
  expect(log).toContain(
    '[ Nov 22 12:00:00 Executing start method ("/usr/sbin/ipsecconf -q -a /etc/inet/ipsecinit.conf"). ]',
  );
  expect(log).toContain('[ Nov 22 12:00:00 Method "start" exited with status 95. ]');
  await host.run('svcadm enable ike');
  expect(await state(host, 'ike')).toBe('offline');
});

test('a failed refresh keeps the old rules, later refreshes do nothing, and clear adds', async () => {
  const host = await booted();
  host.files.put(POLICY_FILE, '{rport x} bypass {}\n', 0o644);
  expect(await host.run('svcadm refresh policy')).toEqual({ exit: 0, stdout: '', stderr: '' });
  expect(await state(host, 'policy')).toBe('maintenance');
  host.files.put(POLICY_FILE, '{raddr 10.0.0.7} ipsec {auth_algs md5}\n', 0o644);
  await host.run('svcadm refresh policy');
  expect((await host.run('ipsecconf -ln')).stdout).not.toContain('10.0.0.7');
  await host.run('svcadm clear policy');
  expect(await state(host, 'policy')).toBe('online');
  const rules = (await host.run('ipsecconf -ln')).stdout;
  expect(rules).toContain('10.0.0.3');
  expect(rules).toContain('10.0.0.7');
});

test('a property takes effect with the next refresh', async () => {
  const host = await booted();
  host.files.put('/host/etc/other.conf', '{raddr 10.0.0.8} ipsec {auth_algs md5}\n', 0o644);
  await host.run('svccfg -s ipsec/policy setprop config/config_file = /etc/other.conf');
  expect((await host.run('svcprop -p config/config_file ipsec/policy')).stdout).toBe('/etc/inet/ipsecinit.conf\n');
  await host.run('svcadm restart policy');
  expect((await host.run('ipsecconf -ln')).stdout).toContain('10.0.0.3');
  await host.run('svcadm refresh policy');
  expect((await host.run('svcprop -p config/config_file ipsec/policy')).stdout).toBe('/etc/other.conf\n');
  expect((await host.run('ipsecconf -ln')).stdout).toContain('10.0.0.8');
});

test("a service may be told a file of the lab machine's, where its host has none of that name", async () => {
  const host = await booted();
  host.files.put('/home/me/p.conf', '{raddr 10.0.0.8} ipsec {auth_algs md5}\n', 0o644);
  host.files.put('/etc/p.conf', '{raddr 10.0.0.9} ipsec {auth_algs md5}\n', 0o644);
  const point = async (path: string): Promise<string> => {
    await host.run(`svccfg -s ipsec/policy setprop config/config_file = ${path}`);
    await host.run('svcadm refresh policy');
    return (await host.run('ipsecconf -ln')).stdout;
  };
  expect(await point('/home/me/p.conf')).toContain('10.0.0.8');
  expect(await point('/etc/p.conf')).not.toContain('10.0.0.9');
  host.files.put('/host/home/me/p.conf', '{raddr 10.0.0.7} ipsec {auth_algs md5}\n', 0o644);
  expect(await point('/home/me/p.conf')).toContain('10.0.0.7');
});

test('keys with loose permissions keep manual-key in maintenance', async () => {
  const host = await booted();
  const key = 'add ah spi 300 dst 10.0.0.2 auth_alg md5 authkey 000102030405060708090a0b0c0d0e0f\n';
  host.files.put('/host/etc/inet/secret/ipseckeys', key, 0o644);
  expect((await host.run('svcadm enable -s manual-key')).exit).toBe(3);
  expect(await state(host, 'manual-key')).toBe('maintenance');
  expect(host.files.text('/host/var/svc/log/network-ipsec-manual-key:default.log')).not.toContain('000102');
  host.files.put('/host/etc/inet/secret/ipseckeys', key, 0o600);
  await host.run('svcadm clear manual-key');
  expect(listSas(host.machine.sad, 0)).toHaveLength(1);
});

test('a temporary wish does not outlive a reboot, a lasting one does', async () => {
  const host = await booted();
  await host.run('svcadm disable -t policy');
  expect(await state(host, 'policy')).toBe('disabled');
  expect((await host.run('ipsecconf -ln')).stdout).toBe('');
  host.machine.powerCut();
  await host.machine.boot();
  expect(await state(host, 'policy')).toBe('online');
  await host.run('svcadm disable policy');
  host.machine.powerCut();
  await host.machine.boot();
  expect(await state(host, 'policy')).toBe('disabled');
});

test('a power cut forgets policy, keys and daemon', async () => {
  const host = await booted();
  host.files.put('/host/root/k', 'add ah spi 300 dst 10.0.0.2 auth_alg md5 authkey 000102030405060708090a0b0c0d0e0f\n');
  await host.run('ipseckey -f k');
  host.files.entries.delete(POLICY_FILE);
  host.machine.powerCut();
  expect(listSas(host.machine.sad, 0)).toEqual([]);
  await host.machine.boot();
  expect((await host.run('ipsecconf -ln')).stdout).toBe('');
});

test('words that mean no service are complained about', async () => {
  const host = await booted();
  expect(await host.run('svcadm refresh foo')).toEqual({
    exit: 1,
    stdout: '',
    stderr: "svcadm: Pattern 'foo' doesn't match any instances\n",
  });
  expect((await host.run('svcadm clear policy')).stderr).toContain('is not in a maintenance or degraded state');
});

const GUARD = readFileSync(new URL('../../../agent/platform/boot-guard.xml', import.meta.url), 'utf8');

test('the boot guard runs before the policy is loaded', async () => {
  const rulesThen: string[] = [];
  const host: TestMachine = testMachine(async () => {
    rulesThen.push((await host.run('ipsecconf -ln')).stdout);
    return { exit: 0, stdout: '', stderr: '' };
  });
  host.files.put(POLICY_FILE, RULE, 0o644).put('/host/guard.xml', GUARD);
  await host.machine.boot();
  expect(await host.run('svccfg import /host/guard.xml')).toEqual({ exit: 0, stdout: '', stderr: '' });
  await host.machine.idle();
  host.machine.powerCut();
  await host.machine.boot();
  expect(rulesThen.at(-1)).toBe('');
  expect(host.scripts).toHaveLength(2);
  expect(await state(host, 'policy')).toBe('online');
  expect(await state(host, 'site/ipsec-deploy-guard')).toBe('online');
});

test('a guard that asks for changes of state is not waited for by itself', async () => {
  const host: TestMachine = testMachine(async () => {
    await host.run('svcadm disable policy', { SMF_FMRI: 'svc:/site/ipsec-deploy-guard:default' });
    return { exit: 0, stdout: '', stderr: '' };
  });
  host.files.put(POLICY_FILE, RULE, 0o644).put('/host/guard.xml', GUARD);
  await host.machine.boot();
  await host.run('svccfg import /host/guard.xml');
  await host.machine.idle();
  host.machine.powerCut();
  await host.machine.boot();
  await host.machine.idle();
  expect(await state(host, 'policy')).toBe('disabled');
  expect((await host.run('ipsecconf -ln')).stdout).toBe('');
});

test('a failing guard does not keep the policy from being loaded', async () => {
  const host = testMachine(async () => ({ exit: 1, stdout: '', stderr: 'no\n' }));
  host.files.put(POLICY_FILE, RULE, 0o644).put('/host/guard.xml', GUARD);
  await host.machine.boot();
  await host.run('svccfg import /host/guard.xml');
  await host.machine.idle();
  host.machine.powerCut();
  await host.machine.boot();
  expect(await state(host, 'ipsec-deploy-guard')).toBe('maintenance');
  expect(await state(host, 'policy')).toBe('online');
  const log = host.files.text('/host/var/svc/log/site-ipsec-deploy-guard:default.log') ?? '';
  expect(log.match(/exited with status 1/g)).toHaveLength(6);
});

test('a manifest that is not one is refused', async () => {
  const host = await booted();
  host.files.put('/host/bad.xml', '<service_bundle><service></service_bundle>');
  expect((await host.run('svccfg validate /host/bad.xml')).exit).toBe(1);
  expect((await host.run('svccfg import /host/bad.xml')).exit).toBe(1);
});
