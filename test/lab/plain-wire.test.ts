import { expect, onTestFinished, test } from 'vitest';
import { outcomeOf } from '../../controller/lab/host-inside.js';
import { startLab, type Lab } from '../../controller/lab/lab.js';
import { address, scratchFolder } from './support.js';

async function lab(): Promise<Lab> {
  const started = await startLab({
    folder: scratchFolder(),
    hosts: [
      { name: 'web1', addresses: [address('10.0.0.1')] },
      { name: 'old1', addresses: [address('10.0.0.2')], platform: 'solaris-legacy' },
    ],
    client: address('127.0.0.1'),
    // Nobody waits for what does not come.
    clock: { now: () => new Date(), after: () => Promise.resolve() },
  });
  onTestFinished(() => started.close());
  return started;
}

const run = async (from: Lab, host: string, line: string): Promise<string> => {
  const { exit, stdout, stderr } = await outcomeOf(from.host(host).start(['/bin/sh', '-c', line]));
  return `${exit} ${stdout}${stderr}`.trim();
};

test('the hosts of a plain lab reach each other with the commands that their systems have', async () => {
  const plain = await lab();
  expect(await run(plain, 'web1', 'ping old1 2')).toBe('0 old1 is alive');
  expect(await run(plain, 'old1', 'ping 10.0.0.1 2')).toBe('0 10.0.0.1 is alive');
  expect(await run(plain, 'web1', 'nc -v -n -z -w 2 -s 10.0.0.1 10.0.0.2 22')).toBe(
    '0 Connection to 10.0.0.2 22 port [tcp/*] succeeded!',
  );
  expect(await run(plain, 'web1', 'nc -v -n -z -w 2 10.0.0.2 25')).toBe(
    '1 nc: connect to 10.0.0.2 port 25 (tcp) failed: Connection refused',
  );
  plain.plainWire.listen(address('10.0.0.2'), [25]);
  expect(await run(plain, 'web1', 'nc -z -w 2 old1 25')).toBe('0');
  expect(await run(plain, 'web1', 'ping 127.0.0.1')).toBe('0 127.0.0.1 is alive');
  // Its files stand beside the root, so that the machine's own is not found there.
  expect(await run(plain, 'old1', 'ls "$IPSEC_AGENT_ROOT/usr/bin/nc" 2>/dev/null')).toMatch(/^[12]$/);
});

test('what is loaded decides: a rule without an SA lets nothing out, and the other end hears nothing', async () => {
  const plain = await lab();
  await run(plain, 'web1', 'echo "{raddr 10.0.0.2} ipsec {encr_algs aes sa shared}" | ipsecconf -q -a -');
  expect(await run(plain, 'web1', 'nc -v -n -z -w 1 10.0.0.2 22')).toMatch(/^1 .*timed out$/);
  expect(await run(plain, 'web1', 'ping 10.0.0.2 1')).toBe('1 no answer from 10.0.0.2');
  await run(plain, 'web1', 'ipsecconf -q -F');
  plain.host('old1').setNetwork('down');
  expect(await run(plain, 'web1', 'ping 10.0.0.2 1')).toBe('1 no answer from 10.0.0.2');
});
