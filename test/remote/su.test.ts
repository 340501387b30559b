/** Becoming root by su: what is typed on its terminal, in which language it asks, and what happens when it says no. */

import { afterEach, describe, expect, test, vi } from 'vitest';
import type { ServerChannel } from 'ssh2';
import { HostLinkError } from '../../controller/ports.js';
import type { LinkFailure } from '../../controller/ports.js';
import { createHostLink } from '../../controller/remote/agent-link.js';
import type { HostLinkOptions } from '../../controller/remote/agent-link.js';
import { fakeAgent } from './fake-agent.js';
import { OBSERVED } from './observed-host.js';
import { AGENT, PASSWORD, hostAt, linkOptions, startServer } from './ssh-server.js';
import type { TestServer } from './ssh-server.js';

const ROOTS = 'root: hunter2';

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** A host whose su says what `turns` say, each after a line was typed; where they end, root's shell is there. */
async function suHost(turns: readonly string[]): Promise<{ server: TestServer; typed: string[]; commands: string[] }> {
  const typed: string[] = [];
  const commands: string[] = [];
  const agent = fakeAgent({ answers: { observe: OBSERVED } });
  const server = await startServer({
    command: (channel: ServerChannel, command) => {
      commands.push(command);
      let turn = 0;
      const next = (): void => {
        const words = turns[turn];
        turn += 1;
        if (words === undefined) {
          channel.removeAllListeners('data');
          channel.write('\r\nipsec-deploy-su\r\n');
          agent.command?.(channel, command);
        } else if (words.endsWith('\n')) {
          channel.write(words);
          channel.exit(1);
          channel.end();
        } else {
          for (const byte of Buffer.from(words)) channel.write(Buffer.from([byte]));
        }
      };
      channel.on('data', (data: Buffer) => {
        typed.push(data.toString());
        next();
      });
      next();
    },
  });
  servers.push(server);
  return { server, typed, commands };
}

async function open(server: TestServer, options: Partial<HostLinkOptions> = {}): Promise<LinkFailure | 'observed'> {
  const host = hostAt(server, { privilege: 'su', rootPasswordEnv: 'ROOT_PW' });
  try {
    const session = await createHostLink(linkOptions({ env: { PW: PASSWORD, ROOT_PW: ROOTS }, ...options })).open(host);
    const { generation } = await session.observe();
    expect(generation).toBe(6);
    await session.close();
    return 'observed';
  } catch (error) {
    if (error instanceof HostLinkError) return error.failure;
    throw error;
  }
}

describe('su', () => {
  test.each(['Password: ', 'Last login: today\r\nPasswort: ', 'Mot de passe : ', 'パスワード：', '密码：'])(
    'that asks "%s" gets the password once, and the agent starts',
    async (prompt) => {
      const { server, typed, commands } = await suHost([prompt]);
      expect(await open(server)).toBe('observed');
      expect(typed).toEqual([`${ROOTS}\n`]);
      expect(commands).toEqual([expect.stringMatching(/^env LC_ALL=C su root -c '.*'$/)]);
      expect(commands[0]).toContain(AGENT.digest);
      expect(commands[0]).not.toContain('hunter2');
    },
  );

  test('that asks nothing is told nothing', async () => {
    const { server, typed } = await suHost([]);
    expect(await open(server)).toBe('observed');
    expect(typed).toEqual([]);
  });

  test('that says no is a want of privilege, in its own words and without the password', async () => {
    const { server } = await suHost(['Password: ', `\r\nsu: Sorry, not "${ROOTS}"\r\n`]);
    const failure = await open(server);
    expect(failure).toMatchObject({
      kind: 'privilege',
      reason: 'deploy may not become root on db1 by su: su: Sorry, not "[password]"',
      todo: expect.stringContaining('ssh.rootPasswordEnv'),
    });
    expect(JSON.stringify(failure)).not.toContain('hunter2');
  });

  test('that wants another password, because this one has expired, is not given anything', async () => {
    const { server, typed } = await suHost(['Password: ', '\r\nYour password has expired.\r\nNew password: ']);
    expect(await open(server)).toMatchObject({
      kind: 'privilege',
      reason: expect.stringContaining('it asks for more: New password:'),
    });
    expect(typed).toHaveLength(1);
  });

  test('whose connection is lost while the password is typed is no want of privilege', async () => {
    const { server, typed } = await suHost(['Password: ', '']);
    const opened = open(server);
    await vi.waitFor(() => expect(typed).toHaveLength(1), { interval: 5 });
    for (const socket of server.connections) socket.destroy();
    expect(await opened).toMatchObject({
      kind: 'unreachable',
      reason: expect.stringMatching(/^the connection to db1 was lost before the agent answered \(.*\)$/),
    });
  });

  test('whose password nobody has given starts nothing', async () => {
    const { server, commands } = await suHost(['Password: ']);
    expect(await open(server, { env: { PW: PASSWORD } })).toMatchObject({
      kind: 'privilege',
      reason: "db1 needs root's password for su: the variable ROOT_PW is not set",
    });
    expect(commands).toEqual([]);
  });
});
