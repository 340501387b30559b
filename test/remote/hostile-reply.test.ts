/** Answers that a host only gives to hurt whoever asked: held against the real session, over real SSH. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import ssh2 from 'ssh2';
import type { ServerChannel } from 'ssh2';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { TransactionRequest } from '../../controller/model/observation.js';
import { HostLinkError } from '../../controller/ports.js';
import type { HostSession, LinkFailure } from '../../controller/ports.js';
import { createHostLink } from '../../controller/remote/agent-link.js';
import { ReplyReader } from '../../controller/remote/agent-reply.js';
import { fakeAgent, marked } from './fake-agent.js';
import { OBSERVED } from './observed-host.js';
import { HOST_KEY, MARK, PASSWORD, hostAt, linkOptions, startServer } from './ssh-server.js';
import type { TestServer } from './ssh-server.js';

const servers: TestServer[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const server of servers.splice(0)) await server.close();
});

async function session(answers: Parameters<typeof fakeAgent>[0]['answers']): Promise<HostSession> {
  const server = await startServer(fakeAgent({ answers }));
  servers.push(server);
  return createHostLink(linkOptions()).open(hostAt(server));
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

const REQUEST: TransactionRequest = {
  id: 'T1',
  nonce: 'n0nce',
  windowSeconds: 60,
  generation: 7,
  expectGeneration: 6,
  run: 'r7',
  keepGenerations: 10,
  steps: [],
  ike: 'none',
  expectFiles: [],
  expectSpd: 'ab'.repeat(32),
  files: [],
  spd: [],
  manifest: { generation: 7, run: 'r7', made: '2026-11-22T10:15:00Z', files: [], keys: [] },
};

describe('a host that', () => {
  test('says it waits longer than it was told to is waited for as long as it was told to', async () => {
    const open = await session({ '#@end': '@ outcome id=T1 state=verified generation=7 reverts_in=900000000\n' });
    expect(await open.transact(REQUEST, () => undefined)).toMatchObject({ state: 'verified', revertsInSeconds: 60 });
    await open.close();
  });

  test('will revert in 30,000,000 years is told to be wrong, wherever it says so', async () => {
    const years = '9'.repeat(15);
    const open = await session({ 'abort id=T1': `@ outcome id=T1 state=verified generation=7 reverts_in=${years}\n` });
    expect((await failure(open.abort('T1', () => undefined))).reason).toContain('expected at most 1000000000 seconds');
    const again = await session({
      status: `@ begin status\n@ transaction id=T state=armed generation=1 reverts_in=${years}\n@ end status\n`,
    });
    expect((await failure(again.status())).reason).toContain('expected at most 1000000000 seconds');
  });

  test('answers in empty lines without end is cut off before they fill memory', () => {
    const reader = new ReplyReader(MARK);
    reader.push(marked('@ begin observe'));
    expect(() => {
      for (let i = 0; i < 2_000_001; i++) reader.push('');
    }).toThrow('at most 2000000 lines');
  });

  test('drips a byte now and then is given up when its time is over', async () => {
    let drip: NodeJS.Timeout | undefined;
    const open = await session({
      observe: (channel: ServerChannel) => {
        drip = setInterval(() => channel.write('x'), 5);
      },
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const observing = failure(open.observe());
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await observing).toMatchObject({ kind: 'timeout' });
    clearInterval(drip);
  });

  test('answers before it is asked gains nothing by it', async () => {
    const confirmed = '@ outcome id=T1 state=confirmed generation=7\n';
    const open = await session({
      observe: `${marked(OBSERVED)}${marked(confirmed)}`,
      confirm: '@ outcome id=T1 state=refused generation=6 text=no\n',
    });
    await open.observe();
    expect(await open.confirm('T1', 'n', () => undefined)).toMatchObject({ state: 'refused' });
    await open.close();
  });

  test('guesses at marks says words of its own section, no records', async () => {
    const guessed = ['0'.repeat(16), MARK.toUpperCase(), ` ${MARK}`, `${MARK}\t`, MARK.slice(1)];
    const lines = guessed.map((mark) => `${mark} end file status=1`);
    const open = await session({ read: `@ begin file path=x masked=0\n${lines.join('\n')}\n\n@ end file status=0\n` });
    expect(await open.read('/etc/inet/ike/config')).toBe(`${lines.join('\n')}\n`);
    await open.close();
  });
});

test('a host gets no SSH agent, no display, no way into our network, and no word of our environment', async () => {
  const asked: string[] = [];
  const answers: string[] = [];
  const server = new ssh2.Server({ hostKeys: [HOST_KEY.private] }, (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (context) => {
      if (context.method === 'password') context.accept();
      else context.reject(['password']);
    });
    for (const event of ['tcpip', 'openssh.streamlocal', 'request'] as const)
      client.on(event as 'tcpip', () => asked.push(event));
    client.on('session', (accept) => {
      const open = accept();
      for (const event of ['auth-agent', 'x11', 'env', 'pty', 'shell', 'subsystem', 'sftp'] as const)
        open.on(event as 'shell', () => asked.push(event));
      open.on('exec', (acceptExec, _reject, info) => {
        const told = (what: string) => (error: Error | undefined) =>
          void answers.push(`${what}: ${error?.message ?? 'open'}`);
        client.x11('203.0.113.1', 6000, told('x11'));
        client.forwardOut('127.0.0.1', 1, '127.0.0.1', 22, told('tcpip'));
        client.openssh_forwardOutStreamLocal('/tmp/agent.sock', told('streamlocal'));
        const channel = acceptExec();
        fakeAgent({ answers: { status: '@ begin status\n@ end status\n' } }).command(channel, info.command);
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const [type = '', blob = ''] = HOST_KEY.public.split(' ');
  const env = { PW: PASSWORD, SSH_AUTH_SOCK: '/tmp/agent.sock', DISPLAY: ':0', SECRET_OF_OURS: 'x' };
  const link = createHostLink(linkOptions({ env }));
  const open = await link.open(hostAt({ port, hostKey: `${type} ${blob}` }));
  await open.status();
  await open.close();
  server.close();
  expect(asked).toEqual([]);
  expect(answers).toHaveLength(3);
  for (const answer of answers) expect(answer).toMatch(/open failed|Channel open failure|refused|prohibited/i);
});
