import { afterEach, describe, expect, test, vi } from 'vitest';
import type { ServerChannel } from 'ssh2';
import type { HostSession, LinkFailure } from '../../controller/ports.js';
import { HostLinkError } from '../../controller/ports.js';
import { createHostLink } from '../../controller/remote/agent-link.js';
import type { HostLinkOptions } from '../../controller/remote/agent-link.js';
import { fakeAgent, marked } from './fake-agent.js';
import { OBSERVED } from './observed-host.js';
import { hostAt, linkOptions, startServer } from './ssh-server.js';
import type { ServerScript, TestServer } from './ssh-server.js';
import type { SshSettings } from '../../controller/model/host.js';

const servers: TestServer[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const server of servers.splice(0)) await server.close();
});

/** From here on time passes only when the test says so; packets come and go as ever. */
function stopTheClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
}
const ALL_THE_TIME = 10_000;

async function open(
  script: ServerScript,
  ssh: Partial<SshSettings> = {},
  options: Partial<HostLinkOptions> = {},
): Promise<HostSession> {
  const server = await startServer(script);
  servers.push(server);
  return createHostLink(linkOptions(options)).open(hostAt(server, ssh));
}

async function failure(work: Promise<unknown>): Promise<LinkFailure> {
  try {
    await work;
  } catch (error) {
    if (error instanceof HostLinkError) return error.failure;
    throw error;
  }
  throw new Error('nothing failed');
}

/** A shell that prints and exits before any agent is there. */
const shell =
  (out: string, err: string, status: number) =>
  (channel: ServerChannel): void => {
    channel.write(out);
    channel.stderr.write(err);
    channel.exit(status);
    channel.end();
  };

