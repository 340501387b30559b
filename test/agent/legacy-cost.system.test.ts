/** What a transaction costs a host without IPsec services, whose policy goes rule by rule. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agent, FILES, NONCE, Session } from './support/agent-host.js';
import { ikeConfig, KEYS_A, KEYS_AB, POLICY_A, POLICY_B, psk } from './support/contents.js';
import { bothFamilies, LabAgent } from './support/lab-agent.js';
import { countProcesses } from './support/process-count.js';

const strace = spawnSync('strace', ['-V']).status === 0;
if (!strace) console.log('process counts skipped: strace is not here');

const contents = (policy: string, keys: string, label: string): Record<string, string> => ({
  [FILES.policy]: policy,
  [FILES.keys]: keys,
  [FILES.config]: ikeConfig(label),
  [FILES.psk]: psk('c3'),
});

describe.skipIf(!strace)('on a host without IPsec services', () => {
  let host: LabAgent;
  beforeEach(async () => {
    host = await LabAgent.start({ platform: 'solaris-legacy' });
  });
  afterEach(async () => host.close());

  /** The agent under strace, in a shell of this machine and not in the host's, whose stub would count. */
  const traced = async (name: string, talk: (session: Session) => Promise<void>): Promise<void> => {
    const options = ['-f', '-qq', '-e', 'trace=execve,clone,clone3,fork,vfork', '-o', join(host.folder, name)];
    const argv = ['strace', ...options, '/bin/sh', '-s', '--', agent.digest];
    const session = new Session(host, host.host.start(argv, { IPSEC_AGENT_SHELL: '/bin/sh' }));
    await session.start();
    await talk(session);
    session.send('bye\n');
    while (!session.over) await delay(10);
  };

  it('an apply of policy, keys and IKE takes at most 44 processes and one for each rule that goes, an unchanged session 12', async () => {
    const first = await host.open();
    const spd = bothFamilies(POLICY_A);
    const files = contents(POLICY_A, KEYS_A, 'one');
    expect((await first.apply({ files, spd, ike: 'start' })).last, first.heard).toContain('state=verified');
    expect((await first.ask(`confirm id=T1 nonce=${NONCE}`)).last).toContain('state=confirmed');
    first.send('bye\n');
    host.rules = spd;
    await traced('unchanged', async (session) => void (await session.ask('observe')));
    const next = { generation: 2, expect: 1, files: contents(POLICY_B, KEYS_AB, 'two'), spd: bothFamilies(POLICY_B) };
    const applied = traced('apply', async (session) => {
      await session.ask('observe');
      expect((await session.apply({ ...next, ike: 'restart' })).last, session.heard).toContain('state=verified');
    });
    while (!existsSync(join(host.state, 'tx/verified'))) await delay(10);
    await traced('confirm', async (session) => {
      expect((await session.ask(`confirm id=T2 nonce=${NONCE}`)).last).toContain('state=confirmed');
    });
    await applied;
    const tools = host.path('usr/');
    const count = (name: string): number => countProcesses(join(host.folder, name), tools).count;
    console.log(['unchanged', 'apply', 'confirm'].map((name) => `${name}: ${count(name)} processes`).join(', '));
    expect(count('unchanged')).toBeLessThanOrEqual(12);
    expect(count('apply') + count('confirm')).toBeLessThanOrEqual(44 + spd.length);
  });
});
