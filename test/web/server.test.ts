import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';

import { afterEach, expect, test } from 'vitest';

import type { WebInput, WebServer } from '../../controller/web/server.js';
import { serve, signs } from './support.js';

const running: WebServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function started(over: Partial<WebInput> = {}): Promise<WebServer> {
  const server = await serve(over);
  running.push(server);
  return server;
}

interface Reply {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

async function ask(
  server: WebServer,
  path: string,
  method = 'GET',
  headers: Record<string, string> = {},
): Promise<Reply> {
  const asking = request(`${server.url}${path}`, { method, headers, agent: false });
  const replied = new Promise<Reply>((resolve, reject) => {
    asking.on('error', reject).on('response', (response) => {
      const parts: Buffer[] = [];
      response
        .on('data', (part: Buffer) => parts.push(part))
        .on('end', () => {
          resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() });
        });
    });
  });
  asking.end();
  return replied;
}

/** All that the server says on a connection until it closes it. */
async function conversation(server: WebServer, say: string): Promise<string> {
  const socket = await dial(server);
  socket.write(say);
  let heard = '';
  socket.on('data', (part: Buffer) => (heard += part.toString()));
  await once(socket, 'close');
  return heard;
}

async function dial(server: WebServer): Promise<Socket> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  // A connection that is cut is what these tests wait for.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

test('metrics and health are there to read, by GET and by HEAD', async () => {
  const server = await started();
  const metrics = await ask(server, '/metrics');
  expect(metrics.status).toBe(200);
  expect(metrics.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(metrics.body).toContain('ipsec_deploy_build_info{version="1.2.3",node="');
  const head = await ask(server, '/metrics?x=1', 'HEAD');
  expect([head.status, head.headers['content-length'], head.body]).toEqual([
    200,
    metrics.headers['content-length'],
    '',
  ]);
  expect((await ask(server, '/healthz')).body).toBe('{"ok":true,"reasons":[]}\n');
  expect((await ask(server, '/readyz')).status).toBe(200);
});

test('a service that does not do its work is not ready, and says why', async () => {
  const server = await started({ signs: () => signs({ failure: 'STORE_LOCKED' }) });
  expect((await ask(server, '/healthz')).status).toBe(200);
  const ready = await ask(server, '/readyz');
  expect(ready.status).toBe(503);
  expect(ready.body).toContain('the last pass failed (STORE_LOCKED)');
});

test('anything else is refused, and nothing of the request comes back', async () => {
  const server = await started();
  for (const path of ['/', '/metrics/', '/metrics/../etc/passwd', '//metrics', '/%6detrics', '/favicon.ico?<script>']) {
    const reply = await ask(server, path);
    expect([path, reply.status]).toEqual([path, 404]);
    expect(reply.body).toBe('There are /metrics, /healthz and /readyz.\n');
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const reply = await ask(server, '/metrics', method);
    expect([method, reply.status, reply.headers.allow]).toEqual([method, 405, 'GET, HEAD']);
  }
});

test('a page in a browser whose name resolves to this machine reads nothing, whatever it calls the host', async () => {
  const server = await started();
  for (const host of [
    'evil.example',
    'evil.example:9464',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'a@127.0.0.1',
  ]) {
    expect([host, (await ask(server, '/metrics', 'GET', { Host: host })).status]).toEqual([host, 421]);
  }
  for (const host of ['localhost:9464', '127.0.0.1', '[::1]:9464'])
    expect([host, (await ask(server, '/metrics', 'GET', { Host: host })).status]).toEqual([host, 200]);
});

test('a body that is sent along is not waited for', async () => {
  const server = await started();
  const said = await conversation(
    server,
    'POST /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n',
  );
  expect(said).toMatch(/^HTTP\/1\.1 405 /);
});

test('a client that sends its request too slowly, or nothing, is cut off; others are answered meanwhile', async () => {
  const limits = { headMilliseconds: 150, requestMilliseconds: 200, checkMilliseconds: 20 };
  const server = await started({ limits });
  const slow = conversation(server, 'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ');
  const mute = conversation(server, '');
  expect((await ask(server, '/healthz')).status).toBe(200);
  expect(await slow).toMatch(/^HTTP\/1\.1 408 /);
  expect(await mute).not.toContain('200 OK');
});

test('a head that is too large is refused', async () => {
  const server = await started();
  const said = await conversation(
    server,
    `GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
  );
  expect(said).toMatch(/^HTTP\/1\.1 431 /);
});

test('no more callers than the limit are kept at a time', async () => {
  const server = await started({ limits: { connections: 2 } });
  const kept = [await dial(server), await dial(server)];
  expect(await conversation(server, 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).toBe('');
  for (const socket of kept) socket.destroy();
});

test('a port that is taken is told with what to do', async () => {
  const { url } = await started();
  const listen = { address: '127.0.0.1', port: Number(new URL(url).port) };
  await expect(serve({ listen })).rejects.toMatchObject({
    code: 'LISTEN_IN_USE',
    what: `127.0.0.1:${listen.port} is in use by another program`,
    where: 'drift.listen',
  });
});

test('an address that this machine does not have is told with what to do', async () => {
  await expect(serve({ listen: { address: '192.0.2.1', port: 0 } })).rejects.toMatchObject({ code: 'LISTEN_ADDRESS' });
});

test('closing frees the port though a client keeps its connection and another is in the middle of a request', async () => {
  const server = await serve({ limits: { closeMilliseconds: 50 } });
  const idle = await dial(server);
  const half = await dial(server);
  half.write('GET /metrics HTTP/1.1\r\nHost: 127');
  await Promise.all([once(idle, 'close'), once(half, 'close'), server.close()]);
  await server.close();
  const listen = { address: '127.0.0.1', port: Number(new URL(server.url).port) };
  running.push(await serve({ listen }));
});

test('metrics that cannot be made are an error of the server, logged, without its words', async () => {
  const events: unknown[] = [];
  const server = await started({
    metrics: { contentType: 'text/plain', text: () => Promise.reject(new Error('planted')) },
    log: { event: (...event) => events.push(event) },
  });
  const reply = await ask(server, '/metrics');
  expect([reply.status, reply.body.includes('planted')]).toEqual([500, false]);
  expect(events).toEqual([['error', 'web-answer-failed', { error: 'Error: planted' }]]);
});