describe('before the agent has said a word, a host that', () => {
  test('never accepts the command is given up', async () => {
    stopTheClock();
    expect(await failure(open({ deafToExec: () => vi.advanceTimersByTime(ALL_THE_TIME) }))).toMatchObject({
      kind: 'timeout',
      reason: 'db1 did not start a command within 10 s',
    });
  });

  test('opens no session says where to look', async () => {
    expect(await failure(open({ refuseSession: true }))).toMatchObject({
      kind: 'agent',
      todo: expect.stringContaining('MaxSessions'),
    });
  });

  test('drops the connection instead of accepting the command is not blamed for its settings', async () => {
    const server = await startServer({
      deafToExec: () => {
        for (const socket of server.connections) socket.destroy();
      },
    });
    servers.push(server);
    expect(await failure(createHostLink(linkOptions()).open(hostAt(server)))).toMatchObject({
      kind: 'unreachable',
      reason: expect.stringMatching(/^db1 .* closed the connection before it ran a command/),
    });
  });

  test('says nothing after the command is given up', async () => {
    stopTheClock();
    const command = (channel: ServerChannel): void => {
      channel.once('data', () => vi.advanceTimersByTime(ALL_THE_TIME));
    };
    expect(await failure(open({ command }))).toMatchObject({
      kind: 'timeout',
      reason: 'db1 did not answer within 10 s (start of the agent)',
    });
  });

  test('drops the connection after it has accepted the command is unreachable: no agent has failed', async () => {
    const server = await startServer({
      command: (channel) => {
        channel.once('data', () => {
          for (const socket of server.connections) socket.destroy();
        });
      },
    });
    servers.push(server);
    expect(await failure(createHostLink(linkOptions()).open(hostAt(server)))).toEqual({
      kind: 'unreachable',
      reason: 'the connection to db1 was lost before the agent answered (the connection was closed)',
      todo: 'try again; if it stays, look at the log of sshd on the host, and of the jump hosts on the way',
    });
  });

  test('has no right to become root says so, whatever language sudo speaks', async () => {
    const command = shell('', 'sudo: Ein Passwort ist notwendig\n', 1);
    expect(await failure(open({ command }, { privilege: 'sudo' }))).toEqual({
      kind: 'privilege',
      reason: 'deploy may not become root on db1: sudo: Ein Passwort ist notwendig',
      todo: 'allow the user `NOPASSWD: /bin/sh -s -- *` in sudoers (Solaris 8 to 10: /usr/xpg4/bin/sh): nobody is there to type a password',
    });
  });

  test('says nothing after a forced command has shown its menu: the menu is told', async () => {
    stopTheClock();
    const command = (channel: ServerChannel): void => {
      channel.write('1) mail 2) quit\n');
      channel.once('data', () => vi.advanceTimersByTime(ALL_THE_TIME));
    };
    expect(await failure(open({ command }))).toMatchObject({
      kind: 'timeout',
      reason: expect.stringMatching(/^db1 did not answer within 10 s \(start of the agent\)/),
      todo: expect.stringContaining('ForceCommand'),
    });
  });

  test('has an entry that the login may not run, or none at its place, is never to be mended by more rights', async () => {
    const settings = { privilege: 'sudo', entry: '/opt/entry' } as const;
    const todo =
      'run `ipsec-deploy privileges db1` and set up on the host what it prints: the entry /opt/entry, and the right to run it';
    const noRight = shell('', 'sudo: a password is required\n', 1);
    expect(await failure(open({ command: noRight }, settings))).toMatchObject({ kind: 'privilege', todo });
    const missing = shell('', 'sh: /opt/entry: not found\n', 127);
    expect(await failure(open({ command: missing }, { entry: '/opt/entry' }))).toMatchObject({
      reason: '/opt/entry on db1 ended before the agent answered (exit 127): sh: /opt/entry: not found',
      todo,
    });
    const other = shell(
      'ipsec-deploy-agent refused code=entry text=the entry on this host is for another version\n',
      '',
      1,
    );
    expect(await failure(open({ command: other }, settings))).toMatchObject({ todo });
  });

  test('has no pfexec says so', async () => {
    const command = shell('', 'sh: pfexec: not found\n', 127);
    expect(await failure(open({ command }, { privilege: 'pfexec' }))).toMatchObject({ kind: 'privilege' });
  });

  test('runs something else instead says how it ended', async () => {
    const command = shell('This account is not available.\n', '', 1);
    expect(await failure(open({ command }))).toMatchObject({
      kind: 'agent',
      reason: '/bin/sh on db1 ended before the agent answered (exit 1)',
      todo: expect.stringContaining('no forced command'),
    });
  });

  test('shows no key that a tool printed on stderr, and no escape sequence', async () => {
    const command = shell('', '\u001b[31mbad key 0x0123456789abcdef0123456789abcdef\n', 1);
    expect((await failure(open({ command }))).reason).toContain(': \\x1b[31mbad key [masked]');
  });

  test('refuses the agent gives its reason', async () => {
    const agent = fakeAgent({ greeting: ['ipsec-deploy-agent refused text=the disk is full\n'], answers: {} });
    expect(await failure(open(agent))).toMatchObject({
      kind: 'agent',
      reason: 'the agent on db1 did not start: the disk is full',
    });
  });

  test('asks for the agent for ever, or speaks another protocol, is refused', async () => {
    const need = 'ipsec-deploy-agent need\n';
    expect((await failure(open(fakeAgent({ greeting: [need, need], answers: {} })))).reason).toContain('twice');
    const other = fakeAgent({ greeting: ['ipsec-deploy-agent ready protocol=9\n'], answers: {} });
    expect((await failure(open(other))).reason).toContain('it speaks protocol 9');
  });

  test('prints without end is cut off', async () => {
    const noisy = fakeAgent({ greeting: ['hello\n'.repeat(3000)], answers: {} });
    expect((await failure(open(noisy))).reason).toContain('printed 2000 lines');
    const endless = fakeAgent({ greeting: ['x'.repeat(5000)], answers: {} });
    const limits = { lineBytes: 1000, totalBytes: 100_000 };
    expect(await failure(open(endless, {}, { limits }))).toMatchObject({
      kind: 'agent',
      reason: 'db1 sent a line of more than 1000 bytes in one answer and was cut off',
    });
  });

  test('greets with banners and motd, byte by byte, is understood', async () => {
    const command = (channel: ServerChannel): void => {
      fakeAgent({ greeting: [''], answers: { observe: OBSERVED } }).command(channel, '');
      channel.once('data', () => {
        const greeting = Buffer.from('Grüße\r\n\n$ ipsec-deploy-agent ready protocol=1\n');
        for (const byte of greeting) channel.write(Buffer.from([byte]));
      });
    };
    const session = await open({ command });
    expect((await session.observe()).generation).toBe(6);
    await session.close();
  });
});

