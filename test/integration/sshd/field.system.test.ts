/** What OpenSSH servers do in the field: old algorithms, rekeying, loud logins, slow links, restarts in mid-transaction. */

import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { HostLinkError } from '../../../controller/ports.js';
import { createHostLink } from '../../../controller/remote/agent-link.js';
import { POLICY_A } from '../../agent/support/contents.js';
import { AgentHost, FILES, NONCE, agent } from '../../agent/support/agent-host.js';
import { changeHost, toPolicyB } from './change-host.js';
import { scratch, startSshd } from './openssh.js';
import type { OpenSsh, SshdScript } from './openssh.js';
import { say } from './say.js';
import { slowLink } from './slow-link.js';

const link = createHostLink({ agent, env: {}, randomBytes, log: { event: () => undefined } });

async function hostBehindSshd(script: SshdScript = {}): Promise<{ scratchHost: AgentHost; sshd: OpenSsh }> {
  const scratchHost = new AgentHost();
  onTestFinished(async () => {
    expect(await scratchHost.dispose()).toEqual([]);
  });
  const sshd = await startSshd({ ...script, env: { ...scratchHost.env(), ...script.env } });
  return { scratchHost, sshd };
}

describe('a host with the algorithms of SunSSH', () => {
  const SUN = [
    'KexAlgorithms diffie-hellman-group1-sha1,diffie-hellman-group-exchange-sha1',
    'HostKeyAlgorithms ssh-rsa',
    'Ciphers aes128-cbc,3des-cbc',
    'MACs hmac-md5,hmac-sha1',
    'PubkeyAcceptedAlgorithms ssh-rsa,ssh-ed25519',
  ];

  test('is refused with what it offers and the line that would allow it, and is talked to with that line', async () => {
    const sshd = await startSshd({ config: SUN });
    const hostKeys = [await sshd.hostKeyLine('rsa')];
    const failure = await say(sshd.hostAt({ hostKeys }));
    expect(failure).toMatchObject({
      kind: 'unreachable',
      reason: expect.stringMatching(/no SSH algorithm in common.*SSH-2\.0-OpenSSH.* offers diffie-hellman-group1-sha1/),
      todo: expect.stringContaining('ssh: { allow: ['),
    });
    if (typeof failure === 'string') throw new Error('it was talked to');
    const allow = /allow: \[([^\]]*)\]/.exec(failure.todo)?.[1]?.split(', ') ?? [];
    expect(allow).toEqual(['diffie-hellman-group1-sha1', 'ssh-rsa', 'aes128-cbc', 'hmac-sha1']);
    expect(await say(sshd.hostAt({ hostKeys, allow }))).toBe('42\n');
  });

  test.each(['diffie-hellman-group1-sha1', 'diffie-hellman-group14-sha1'])(
    'agrees by %s, with each old cipher and MAC',
    async (kex) => {
      for (const [cipher, hmac] of [
        ['3des-cbc', 'hmac-md5'],
        ['aes256-cbc', 'hmac-sha1-96'],
        ['aes128-cbc', 'hmac-md5-96'],
      ] as const) {
        const sshd = await startSshd({ config: [`KexAlgorithms ${kex}`, `Ciphers ${cipher}`, `MACs ${hmac}`] });
        expect(await say(sshd.hostAt({ allow: [kex, cipher, hmac] })), `${cipher} ${hmac}`).toBe('42\n');
      }
    },
  );
});

test('keys that are agreed anew every few packets interrupt nothing', async () => {
  const { scratchHost, sshd } = await hostBehindSshd({ config: ['RekeyLimit 16K', 'LogLevel DEBUG1'] });
  await changeHost(link, scratchHost, sshd.hostAt());
  // one at the beginning of each of the two connections
  expect(sshd.log.filter((line) => line.includes('SSH2_MSG_KEXINIT received')).length).toBeGreaterThan(2);
});

test('a login that prints a banner, escape sequences, bytes of no character and 900 lines is no harm', async () => {
  const folder = await scratch();
  await writeFile(join(folder, 'banner'), `${'Keep out.\n'.repeat(500)}\u001b[2J\u0007ipsec-deploy-agent ready\n`);
  await writeFile(
    join(folder, 'noise'),
    'i=0; while [ $i -lt 900 ]; do echo "motd $i"; i=$((i + 1)); done; printf \'\\033]0;owned\\007\\377\\376\\000\\n\'; printf half',
  );
  const { scratchHost, sshd } = await hostBehindSshd({
    config: [`Banner ${join(folder, 'banner')}`, 'MaxSessions 1'],
    env: { BASH_ENV: join(folder, 'noise'), ENV: join(folder, 'noise') },
  });
  await changeHost(link, scratchHost, sshd.hostAt());
});

describe('a forced command', () => {
  test('is refused with what came instead', async () => {
    const { sshd } = await hostBehindSshd({
      config: ['ForceCommand echo "menu: 1) mail 2) leave"; printf "\\033[31mred\\n"; exit 3'],
    });
    await expect(link.open(sshd.hostAt())).rejects.toMatchObject({
      failure: {
        kind: 'agent',
        reason: expect.stringMatching(/exit 3.*what came instead: menu: 1\) mail 2\) leave \/ \\x1b\[31mred/),
        todo: expect.stringContaining('ForceCommand'),
      },
    });
  });
});

describe('a slow link', () => {
  test('that takes bytes in sevens carries a whole change', async () => {
    const { scratchHost, sshd } = await hostBehindSshd();
    const slow = await slowLink(sshd.port, { pieceBytes: 777, delayMs: 5 });
    await changeHost(link, scratchHost, sshd.hostAt({ port: slow.port }));
  });

  test('that stalls is told within the reply timeout', async () => {
    const { sshd } = await hostBehindSshd();
    const slow = await slowLink(sshd.port, { pieceBytes: 4096, delayMs: 0 });
    const session = await link.open(sshd.hostAt({ port: slow.port, replyTimeoutSeconds: 1 }));
    slow.stall();
    await expect(session.observe()).rejects.toMatchObject({ failure: { kind: 'timeout' } });
  });
});

test('an sshd that is restarted in the middle of a transaction, and is away for a while, costs nothing', async () => {
  const { scratchHost, sshd } = await hostBehindSshd();
  scratchHost.write(FILES.policy, POLICY_A);
  const first = await link.open(sshd.hostAt());
  expect(await first.transact(toPolicyB(await first.observe(), 'T1'), () => undefined)).toMatchObject({
    state: 'verified',
  });
  await sshd.stop();
  await expect(first.status('T1')).rejects.toMatchObject({ failure: { kind: 'lost' } });
  await expect(link.open(sshd.hostAt())).rejects.toBeInstanceOf(HostLinkError);
  await sshd.start();
  const second = await link.open(sshd.hostAt());
  expect(await second.confirm('T1', NONCE, () => undefined)).toMatchObject({ state: 'confirmed' });
  await second.close();
  await scratchHost.untilQuiet();
});
