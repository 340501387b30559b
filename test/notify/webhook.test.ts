import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { InputProblems } from '../../controller/errors.js';
import type { NotifierSettings } from '../../controller/model/drift.js';
import { createNotifiers } from '../../controller/notify/create-notifiers.js';
import {
  answers,
  closeServers,
  digest,
  failureOf,
  group,
  httpServer,
  listen,
  never,
  notifier,
  testWorld,
  TLS,
} from './support.js';

afterEach(closeServers);

const KEY = 'planted-signing-key-0123456789';
const env = { HOOK_KEY: KEY };

function hook(url: string, change: { readonly secretEnv?: string } = {}): NotifierSettings {
  return { kind: 'webhook', name: 'ops', least: 'info', url, secretEnv: change.secretEnv };
}

test('the receiver can check who sent the digest, when, and that nothing was changed on the way', async () => {
  const server = await httpServer(answers(204));
  const world = testWorld(env);
  await notifier(hook(`${server.url}/drift?team=net`, { secretEnv: 'HOOK_KEY' }), world).tell(digest(), never);
  const [got] = server.received;
  const stamp = String(got?.headers['x-ipsec-deploy-timestamp']);
  expect(got?.method).toBe('POST');
  expect(got?.path).toBe('/drift?team=net');
  expect(got?.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(stamp).toBe(String(world.clock.now().getTime() / 1000));
  expect(got?.headers['x-ipsec-deploy-signature']).toBe(
    `v1=${createHmac('sha256', KEY)
      .update(`${stamp}.${got?.body ?? ''}`)
      .digest('hex')}`,
  );
  expect(JSON.parse(got?.body ?? '')).toMatchObject({
    schema: 'ipsec-deploy/1',
    event: 'drift-digest',
    id: got?.headers['idempotency-key'],
    fleet: 'payments-dc1',
    pass: 'p-17',
    test: false,
    severity: 'warning',
    title: 'payments-dc1: 1 new finding on 3 hosts',
    opened: [{ kind: 'file-content', hosts: ['web1', 'web2', 'web3'], hostCount: 3, ids: ['file-content-1a2b3c'] }],
    leftOut: { opened: 0, cleared: 0, quarantined: 0 },
  });
});

test('the check that the documentation gives takes what is ours, in time, and nothing else', async () => {
  const server = await httpServer(answers(204));
  const world = testWorld(env);
  await notifier(hook(server.url, { secretEnv: 'HOOK_KEY' }), world).tell(digest(), never);
  const { headers, body } = server.received[0] ?? { headers: {}, body: '' };
  const now = world.clock.now().getTime() / 1000;
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'drift-notifications.md'), 'utf8');
  const check = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const cases = [
    [KEY, headers, body, now + 299],
    [KEY, headers, body, now + 301],
    [KEY, headers, `${body} `, now],
    [`${KEY}x`, headers, body, now],
    [KEY, {}, body, now],
  ];
  const said = execFileSync(process.execPath, [
    '--input-type=module',
    '--eval',
    `${check}\nconsole.log(JSON.stringify(JSON.parse(process.argv[1]).map((one) => isOurs(...one))))`,
    JSON.stringify(cases),
  ]);
  expect(JSON.parse(said.toString())).toEqual([true, false, false, false, false]);
});

test('programs read what was put right, what is accepted, and which acceptances ended', async () => {
  const server = await httpServer(answers(204));
  const lapsed = [
    { host: 'db9', id: 'file-mode-ffffff', until: '2026-11-22T10:00:00Z', reason: 'ok', by: 'mara', at: '' },
  ];
  const accepted = [{ ...group(), until: '2026-12-06T10:00:00Z', reason: 'ticket', by: 'mara' }];
  const news = digest({ opened: [], putRight: [group({ hosts: ['db1'] })], accepted, lapsed });
  await notifier(hook(server.url), testWorld()).tell(news, never);
  expect(JSON.parse(server.received[0]?.body ?? '')).toMatchObject({
    severity: 'info',
    putRight: [{ kind: 'file-content', hosts: ['db1'], hostCount: 1, ids: ['file-content-1a2b3c'] }],
    lapsed: [{ host: 'db9', id: 'file-mode-ffffff', until: '2026-11-22T10:00:00Z', reason: 'ok', by: 'mara' }],
    accepted: [{ kind: 'file-content', hostCount: 3, until: '2026-12-06T10:00:00Z', reason: 'ticket', by: 'mara' }],
    leftOut: { putRight: 0, accepted: 0, lapsed: 0 },
  });
});