describe('in the middle of the conversation, a host that', () => {
  const answering = (observe: string | ((channel: ServerChannel) => void)): ServerScript =>
    fakeAgent({ answers: { observe } });

  test('stops in mid-reply is given up, and every later request fails alike', async () => {
    const session = await open(answering('@ begin observe\n@ fact name=os text=SunOS\n'));
    stopTheClock();
    const observing = failure(session.observe());
    await vi.advanceTimersByTimeAsync(ALL_THE_TIME);
    const first = await observing;
    expect(first).toMatchObject({ kind: 'timeout', reason: 'db1 did not answer within 10 s (observe)' });
    expect(await failure(session.status())).toEqual(first);
    await session.close();
  });

  test('ends its agent is lost, with what it said last', async () => {
    const session = await open(
      answering((channel) => {
        channel.stderr.write('Killed\n');
        channel.exit('KILL');
        channel.end();
      }),
    );
    expect(await failure(session.observe())).toMatchObject({
      kind: 'lost',
      reason: expect.stringMatching(/^the agent on db1 ended in mid-conversation \(.*KILL.*\): Killed$/),
      todo: expect.stringContaining('`ipsec-deploy status --limit db1`'),
    });
  });

  test('drops the connection is lost', async () => {
    const server = await startServer(
      answering(() => {
        for (const socket of server.connections) socket.destroy();
      }),
    );
    servers.push(server);
    const session = await createHostLink(linkOptions()).open(hostAt(server));
    expect(await failure(session.observe())).toMatchObject({ kind: 'lost' });
  });

  test('sends more than any host has to say is cut off', async () => {
    const flood = answering((channel) => {
      channel.write(marked('@ begin observe\n'));
      channel.write('x\n'.repeat(100_000));
    });
    const session = await open(flood, {}, { limits: { lineBytes: 1000, totalBytes: 50_000 } });
    expect((await failure(session.observe())).reason).toBe(
      'db1 sent more than 50000 bytes in one answer and was cut off',
    );
  });

  test.each([
    ['no reason', '@ begin observe\n@ fact\n@ end observe\n', /expected name=/],
    ['an end without a beginning', '@ end observe status=0\n', /expected no end of a section/],
    ['crossed sections', '@ begin observe\n@ begin ls\n@ end observe\n', /expected the end of section ls/],
    ['no policy', '@ begin observe\n@ end observe\n', /expected section spd/],
    [
      'a policy it could not list',
      '@ begin observe\n@ begin spd\nno\n@ end spd status=1\n@ end observe\n',
      /could not list the loaded policy \(status 1\): no/,
    ],
    ['a record that is none', '@ Step\n', /expected a record/],
    ['a field twice', '@ fact name=a name=b\n', /one name=/],
  ])('answers with %s is told to be wrong', async (_what, answer, reason) => {
    const session = await open(answering(answer));
    expect(await failure(session.observe())).toMatchObject({ kind: 'agent', reason: expect.stringMatching(reason) });
  });

  test('refuses a request goes on with the next', async () => {
    const session = await open(
      fakeAgent({
        answers: {
          'read path=/etc/passwd': '@ error text=not a managed file\n',
          'read path=/etc/inet/ike/config':
            '@ begin file path=/etc/inet/ike/config masked=0\nno newline at the end\n@ end file\n',
        },
      }),
    );
    expect(await failure(session.read('/etc/passwd'))).toMatchObject({
      kind: 'agent',
      reason: 'db1: not a managed file',
    });
    expect(await session.read('/etc/inet/ike/config')).toBe('no newline at the end');
    await session.close();
  });

  test('sends UTF-8 in pieces, or Latin-1, loses no character', async () => {
    const split = fakeAgent({
      answers: {
        read: (channel) => {
          const bytes = Buffer.from(marked('@ begin file path=x masked=0\n# Grüße – 鍵\n\n@ end file\n'));
          for (const byte of bytes) channel.write(Buffer.from([byte]));
        },
        status: (channel) => {
          channel.write(marked('@ begin status\n@ history text=Gr'));
          channel.write(Buffer.from([0xfc, 0xdf, 0x65, 0x0a]));
          channel.write(marked('@ end status\n'));
        },
      },
    });
    const session = await open(split);
    expect(await session.read('/etc/inet/ike/config')).toBe('# Grüße – 鍵\n');
    expect((await session.status()).history).toEqual(['Grüße']);
    await session.close();
  });

  test('takes long for a transaction is waited for as long as it reports steps', async () => {
    const steps = ['preflight', 'snapshot', 'arm', 'verify'].map((name) => `@ step name=${name} state=done\n`);
    const session = await open(
      fakeAgent({ answers: { abort: `${steps.join('')}@ outcome id=T1 state=unknown text=no such transaction\n` } }),
    );
    stopTheClock();
    const outcome = await session.abort('T1', () => vi.advanceTimersByTime(ALL_THE_TIME - 1));
    expect(outcome).toMatchObject({ state: 'unknown' });
    vi.useRealTimers();
    await session.close();
  });

  test('reports steps without end is cut off', async () => {
    const session = await open(fakeAgent({ answers: { abort: '@ step name=arm state=begin\n'.repeat(100) } }));
    expect((await failure(session.abort('T1', () => undefined))).reason).toContain('expected at most 64 steps');
  });
});

test('a session that is closed in mid-request ends the request at once', async () => {
  const session = await open(fakeAgent({ answers: { observe: () => undefined } }));
  stopTheClock();
  const observing = failure(session.observe());
  await session.close();
  expect(await observing).toMatchObject({ kind: 'lost', reason: 'the session with db1 is closed' });
});

test('a closed session answers nothing more, and closing twice is no harm', async () => {
  const session = await open(fakeAgent({ answers: {} }));
  await session.close();
  await session.close();
  expect(await failure(session.observe())).toMatchObject({ kind: 'lost' });
});
