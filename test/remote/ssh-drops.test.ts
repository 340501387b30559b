/** Connections that sshd ends before they are one, as it does beyond MaxStartups: which are asked for again, how often and until when. */

import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Host } from '../../controller/model/host.js';
import { HostLinkError } from '../../controller/ports.js';
import type { LinkFailure } from '../../controller/ports.js';
import { createConnector } from '../../controller/remote/ssh.js';
import type { ConnectorOptions } from '../../controller/remote/ssh.js';
import { waitMs } from '../../controller/remote/ssh-retry.js';
import { newEd25519Key } from '../support/ssh-keys.js';
import { PASSWORD, hostAt, startServer } from './ssh-server.js';

afterEach(() => {
  vi.useRealTimers();
});

/** What sshd may do with a connection that is one too many. */
const DROPS: Readonly<Record<string, (socket: Socket) => void>> = {
  'is closed without a word': (socket) => socket.end(),
  'is reset': (socket) => socket.resetAndDestroy(),
  'is turned away in words': (socket) => socket.end('Exceeded MaxStartups\r\n'),
  'is turned away in newer words': (socket) => socket.end('Not allowed at this time\r\n'),
  'is closed after the version': (socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'),
};

/** A port where the first connections meet `drop`, and all later ones an SSH server. */
async function door(
  drop: (socket: Socket) => void,
  dropped: number,
): Promise<{ host: Host; came: () => number; logins: string[] }> {
  const logins: string[] = [];
  const server = await startServer({
    auth: (context) => {
      logins.push(context.method);
      if (context.method === 'password' && context.password === PASSWORD) context.accept();
      else context.reject(['password']);
    },
  });
  onTestFinished(() => server.close());
  const sockets: Socket[] = [];
  const front = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    if (sockets.length <= dropped) {
      drop(socket);
      return;
    }
    const behind = connect(server.port, '127.0.0.1');
    behind.on('error', () => undefined);
    socket.pipe(behind).pipe(socket);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    front.close();
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  const address = front.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { host: hostAt({ port, hostKey: server.hostKey }), came: () => sockets.length, logins };
}

async function opens(host: Host, options: Partial<ConnectorOptions> = {}): Promise<LinkFailure | 'open'> {
  const connectTo = createConnector({
    env: { PW: PASSWORD },
    log: { event: () => undefined },
    retrying: { pause: () => Promise.resolve(), random: () => 0.5 },
    ...options,
  });
  try {
    const connection = await connectTo(host);
    connection.destroy();
    return 'open';
  } catch (error) {
    if (error instanceof HostLinkError) return error.failure;
    throw error;
  }
}

describe('a connection that', () => {
  test.each(Object.entries(DROPS))(
    '%s is asked for again until one gets through, and logs in once',
    async (_, drop) => {
      const { host, came, logins } = await door(drop, 3);
      const waited: number[] = [];
      const pause = (ms: number): Promise<void> => Promise.resolve(void waited.push(ms));
      expect(await opens(host, { retrying: { pause, random: () => 0 } })).toBe('open');
      expect(came()).toBe(4);
      expect(waited).toEqual([125, 250, 500]);
      expect(logins).toEqual(['password']);
    },
  );

  test('is dropped each time is given up, and MaxStartups is named', async () => {
    const { host, came } = await door((socket) => socket.end('Exceeded MaxStartups\r\n'), Infinity);
    expect(await opens(host)).toEqual({
      kind: 'unreachable',
      reason: `db1 (127.0.0.1 port ${host.ssh.port}) broke off the SSH handshake (Connection lost before handshake): Exceeded MaxStartups, the last of 10 tries`,
      todo: expect.stringMatching(/MaxStartups .*raise it, lower forks, .*connectTimeoutSeconds/),
    });
    expect(came()).toBe(10);
  });

  test('is dropped each time is waited for no longer than the connect timeout', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { host, came } = await door((socket) => socket.end(), Infinity);
    let waited = 0;
    const pause = (ms: number): Promise<void> => {
      waited += ms;
      vi.advanceTimersByTime(ms);
      return Promise.resolve();
    };
    expect(await opens(host, { retrying: { pause, random: () => 0.5 } })).toMatchObject({
      kind: 'unreachable',
      reason: expect.stringContaining('before it said that it speaks SSH, the last of 7 tries'),
    });
    expect(came()).toBe(7);
    expect(waited).toBeLessThan(host.ssh.connectTimeoutSeconds * 1000);
  });

  test('is dropped is not asked for again once the operator has pressed Ctrl-C', async () => {
    const { host, came } = await door((socket) => socket.end(), Infinity);
    const stop = new AbortController();
    const pause = (_ms: number, signal: AbortSignal | undefined): Promise<void> => {
      stop.abort();
      return signal?.aborted === true ? Promise.reject(new Error('aborted')) : Promise.resolve();
    };
    expect(await opens(host, { stop: stop.signal, retrying: { pause, random: Math.random } })).toMatchObject({
      kind: 'unreachable',
    });
    expect(came()).toBe(1);
    expect(await opens(host, { stop: stop.signal })).toMatchObject({ kind: 'unreachable' });
    expect(came()).toBe(2);
  });
});

describe('is not asked for again: a connection', () => {
  test('to something that is no sshd', async () => {
    const { host, came } = await door((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), Infinity);
    expect(await opens(host)).toMatchObject({ kind: 'unreachable' });
    expect(came()).toBe(1);
  });

  test('to a host whose key is another', async () => {
    const { host, came, logins } = await door(() => undefined, 0);
    const other = { ...host, ssh: { ...host.ssh, hostKeys: [newEd25519Key().public.trim()] } };
    expect(await opens(other)).toMatchObject({ kind: 'host-key' });
    expect(came()).toBe(1);
    expect(logins).toEqual([]);
  });

  test('whose login is refused', async () => {
    const { host, came } = await door(() => undefined, 0);
    expect(await opens(host, { env: { PW: 'wrong' } })).toMatchObject({ kind: 'auth' });
    expect(came()).toBe(1);
  });
});

test('each wait is about twice the last one, up to four seconds, and never the same for all', () => {
  expect([1, 2, 3, 4, 5, 6, 7].map((tries) => [waitMs(tries, 0), waitMs(tries, 1)])).toEqual([
    [125, 250],
    [250, 500],
    [500, 1000],
    [1000, 2000],
    [2000, 4000],
    [2000, 4000],
    [2000, 4000],
  ]);
});