test('a receiver that speaks no TLS where TLS is asked for is told of as such', async () => {
  const server = await httpServer(answers(200));
  const settings = hook(server.url.replace('http:', 'https:'));
  const error = await failureOf(notifier(settings, testWorld({}, { limits: { tries: 1 } })).tell(digest(), never));
  expect(error.what).toMatch(/^TLS could not be agreed on \(E\w+\) \(one try\)$/);
  expect(error.todo).toContain('1.2 or later');
});

test('a digest of a fleet in flames is sent in part, and says how much is left out', async () => {
  const server = await httpServer(answers(200));
  const hosts = Array.from({ length: 500 }, (_none, i) => `host-with-a-long-name-${i}`);
  const what = 'x'.repeat(5000);
  const many = Array.from({ length: 400 }, () => group({ hosts, ids: hosts, what }));
  await notifier(hook(server.url), testWorld()).tell(digest({ opened: many, cleared: many }), never);
  const body = server.received[0]?.body ?? '';
  expect(body.length).toBeLessThan(4_000_000);
  expect(JSON.parse(body)).toMatchObject({
    leftOut: { opened: 300, cleared: 300 },
    opened: { 0: { hostCount: 500 } },
  });
});

test('without a key the digest goes unsigned', async () => {
  const server = await httpServer(answers(200));
  await notifier(hook(server.url), testWorld()).tell(digest(), never);
  expect(server.received[0]?.headers).not.toHaveProperty('x-ipsec-deploy-signature');
});

