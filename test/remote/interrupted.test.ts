/** Ctrl-C while hosts are only looked at: whatever a host is waited for ends at once, and with it the connection. */

import { createServer, type AddressInfo, type Socket } from 'node:net';
import { getEventListeners } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { HostLinkError, LinkInterrupted, type HostLink } from '../../controller/ports.js';
import { createHostLink } from '../../controller/remote/agent-link.js';
import { untouchedOutcome } from '../../controller/run/link-outcome.js';
import { fakeAgent } from './fake-agent.js';
import { OBSERVED } from './observed-host.js';
import { hostAt, linkOptions, startServer, type ServerScript, type TestServer } from './ssh-server.js';

async function serverThat(script: ServerScript): Promise<TestServer> {
  const server = await startServer(script);
  onTestFinished(() => server.close());
  return server;
}

function linkUntil(looking: AbortSignal): HostLink {
  return createHostLink(linkOptions({ stop: looking, looking }));
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('nothing failed');
}

/** Once the other side has seen it end. */
async function ended(sockets: readonly Socket[]): Promise<void> {
  await Promise.all(
    sockets.map((socket) => (socket.closed ? undefined : new Promise((resolve) => socket.once('close', resolve)))),
  );
}

test('a host that hangs in its answer is left, and is skipped rather than blamed', async () => {
  const interrupt = new AbortController();
  const server = await serverThat(fakeAgent({ answers: { observe: () => interrupt.abort() } }));
  const session = await linkUntil(interrupt.signal).open(hostAt(server));
  const error = await errorOf(session.observe());
  expect(error).toBeInstanceOf(LinkInterrupted);
  expect(untouchedOutcome(error)).toEqual({ status: 'skipped', reason: 'interrupted before db1 had answered' });
  await session.close();
  await ended(server.connections);
});

test.each<[string, (interrupt: () => void) => ServerScript]>([
  ['never accepts a command', (interrupt) => ({ deafToExec: interrupt })],
  ['hangs before the agent is there', (interrupt) => ({ command: (channel) => channel.once('data', interrupt) })],
  ['hangs in the login', (interrupt) => ({ auth: interrupt })],
])('a host that %s is left', async (_what, script) => {
  const interrupt = new AbortController();
  const server = await serverThat(script(() => interrupt.abort()));
  expect(await errorOf(linkUntil(interrupt.signal).open(hostAt(server)))).toBeInstanceOf(LinkInterrupted);
  await ended(server.connections);
});

test('a host that says nothing at all is left', async () => {
  const interrupt = new AbortController();
  const sockets: Socket[] = [];
  const silent = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined).resume());
    interrupt.abort();
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void silent.close());
  const server = await serverThat({});
  const { port } = silent.address() as AddressInfo;
  const host = hostAt(server, { port });
  expect(await errorOf(linkUntil(interrupt.signal).open(host))).toBeInstanceOf(LinkInterrupted);
  await ended(sockets);
});

test('after it no host is connected to', async () => {
  const server = await serverThat(fakeAgent({ answers: {} }));
  expect(await errorOf(linkUntil(AbortSignal.abort()).open(hostAt(server)))).toBeInstanceOf(LinkInterrupted);
  expect(server.connections).toHaveLength(0);
});

test('a host that is being changed is waited for: stopping alone ends no conversation', async () => {
  const stop = new AbortController();
  const answers = { observe: OBSERVED };
  const server = await serverThat(fakeAgent({ answers }));
  const looking = new AbortController();
  const link = createHostLink(linkOptions({ stop: stop.signal, looking: looking.signal }));
  const session = await link.open(hostAt(server));
  stop.abort();
  expect((await session.observe()).generation).toBe(6);
  await session.close();
  // A service opens thousands of sessions under one signal.
  expect(getEventListeners(looking.signal, 'abort')).toEqual([]);
});

test('what failed before it keeps its own reason', async () => {
  const server = await serverThat({ refuseSession: true });
  const error = await errorOf(linkUntil(new AbortController().signal).open(hostAt(server)));
  expect(error).toBeInstanceOf(HostLinkError);
  expect(error).not.toBeInstanceOf(LinkInterrupted);
});
