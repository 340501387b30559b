/** The real su behind a real sshd: an account without privileges, root's password, and a terminal to type it on. */

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createHostLink } from '../../../controller/remote/agent-link.js';
import type { HostLink, OwnNetwork } from '../../../controller/ports.js';
import { sightsOf } from '../../../controller/run/probe-sights.js';
import { POLICY_A } from '../../agent/support/contents.js';
import { AgentHost, FILES, agent } from '../../agent/support/agent-host.js';
import { address, dumped, DUMP_END, HERE, icmp, ProbeHost, tcp, THERE } from '../../agent/support/probe-host.js';
import { changeHost } from './change-host.js';
import { scratch, startSshd } from './openssh.js';
import type { OpenSsh } from './openssh.js';

const ROOTS = 'a root pass: word';

/** Accounts of our own need a mount namespace, and that needs root. */
function canHaveAccounts(): boolean {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** sshd among accounts of its own: `deploy`, who is nobody, and root with a password. */
async function sshdWithAccounts(
  config: readonly string[] = [],
  scratchHost = new AgentHost(),
): Promise<{ sshd: OpenSsh; scratchHost: AgentHost }> {
  onTestFinished(async () => {
    expect(await scratchHost.dispose()).toEqual([]);
  });
  scratchHost.write(FILES.policy, POLICY_A);
  // All of /etc: a file that is mounted over is laid bare as soon as another test's useradd puts a new one in its place.
  const etc = join(await scratch(), 'etc');
  execFileSync('cp', ['-a', '/etc', etc]);
  const hash = execFileSync('openssl', ['passwd', '-6', '-stdin'], { input: ROOTS, encoding: 'utf8' }).trim();
  await appendFile(join(etc, 'passwd'), 'deploy:x:54321:54321::/tmp:/bin/sh\n');
  const others = (await readFile(join(etc, 'shadow'), 'utf8')).split('\n').filter((line) => !line.startsWith('root:'));
  const shadow = [`root:${hash}:19000:0:99999:7:::`, 'deploy:*:19000:0:99999:7:::', ...others].join('\n');
  await writeFile(join(etc, 'shadow'), shadow);
  const mounts = `mount --bind ${etc} /etc && exec "$@"`;
  const sshd = await startSshd({
    env: scratchHost.env(),
    config,
    inside: ['unshare', '-m', '--propagation', 'private', 'sh', '-c', mounts, 'sh'],
  });
  await chmod(sshd.folder, 0o755);
  await chmod(join(sshd.folder, 'authorized_keys'), 0o644);
  return { sshd, scratchHost };
}

function linkWith(password: string, events: unknown[] = []): HostLink {
  const log = { event: (...words: unknown[]) => void events.push(words) };
  return createHostLink({ agent, env: { ROOT_PW: password }, randomBytes, log });
}

const hasAccounts = canHaveAccounts();
if (!hasAccounts) console.log('su skipped: accounts of its own need a mount namespace, and that needs root');

test.skipIf(!hasAccounts)('su lets the deploy user in with root’s password, and no process ever shows it', async () => {
  const { sshd, scratchHost } = await sshdWithAccounts(['MaxSessions 1']);
  const events: unknown[] = [];
  const host = sshd.hostAt({ user: 'deploy', privilege: 'su', rootPasswordEnv: 'ROOT_PW' });
  const link = linkWith(ROOTS, events);
  const session = await link.open(host);
  const seen = await session.observe();
  expect(seen.facts.get('user')).toBe('0');
  expect(await session.read(FILES.policy)).toBe(POLICY_A);
  expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(ROOTS);
  await session.close();
  // its dead-man outlives the terminal it was started on
  await changeHost(link, scratchHost, host);
  expect(JSON.stringify([events, sshd.log])).not.toContain(ROOTS);
  await scratchHost.untilQuiet();
});

test.skipIf(!hasAccounts)('su that is given a wrong password, or no terminal, says what it lacks', async () => {
  const { sshd } = await sshdWithAccounts();
  const host = sshd.hostAt({ user: 'deploy', privilege: 'su', rootPasswordEnv: 'ROOT_PW' });
  await expect(linkWith('not it').open(host)).rejects.toMatchObject({
    failure: { kind: 'privilege', reason: expect.stringMatching(/by su: .*su: /) },
  });
  await expect(linkWith('not it').open(sshd.hostAt({ user: 'deploy' }))).rejects.toMatchObject({
    failure: { kind: 'privilege', reason: expect.stringContaining('privileges of root') },
  });
  const { sshd: without } = await sshdWithAccounts(['PermitTTY no']);
  await expect(
    linkWith(ROOTS).open(without.hostAt({ user: 'deploy', privilege: 'su', rootPasswordEnv: 'ROOT_PW' })),
  ).rejects.toMatchObject({ failure: { todo: expect.stringContaining('PermitTTY') } });
});

test.skipIf(!hasAccounts)(
  'su behind a jump host that only ssh_config knows: flows are tried from the host, and none from here',
  async () => {
    const host = new ProbeHost();
    host.tools({ nc: 'openbsd', ping: 'gnu' });
    host.dumps(dumped('ESP', '0x1001', HERE, THERE, 84) + DUMP_END);
    const { sshd } = await sshdWithAccounts(['MaxSessions 1'], host);
    const bastion = await startSshd();
    const file = join(bastion.folder, 'config');
    const known = join(bastion.folder, 'known');
    await writeFile(known, `bastion ${await bastion.hostKeyLine('ed25519')}\n`);
    const lines = [
      'Host bastion',
      `  HostName 127.0.0.1\n  Port ${bastion.port}\n  User ${bastion.hostAt().ssh.user}`,
      `  HostKeyAlias bastion\n  UserKnownHostsFile ${known}\n  IdentityFile ${bastion.clientKeyFile}`,
      'Host db1\n  ProxyJump bastion',
    ];
    await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
    const session = await linkWith(ROOTS).open(
      sshd.hostAt({
        user: 'deploy',
        privilege: 'su',
        rootPasswordEnv: 'ROOT_PW',
        config: { file, isNamed: true, open: ['proxyJump', 'auth', 'knownHosts'] },
      }),
      { readOnly: true },
    );
    expect(session.through).toEqual(['127.0.0.1']);
    const report = await session.probe([tcp('open', 22), tcp('closed', 81), icmp('echo')], 5);
    expect(report.replies.map(({ answer, means }) => [answer, means])).toEqual([
      ['open', 'nc'],
      ['closed', 'nc'],
      ['open', 'ping'],
    ]);
    expect(report.after).toEqual([{ type: 'esp', spi: '0x1001', src: HERE, dst: THERE, bytes: 84 }]);
    expect(await session.counters()).toEqual(report.after);
    await session.close();
    const own: OwnNetwork = {
      addressesOf: () => Promise.resolve([address(HERE)]),
      sourceTowards: () => Promise.resolve(address('10.0.0.5')),
      connect: () => Promise.reject(new Error('nothing is to be tried from here')),
    };
    const reached = { ...sshd.hostAt(), addresses: [address(HERE)] };
    const { sights } = await sightsOf(
      [reached],
      { hosts: [reached], management: [] },
      own,
      new Map([['db1', session]]),
    );
    expect(sights).toEqual([]);
  },
);
