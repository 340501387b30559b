import { expect, test } from 'vitest';
import { testMachine, type TestMachine } from './test-machine.js';

const RULE = '{raddr 10.0.0.3} ipsec {auth_algs md5}\n';

async function withRuleFile(): Promise<TestMachine> {
  const host = testMachine();
  host.files.put('/host/root/a.conf', RULE);
  await host.machine.boot();
  return host;
}

const loaded = async (host: TestMachine): Promise<boolean> => (await host.run('ipsecconf -ln')).stdout !== '';

test('a command that lies says all is well and does nothing, as often as told', async () => {
  const host = await withRuleFile();
  const fault = host.machine.faults.place({
    tool: 'ipsecconf',
    when: (args) => args.includes('-a'),
    fault: { kind: 'lie' },
    times: 1,
  });
  expect((await host.run('ipsecconf -q -a a.conf')).exit).toBe(0);
  expect(await loaded(host)).toBe(false);
  expect(fault.hits).toBe(1);
  await host.run('ipsecconf -q -a a.conf');
  expect(await loaded(host)).toBe(true);
});

test('a command that fails does nothing', async () => {
  const host = await withRuleFile();
  host.machine.faults.place({ tool: 'ipsecconf', fault: { kind: 'fail', stderr: 'no memory\n' }, times: 1 });
  expect(await host.run('ipsecconf -q -a a.conf')).toEqual({ exit: 1, stdout: '', stderr: 'no memory\n' });
  expect(await loaded(host)).toBe(false);
});

test('a command that hangs goes on when released', async () => {
  const host = await withRuleFile();
  const fault = host.machine.faults.place({ tool: 'ipsecconf', fault: { kind: 'hang' }, times: 1 });
  const answer = host.run('ipsecconf -q -a a.conf');
  expect(await loaded(host)).toBe(false);
  fault.release();
  expect((await answer).exit).toBe(0);
  expect(await loaded(host)).toBe(true);
});

test('a power cut ends a command that hangs, and it does nothing afterwards', async () => {
  const host = await withRuleFile();
  const fault = host.machine.faults.place({ tool: 'ipsecconf', fault: { kind: 'hang' }, times: 1 });
  const answer = host.run('ipsecconf -q -a a.conf');
  host.machine.powerCut();
  expect((await answer).exit).toBe(137);
  await host.machine.boot();
  fault.release();
  await host.advance(1);
  expect(await loaded(host)).toBe(false);
});

test.each([
  ['ipsecconf -q -a a.conf', 'ipsecconf -ln'],
  ['ipseckey -f b.keys', 'ipseckey -n dump'],
  ['in.iked', 'ikeadm -n dump rule'],
])('%s, killed while it hangs, does nothing afterwards', async (line, listing) => {
  const host = await withRuleFile();
  host.files.put(
    '/host/root/b.keys',
    `add esp spi 0x1 src 10.0.0.2 dst 10.0.0.3 encralg aes encrkey ${'0123'.repeat(8)}\n`,
  );
  host.files.put('/host/etc/inet/ike/config', 'p2_pfs 0\n');
  const [tool = '', ...args] = line.split(' ');
  const before = await host.run(listing);
  const call = { env: {}, stdin: '', cwd: '/host/root' };
  let lives = true;
  const fault = host.machine.faults.place({ tool, fault: { kind: 'hang' }, times: 1 });
  const answer = host.machine.run(tool, args, { ...call, isAlive: () => lives });
  lives = false;
  fault.release();
  await answer;
  expect(await host.run(listing)).toEqual(before);
  expect((await host.machine.run(tool, args, { ...call, isAlive: () => true })).exit).toBe(0);
  expect(await host.run(listing)).not.toEqual(before);
});

test('a late command works after its time; an early one answers before', async () => {
  const host = await withRuleFile();
  host.machine.faults.place({ tool: 'ipsecconf', fault: { kind: 'late', seconds: 5 }, times: 1 });
  const late = host.run('ipsecconf -q -a a.conf');
  await host.advance(5);
  expect((await late).exit).toBe(0);
  expect(await loaded(host)).toBe(true);
  host.machine.faults.place({ tool: 'svcadm', fault: { kind: 'early', seconds: 3 }, times: 1 });
  expect((await host.run('svcadm disable policy')).exit).toBe(0);
  expect((await host.run('svcs -H -o state policy')).stdout).toBe('online\n');
  await host.advance(3);
  expect((await host.run('svcs -H -o state policy')).stdout).toBe('disabled\n');
});

test('commands at the same time do not lose what another did', async () => {
  const host = await withRuleFile();
  for (let i = 0; i < 8; i++) {
    host.files.put(
      `/host/root/${i}.keys`,
      `add ah spi ${300 + i} dst 10.0.0.2 auth_alg md5 authkey 000102030405060708090a0b0c0d0e0f\n`,
    );
  }
  await Promise.all(Array.from({ length: 8 }, (_, i) => host.run(`ipseckey -f ${i}.keys`)));
  expect((await host.run('ipseckey -n -s -')).stdout.match(/begin assoc/g)).toHaveLength(8);
});

test('a command that the host does not have is not found', async () => {
  const host = testMachine();
  expect((await host.run('frobnicate -x')).exit).toBe(127);
});
