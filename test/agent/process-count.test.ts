import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { AgentHost, FILES, NONCE } from './support/agent-host.js';
import { countProcesses } from './support/process-count.js';
import { POLICY_A, POLICY_B, KEYS_A, KEYS_AB, ikeConfig, psk } from './support/contents.js';

const strace = spawnSync('strace', ['-V']).status === 0;
if (!strace) console.log('process counts skipped: strace is not here');

function traced(file: string): string[] {
  return ['strace', '-f', '-qq', '-e', 'trace=execve,clone,clone3,fork,vfork', '-o', file, 'sh'];
}

describe.skipIf(!strace)('processes on the host', () => {
  let host: AgentHost;
  afterEach(async () => {
    expect(await host.dispose()).toEqual([]);
  });

  it('are at most 40 for an apply of policy, keys and IKE over two connections, and 12 for an unchanged session or a look for drift', async () => {
    host = new AgentHost();
    const first = await host.open();
    const files = {
      [FILES.policy]: POLICY_A,
      [FILES.keys]: KEYS_A,
      [FILES.config]: ikeConfig('one'),
      [FILES.psk]: psk('11'),
    };
    expect((await first.apply({ files, ike: 'start' })).last).toContain('state=verified');
    expect((await first.ask(`confirm id=T1 nonce=${NONCE}`)).last).toContain('state=confirmed');
    first.send('bye\n');
    await host.untilQuiet();

    const trace = (name: string): string => join(host.base, name);
    const measured: Record<string, ReturnType<typeof countProcesses>> = {};
    const session = async (
      name: string,
      talk: (session: Awaited<ReturnType<AgentHost['open']>>) => Promise<void>,
    ): Promise<void> => {
      host.shell = traced(trace(name));
      const opened = await host.open();
      await talk(opened);
      opened.send('bye\n');
      await host.until('the session ends', () => opened.over);
    };
    await session('unchanged', async (s) => void (await s.ask('observe')));
    await session('drift', async (s) => void (await s.ask('drift')));
    const next = {
      [FILES.policy]: POLICY_B,
      [FILES.keys]: KEYS_AB,
      [FILES.config]: ikeConfig('two'),
      [FILES.psk]: psk('22'),
    };
    const applied = (async () => {
      await session('apply', async (s) => {
        await s.ask('observe');
        expect((await s.apply({ generation: 2, expect: 1, files: next, ike: 'restart' })).last).toContain(
          'state=verified',
        );
      });
    })();
    // strace stays until the dead-man ends, which the confirm brings about.
    await host.until('verified', () => host.read('var/ipsec-deploy/tx/verified') !== undefined);
    await session('confirm', async (s) => {
      expect((await s.ask(`confirm id=T2 nonce=${NONCE}`)).last).toContain('state=confirmed');
    });
    await applied;
    await host.untilQuiet();
    for (const name of ['unchanged', 'drift', 'apply', 'confirm'])
      measured[name] = countProcesses(trace(name), host.path('usr/sbin'));
    console.log(
      Object.entries(measured)
        .map(([name, { count }]) => `${name}: ${count} processes`)
        .join(', '),
    );
    expect(measured['unchanged']?.count).toBeLessThanOrEqual(12);
    expect(measured['drift']?.count).toBeLessThanOrEqual(12);
    expect((measured['apply']?.count ?? 0) + (measured['confirm']?.count ?? 0)).toBeLessThanOrEqual(40);
  });
});
