import { expect, test } from 'vitest';
import { testMachine, type TestMachine } from './test-machine.js';

const CONFIG = '/host/etc/inet/ike/config';
const PRESHARED = '/host/etc/inet/secret/ike.preshared';

const rules = (...labels: readonly string[]): string =>
  labels
    .map(
      (label) => `{ label "${label}"
  local_addr 10.0.0.1
  remote_addr 10.0.0.2
  p1_xform { auth_method preshared oakley_group 14 auth_alg sha256 encr_alg aes(256) }
}
`,
    )
    .join('');

const PSK =
  '{ localidtype IP localid 10.0.0.1 remoteidtype IP remoteid 10.0.0.2 key 00112233445566778899aabbccddeeff }\n';

async function withDaemon(): Promise<TestMachine> {
  const host = testMachine();
  host.files.put(CONFIG, rules('one'), 0o644).put(PRESHARED, PSK, 0o600);
  await host.machine.boot();
  await host.run('svcadm enable -s ike');
  return host;
}

const labels = async (host: TestMachine): Promise<string[]> =>
  [...(await host.run('ikeadm dump rule')).stdout.matchAll(/Label '([^']*)'/g)].map(([, label = '']) => label);

const state = async (host: TestMachine): Promise<string> => (await host.run('svcs -H -o state ike')).stdout.trim();

test('without a daemon every question to it fails', async () => {
  const host = testMachine();
  await host.machine.boot();
  const reply = await host.run('ikeadm get stats');
  expect(reply.exit).toBe(1);
  expect(reply.stderr).toContain('Unable to communicate with in.iked');
  expect((await host.run('pgrep in.iked')).exit).toBe(1);
});

test('the service starts it, and a second one refuses', async () => {
  const host = await withDaemon();
  expect(await state(host)).toBe('online');
  expect((await host.run('ikeadm get stats')).exit).toBe(0);
  expect((await host.run('pgrep -x in.iked')).stdout).toMatch(/^\d+\n$/);
  expect((await host.run('in.iked')).exit).toBe(1);
});

test('a hang-up reads the rules again and not the keys; a restart reads both', async () => {
  const host = await withDaemon();
  host.files.put(CONFIG, rules('one', 'two'), 0o644).put(PRESHARED, '', 0o600);
  expect(await labels(host)).toEqual(['one']);
  await host.run('svcadm refresh ike');
  expect(await labels(host)).toEqual(['one', 'two']);
  expect(host.machine.iked?.preshared).toHaveLength(1);
  await host.run('svcadm restart ike');
  expect(host.machine.iked?.preshared).toHaveLength(0);
});

test('a hang-up with a bad file leaves the daemon as it was', async () => {
  const host = await withDaemon();
  host.files.put(CONFIG, '{ label', 0o644);
  await host.run('pkill -HUP in.iked');
  expect(await labels(host)).toEqual(['one']);
});

test('bad rules, or keys that others may read, end in maintenance', async () => {
  const host = await withDaemon();
  await host.run('svcadm disable -s ike');
  host.files.put(CONFIG, rules('one', 'one'), 0o644);
  expect((await host.run('svcadm enable -s ike')).exit).toBe(3);
  expect(await state(host)).toBe('maintenance');
  host.files.put(CONFIG, rules('one'), 0o644).put(PRESHARED, PSK, 0o644);
  await host.run('svcadm clear ike');
  expect(await state(host)).toBe('maintenance');
  expect(host.machine.iked).toBeUndefined();
});

test('the check names the line, and starts nothing', async () => {
  const host = testMachine();
  host.files.put('/host/root/config', `${rules('one')}nonsense\n`);
  const bad = await host.run('in.iked -c -f config');
  expect(bad).toEqual({ exit: 1, stdout: '', stderr: 'in.iked: config:6:1: `nonsense` is not a setting\n' });
  host.files.put('/host/root/config', rules('one'));
  expect((await host.run('in.iked -c -f config')).stdout).toBe(
    'in.iked: Configuration file config syntactically checks out.\n',
  );
  expect(host.machine.iked).toBeUndefined();
});

test('a killed daemon is started again by its service', async () => {
  const host = await withDaemon();
  const first = host.machine.iked?.pid;
  await host.run('pkill in.iked');
  expect(host.machine.iked?.pid).not.toBe(first);
  expect(await state(host)).toBe('online');
});

test('one that dies right after each start ends in maintenance', async () => {
  const host = testMachine();
  host.files.put(CONFIG, rules('one'), 0o644);
  await host.machine.boot();
  host.machine.faults.place({ tool: 'in.iked', fault: { kind: 'dies' } });
  await host.run('svcadm enable ike');
  for (let turn = 0; turn < 5; turn++) await host.machine.idle();
  expect(await state(host)).toBe('maintenance');
});

test('one out of step answers, with what its forerunner held', async () => {
  const host = await withDaemon();
  host.files.put(CONFIG, rules('one', 'two'), 0o644);
  host.machine.faults.place({ tool: 'in.iked', fault: { kind: 'stale' } });
  await host.run('svcadm refresh ike');
  expect(await labels(host)).toEqual(['one']);
  await host.run('svcadm restart ike');
  expect(await labels(host)).toEqual(['one']);
  expect((await host.run('ikeadm get stats')).exit).toBe(0);
});

test('keys are shown to those who may see them only', async () => {
  const host = await withDaemon();
  expect((await host.run('ikeadm dump preshared')).exit).toBe(1);
  await host.run('svcadm disable -s ike');
  await host.run('in.iked -p 1');
  expect((await host.run('ikeadm dump preshared')).stdout).not.toContain('001122');
});
