/** Hosts behind jump hosts, all of them real OpenSSH servers. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Host, SshJump } from '../../../controller/model/host.js';
import { createConnector } from '../../../controller/remote/ssh.js';
import { makeKey, startSshd } from './openssh.js';
import type { OpenSsh } from './openssh.js';
import { say, sayOver } from './say.js';

/** The jump host as the inventory has it, with its own key. */
async function jumpAt(sshd: OpenSsh): Promise<SshJump> {
  return {
    host: '127.0.0.1',
    port: sshd.port,
    hostKeys: [await sshd.hostKeyLine('ed25519')],
    auth: [{ kind: 'key', file: sshd.clientKeyFile }],
  };
}

const logins = (sshd: OpenSsh): number => sshd.log.filter((line) => line.startsWith('Accepted publickey')).length;
const quiet = { env: {}, log: { event: () => undefined } };

describe('a host behind a jump host', () => {
  test('is reached through one, and through two', async () => {
    const [first, second, target] = [await startSshd(), await startSshd(), await startSshd()];
    expect(await say(target.hostAt({ proxyJump: [await jumpAt(first)] }))).toBe('42\n');
    expect(await say(target.hostAt({ proxyJump: [await jumpAt(first), await jumpAt(second)] }))).toBe('42\n');
    expect([logins(first), logins(second), logins(target)]).toEqual([2, 1, 2]);
  });

  test('shares the connection to it with the others, also where MaxSessions is 1, and the last one closes it', async () => {
    const bastion = await startSshd({ config: ['MaxSessions 1'] });
    const targets = [await startSshd(), await startSshd(), await startSshd()];
    const jump = await jumpAt(bastion);
    const connect = createConnector(quiet);
    const said = await Promise.all(
      targets.map((target) => sayOver(connect, target.hostAt({ proxyJump: [jump] }), 'sleep 0.2; echo here')),
    );
    expect(said).toEqual(['here\n', 'here\n', 'here\n']);
    expect(logins(bastion)).toBe(1);
    const [one] = targets;
    if (one === undefined) throw new Error('no target');
    expect(await sayOver(connect, one.hostAt({ proxyJump: [jump] }))).toBe('42\n');
    expect(logins(bastion)).toBe(2);
  });

  test('fails with the name of the hop that failed', async () => {
    const [bastion, target] = [await startSshd(), await startSshd()];
    const jump = await jumpAt(bastion);
    const other = join(bastion.folder, 'other');
    await makeKey(other, 'ed25519');
    const through = (change: Partial<SshJump>): Host => target.hostAt({ proxyJump: [{ ...jump, ...change }] });
    expect(await say(through({ hostKeys: [await target.hostKeyLine('ed25519')] }))).toMatchObject({
      kind: 'host-key',
      reason: expect.stringMatching(
        /^db1 is not reached: the key of jump host 127\.0\.0\.1 has changed: .*SHA256.*SHA256/,
      ),
    });
    expect(await say(through({ hostKeys: [] }))).toMatchObject({
      kind: 'host-key',
      todo: expect.stringContaining('to its map in ssh.proxyJump'),
    });
    expect(await say(through({ auth: [{ kind: 'key', file: other }] }))).toMatchObject({
      kind: 'auth',
      reason: expect.stringContaining(
        `db1 is not reached: jump host 127.0.0.1 (127.0.0.1 port ${bastion.port}) did not let`,
      ),
    });
    await target.stop();
    expect(await say(through({}))).toMatchObject({
      kind: 'unreachable',
      reason: expect.stringMatching(/^db1 .* is not reached from jump host 127\.0\.0\.1: Connection refused/),
    });
    await bastion.stop();
    expect(await say(through({}))).toMatchObject({
      kind: 'unreachable',
      reason: `db1 is not reached: jump host 127.0.0.1 (127.0.0.1 port ${bastion.port}) refused the connection`,
    });
  });

  test('is not reached through one that forbids forwarding, and the error says which setting', async () => {
    const [bastion, target] = [await startSshd({ config: ['AllowTcpForwarding no'] }), await startSshd()];
    expect(await say(target.hostAt({ proxyJump: [await jumpAt(bastion)] }))).toMatchObject({
      kind: 'unreachable',
      reason: expect.stringContaining('jump host 127.0.0.1 forbids forwarding'),
      todo: expect.stringContaining('AllowTcpForwarding'),
    });
  });

  test('is lost when the jump host dies, and found again when it is back', async () => {
    const [bastion, target] = [await startSshd(), await startSshd()];
    const host = target.hostAt({ proxyJump: [await jumpAt(bastion)] });
    const connect = createConnector(quiet);
    const connection = await connect(host);
    let end: (broken: string | undefined) => void = () => undefined;
    const ended = new Promise<string | undefined>((resolve) => (end = resolve));
    await connection.run('sleep 30', {
      stdout: () => undefined,
      stderr: () => undefined,
      end: ({ broken }) => end(broken),
    });
    await bastion.stop();
    expect(await ended).toEqual(expect.any(String));
    // A command that comes too late is told so, and not that sshd refuses it.
    await expect(
      connection.run('true', { stdout: () => undefined, stderr: () => undefined, end: () => undefined }),
    ).rejects.toMatchObject({
      failure: { kind: 'unreachable', reason: expect.stringContaining('closed the connection') },
    });
    await bastion.start();
    expect(await sayOver(connect, host)).toBe('42\n');
  });

  test('is found by ~/.ssh/config: aliases, a user, keys and two jump hosts on the way', async () => {
    const [first, second, target] = [await startSshd(), await startSshd(), await startSshd()];
    const home = target.folder;
    const user = target.hostAt().ssh.user;
    const block = async (name: string, sshd: OpenSsh, more = ''): Promise<string> => {
      const known = join(sshd.folder, 'known');
      await writeFile(known, `${name} ${await sshd.hostKeyLine('ed25519')}\n`);
      return `Host ${name}\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  HostKeyAlias ${name}\n  UserKnownHostsFile ${known}\n  IdentityFile ${sshd.clientKeyFile}\n${more}`;
    };
    const text = [
      await block('outer', first),
      await block('inner', second, '  ProxyJump outer\n'),
      await block('db1-ssh', target, '  ProxyJump inner\n'),
      `Host *\n  User ${user}\n`,
    ].join('');
    const file = join(home, 'config');
    await writeFile(file, text, { mode: 0o600 });
    const plain = target.hostAt({ host: 'db1-ssh', user: '', hostKeys: [], auth: [{ kind: 'agent' }] });
    const open = ['host', 'user', 'auth', 'connectTimeoutSeconds', 'knownHosts', 'proxyJump'] as const;
    const host: Host = { ...plain, ssh: { ...plain.ssh, config: { file, isNamed: true, open } } };
    expect(await say(host, { HOME: home })).toBe('42\n');
    expect([logins(first), logins(second), logins(target)]).toEqual([1, 1, 1]);
  });
});