test('a receiver that fails once is told at the second try, by the same id', async () => {
  const server = await httpServer(answers(500, 200));
  const world = testWorld();
  await notifier(hook(server.url), world).tell(digest(), never);
  expect(server.received).toHaveLength(2);
  expect(new Set(server.received.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  expect(new Set(server.received.map(({ body }) => body)).size).toBe(1);
  expect(world.clock.waits).toEqual([0.75]);
});

test('a receiver that always fails is given up after five tries, each wait twice the one before', async () => {
  const server = await httpServer(answers(503));
  const world = testWorld(env);
  const error = await failureOf(notifier(hook(server.url, { secretEnv: 'HOOK_KEY' }), world).tell(digest(), never));
  expect(server.received).toHaveLength(5);
  expect(world.clock.waits).toEqual([0.75, 1.5, 3, 6]);
  expect(error.what).toBe(`${server.url} answered 503: said by the server (5 tries in 11.3 s)`);
  expect(error.where).toBe('notifier ops');
  expect(error.exit).toBe(4);
  expect(world.logged.filter((line) => line.includes('notify.retry'))).toHaveLength(4);
});

test('a receiver that asks for patience gets it', async () => {
  const server = await httpServer((response, _request, count) => {
    if (count === 0) response.writeHead(429, { 'Retry-After': '17' }).end();
    else if (count === 1) response.writeHead(503, { 'Retry-After': 'Sun, 22 Nov 2026 10:15:40 GMT' }).end();
    else response.writeHead(200).end();
  });
  const world = testWorld();
  await notifier(hook(server.url), world).tell(digest(), never);
  const [first = 0, second = 0] = world.clock.waits;
  expect(first).toBe(17.25);
  expect(first + second).toBeGreaterThanOrEqual(40);
  expect(world.clock.waits).toHaveLength(2);
});

test('a receiver that asks for an hour is not waited for', async () => {
  const server = await httpServer((response) => void response.writeHead(429, { 'Retry-After': '3600' }).end());
  const world = testWorld();
  const error = await failureOf(notifier(hook(server.url), world).tell(digest(), never));
  expect(error.what).toBe(`${server.url} answered 429 (one try; it asked to wait 3600 s)`);
  expect(world.clock.waits).toEqual([]);
});

test.each([400, 401, 403, 404, 410, 422])('%i is the answer of a person, and not asked for again', async (status) => {
  const server = await httpServer(answers(status));
  const error = await failureOf(notifier(hook(server.url), testWorld()).tell(digest(), never));
  expect(server.received).toHaveLength(1);
  expect(error.what).toBe(`${server.url} answered ${status}: said by the server`);
});

test('a receiver that never answers is left when the time of a try is over', async () => {
  const server = await httpServer(() => undefined);
  const world = testWorld({}, { limits: { tries: 2 } });
  const telling = failureOf(notifier(hook(server.url), world).tell(digest(), never));
  await server.got(1);
  world.clock.expire(20);
  await server.got(2);
  world.clock.expire(20);
  expect((await telling).what).toBe('no end within 20 s (2 tries in 40.8 s)');
  expect(world.clock.held).toBe(0);
});

test('an answer that begins well and never ends counts as an answer', async () => {
  const server = await httpServer((response) => {
    response.writeHead(200, { 'Content-Length': '1000' });
    response.write('x');
  });
  const world = testWorld();
  const telling = notifier(hook(server.url), world).tell(digest(), never);
  await server.got(1);
  await heldDeadlines(world.clock, 2);
  world.clock.expire(2);
  await telling;
});

test('a refusal that drips its reason is read as far as it came', async () => {
  const server = await httpServer((response) => {
    response.writeHead(400);
    response.write('no such cha');
  });
  const world = testWorld();
  const telling = failureOf(notifier(hook(server.url), world).tell(digest(), never));
  await server.got(1);
  await heldDeadlines(world.clock, 2);
  world.clock.expire(2);
  expect((await telling).what).toContain('answered 400');
});

test('an answer without end is not kept', async () => {
  const server = await httpServer((response) => {
    response.writeHead(500);
    const more = (): void => {
      while (response.write('A'.repeat(65_536)));
    };
    response.on('drain', more);
    more();
  });
  const error = await failureOf(
    notifier(hook(server.url), testWorld({}, { limits: { tries: 1 } })).tell(digest(), never),
  );
  expect(error.what.length).toBeLessThan(300);
});

test('a receiver that hangs up in the middle is tried again', async () => {
  const server = await httpServer((response, request, count) => {
    if (count === 0) request.socket.destroy();
    else if (count === 1) request.socket.end('HTTP/1.1 200');
    else if (count === 2) request.socket.end('this is no HTTP\r\n\r\n');
    else response.writeHead(200).end();
  });
  const world = testWorld();
  await notifier(hook(server.url), world).tell(digest(), never);
  expect(server.received).toHaveLength(4);
  expect(world.logged.join('\n')).toContain('the connection was closed before an answer came');
});

test('nobody there is told as such', async () => {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, 'close');
  const error = await failureOf(notifier(hook(`http://127.0.0.1:${port}`), testWorld()).tell(digest(), never));
  expect(error.what).toBe('the connection was refused (5 tries in 11.3 s)');
});

test.each([307, 308])('%i to the same receiver is followed, with the whole request', async (status) => {
  const server = await httpServer((response, request) => {
    if (request.url === '/old') response.writeHead(status, { Location: '/new' }).end();
    else response.writeHead(200).end();
  });
  await notifier(hook(`${server.url}/old`, { secretEnv: 'HOOK_KEY' }), testWorld(env)).tell(digest(), never);
  const [first, second] = server.received;
  expect([second?.method, second?.path]).toEqual(['POST', '/new']);
  expect(second?.body).toBe(first?.body);
  expect(second?.headers['x-ipsec-deploy-signature']).toBe(first?.headers['x-ipsec-deploy-signature']);
});

test('a receiver that sends us round in circles is left after one turn', async () => {
  const server = await httpServer((response) => void response.writeHead(307, { Location: '/' }).end());
  const error = await failureOf(notifier(hook(server.url), testWorld()).tell(digest(), never));
  expect(server.received).toHaveLength(2);
  expect(error.what).toBe(`${server.url} redirects twice, which is not followed`);
});

test('no digest goes where a redirection points but the settings do not', async () => {
  const other = await httpServer(answers(200));
  const secure = await httpServer((response) => void response.writeHead(307, { Location: other.url }).end(), {
    tls: true,
  });
  const crossing = await httpServer(
    (response) => void response.writeHead(308, { Location: `${other.url}/?k=1` }).end(),
  );
  const turning = await httpServer((response) => void response.writeHead(303, { Location: '/seen' }).end());
  const nowhere = await httpServer((response) => void response.writeHead(307).end());
  const world = testWorld({}, { trusted: TLS.cert });
  const tell = async (url: string): Promise<string> =>
    (await failureOf(notifier(hook(url), world).tell(digest(), never))).what;
  expect(await tell(secure.url)).toBe(
    `${secure.url} redirects with 307 to an address without TLS, which is not followed`,
  );
  expect(await tell(crossing.url)).toBe(
    `${crossing.url} redirects with 308 to another host or port, which is not followed`,
  );
  expect(await tell(turning.url)).toBe(`${turning.url} redirects with 303, which is not followed`);
  expect(await tell(nowhere.url)).toBe(`${nowhere.url} redirects with 307 to no address, which is not followed`);
  expect(other.received).toEqual([]);
  expect([secure, crossing, turning, nowhere].map(({ received }) => received.length)).toEqual([1, 1, 1, 1]);
});

test('a certificate that nobody vouches for is refused before anything is said, once', async () => {
  const server = await httpServer(answers(200), { tls: true });
  const world = testWorld(env);
  const error = await failureOf(notifier(hook(server.url, { secretEnv: 'HOOK_KEY' }), world).tell(digest(), never));
  expect(server.received).toEqual([]);
  expect(world.clock.waits).toEqual([]);
  expect(error.what).toBe('the certificate of the receiver is not accepted (DEPTH_ZERO_SELF_SIGNED_CERT)');
  expect(error.todo).toContain('NODE_EXTRA_CA_CERTS');
});

test('a certificate that is vouched for is accepted, and only under its own name', async () => {
  const server = await httpServer(answers(200), { tls: true });
  const world = testWorld({}, { trusted: TLS.cert });
  await notifier(hook(server.url), world).tell(digest(), never);
  expect(server.received).toHaveLength(1);
  const otherName = hook(server.url.replace('localhost', '127.0.0.1'));
  const wrong = await failureOf(notifier(otherName, world).tell(digest(), never));
  expect(server.received).toHaveLength(1);
  expect(wrong.what).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
});

test('a receiver that echoes the key does not get it into an error or the log', async () => {
  const echo = `${KEY} ${Buffer.from(KEY).toString('base64')} ${Buffer.from(KEY).toString('hex')}`;
  const server = await httpServer((response) => void response.writeHead(500).end(echo));
  const world = testWorld(env);
  const error = await failureOf(notifier(hook(server.url, { secretEnv: 'HOOK_KEY' }), world).tell(digest(), never));
  expect(error.what).toContain('[secret] [secret] [secret]');
  expect(JSON.stringify([error, error.what, error.stack, world.logged])).not.toMatch(/planted|706c616e|cGxhbnRlZ/);
});

test('whoever stops the service is not kept waiting by a receiver', async () => {
  const server = await httpServer(() => undefined);
  const stop = new AbortController();
  const telling = failureOf(notifier(hook(server.url), testWorld()).tell(digest(), stop.signal));
  await server.got(1);
  stop.abort();
  expect((await telling).what).toBe('stopped before it was told');
});

test('a pass that changed nothing, or nothing of weight, sends nothing', async () => {
  const server = await httpServer(answers(200));
  const quiet = notifier(
    { kind: 'webhook', name: 'ops', least: 'critical', url: server.url, secretEnv: undefined },
    testWorld(),
  );
  await quiet.tell(digest({ opened: [] }), never);
  await quiet.tell(digest({ cleared: [group({ severity: 'info' })] }), never);
  expect(server.received).toEqual([]);
  await quiet.tell(digest({ opened: [group(), group({ severity: 'critical', kind: 'policy-empty' })] }), never);
  expect(JSON.parse(server.received[0]?.body ?? '')).toMatchObject({ opened: [{ kind: 'policy-empty' }] });
});

test('every fault of the settings is told at once, before anything happens', () => {
  const faults = (settings: readonly NotifierSettings[], variables: Readonly<Record<string, string>> = {}) => {
    try {
      createNotifiers(settings, testWorld(variables));
    } catch (error) {
      if (error instanceof InputProblems) return error.problems.map(({ code, what }) => `${code} ${what}`);
      throw error;
    }
    return [];
  };
  expect(
    faults(
      [
        hook('nonsense'),
        hook('http://hooks.example.net/x'),
        hook('ftp://hooks.example.net/x'),
        hook('https://me:pw@hooks.example.net/x'),
        hook('https://hooks.example.net/', { secretEnv: 'UNSET' }),
        hook('https://hooks.example.net/', { secretEnv: 'EMPTY' }),
        hook('https://hooks.example.net/', { secretEnv: 'SHORT' }),
        hook('https://hooks.example.net/', { secretEnv: 'TWO_LINES' }),
        hook('https://hooks.example.net/'),
      ],
      { EMPTY: '', SHORT: 'planted-short', TWO_LINES: 'planted\nplanted' },
    ),
  ).toEqual([
    'NOTIFIER_URL notifier ops: the URL is no URL',
    'NOTIFIER_URL notifier ops: the URL is plain http to another machine',
    'NOTIFIER_URL notifier ops: the URL is no https URL',
    'NOTIFIER_URL notifier ops: the URL holds a user name or a password',
    'NOTIFIER_ENV notifier ops: the environment variable UNSET, which holds the key that signs, is not set',
    'NOTIFIER_ENV notifier ops: the environment variable EMPTY, which holds the key that signs, is empty',
    'NOTIFIER_KEY notifier ops: the signing key in SHORT has fewer than 16 characters',
    'NOTIFIER_ENV notifier ops: the environment variable TWO_LINES, which holds the key that signs, has a control character in it',
  ]);
});

async function heldDeadlines(clock: { readonly held: number }, count: number): Promise<void> {
  while (clock.held < count) await new Promise((resolve) => setImmediate(resolve));
}
