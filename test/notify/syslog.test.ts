import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { NotifierSettings } from '../../controller/model/drift.js';
import { formatMessage } from '../../controller/notify/syslog-message.js';
import {
  CHANGED,
  closeLater,
  closeServers,
  digest,
  failureOf,
  group,
  listen,
  never,
  notifier,
  testWorld,
} from './support.js';

afterEach(closeServers);

function settings(port: number, protocol: 'udp' | 'tcp', facility = 'local3'): NotifierSettings {
  return { kind: 'syslog', name: 'siem', least: 'info', address: '127.0.0.1', port, protocol, facility };
}

/** Facility local3 is 19: 19 × 8 = 152, and the severity is added. */
const EXPECTED = [
  '<154>1 2026-11-22T10:15:00.000Z controller.example.net ipsec-deploy 4711 digest [ipsecDeploy@32473 fleet="payments-dc1" pass="p-17" id="ID"] payments-dc1: 2 new findings (1 critical) on 4 hosts, 1 cleared, 1 host left alone. Hosts at 2026-11-22T10:15:00.000Z: 90 clean, 5 with drift, 4 with a pending change, 1 unreachable',
  '<154>1 2026-11-22T10:15:00.000Z controller.example.net ipsec-deploy 4711 quarantined [ipsecDeploy@32473 fleet="payments-dc1" pass="p-17" id="ID" kind="quarantine" severity="critical" hosts="web9" incident=""] quarantined: web9: it drifted again; mend: ipsec-deploy drift release web9',
  '<154>1 2026-11-22T10:15:00.000Z controller.example.net ipsec-deploy 4711 new [ipsecDeploy@32473 fleet="payments-dc1" pass="p-17" id="ID" kind="policy-empty" severity="critical" hosts="db1" incident="policy-empty-00ff00"] critical: db1: no policy is loaded (policy-empty-00ff00); mend: ipsec-deploy apply inventory.yaml --limit db1',
  '<156>1 2026-11-22T10:15:00.000Z controller.example.net ipsec-deploy 4711 new [ipsecDeploy@32473 fleet="payments-dc1" pass="p-17" id="ID" kind="file-content" severity="warning" hosts="web1–web3" incident="file-content-1a2b3c"] \ufeffwarning: web1–web3: /etc/inet/ipsecinit.conf was changed by hand (file-content-1a2b3c); mend: ipsec-deploy apply inventory.yaml --limit web1,web2,web3',
  '<157>1 2026-11-22T10:15:00.000Z controller.example.net ipsec-deploy 4711 cleared [ipsecDeploy@32473 fleet="payments-dc1" pass="p-17" id="ID" kind="clock-off" severity="warning" hosts="db2" incident="clock-off-abcdef"] cleared: db2: the clock is off (clock-off-abcdef)',
];

const withoutId = (line: string): string => line.replace(/ id="[0-9a-f-]{36}"/, ' id="ID"');

test('each cause is one datagram with its severity, hosts and incident as structured data', async () => {
  const socket = createSocket('udp4');
  const got: string[] = [];
  const all = new Promise<void>((resolve) => {
    socket.on('message', (message) => {
      if (got.push(message.toString('utf8')) === EXPECTED.length) resolve();
    });
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  closeLater(async () => {
    socket.close();
    await once(socket, 'close');
  });
  await notifier(settings(socket.address().port, 'udp'), testWorld()).tell(CHANGED, never);
  await all;
  expect(got.map(withoutId)).toEqual(EXPECTED);
});

test('what was put right, what is accepted and what is no longer have names and severities of their own', async () => {
  const receiver = await tcpReceiver();
  const lapsed = [
    { host: 'db9', id: 'file-mode-ffffff', until: '2026-11-22T10:00:00Z', reason: 'ok', by: 'mara', at: '' },
  ];
  const accepted = [{ ...group({ severity: 'critical' }), until: '2026-12-06T10:00:00Z', reason: 'ok', by: 'mara' }];
  const news = digest({ opened: [], putRight: [group({ severity: 'critical' })], accepted, lapsed });
  await notifier(settings(receiver.port, 'tcp'), testWorld()).tell(news, never);
  const all = (await receiver.all).toString('utf8');
  expect(all).toMatch(/<157>1 \S+ \S+ ipsec-deploy 4711 put-right \[/);
  expect(all).toMatch(
    /<157>1 \S+ \S+ ipsec-deploy 4711 accepted \[.*; accepted until 2026-12-06T10:00:00Z by mara: ok/,
  );
  expect(all).toMatch(/<158>1 \S+ \S+ ipsec-deploy 4711 lapsed \[.* hosts="db9" incident="file-mode-ffffff"\]/);
});

test('a receiver on this machine that is not there is noticed, also for a single datagram', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  const test = digest({ opened: [], test: true });
  const error = await failureOf(notifier(settings(port, 'udp'), testWorld()).tell(test, never));
  expect(error.what).toBe(`syslog at 127.0.0.1:${port}: the connection was refused (5 tries in 11.3 s)`);
});

test('by TCP each message is led by its length in bytes', async () => {
  const receiver = await tcpReceiver();
  await notifier(settings(receiver.port, 'tcp'), testWorld()).tell(CHANGED, never);
  const messages: string[] = [];
  let rest = await receiver.all;
  while (rest.length > 0) {
    const space = rest.indexOf(0x20);
    const length = Number(rest.subarray(0, space).toString());
    messages.push(rest.subarray(space + 1, space + 1 + length).toString('utf8'));
    rest = rest.subarray(space + 1 + length);
  }
  expect(messages.map(withoutId)).toEqual(EXPECTED);
});

test('a receiver that takes everything and keeps the line open has been told', async () => {
  const server = createServer({ allowHalfOpen: true }, (socket) => void socket.on('error', () => undefined).resume());
  const ended = new Promise<void>((resolve) => {
    server.on('connection', (socket) => {
      closeLater(() => Promise.resolve(void socket.destroy()));
      socket.on('end', resolve);
    });
  });
  const port = await listen(server);
  closeLater(() => new Promise((resolve) => void server.close(() => resolve())));
  const world = testWorld();
  const telling = notifier(settings(port, 'tcp'), world).tell(digest(), never);
  await ended;
  while (world.clock.held < 2) await new Promise((resolve) => setImmediate(resolve));
  world.clock.expire(2);
  await telling;
});

test('a receiver that resets the connection is tried again, and then told of', async () => {
  const server = createServer((socket) => void socket.on('error', () => undefined).resetAndDestroy());
  const port = await listen(server);
  closeLater(() => new Promise((resolve) => void server.close(() => resolve())));
  const world = testWorld();
  const error = await failureOf(notifier(settings(port, 'tcp'), world).tell(digest(), never));
  expect(error.what).toMatch(/^syslog at 127\.0\.0\.1:\d+: the connection was closed before an answer came \(5 tries/);
});

test('no receiver at the port is noticed by TCP', async () => {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => void server.close(resolve));
  const error = await failureOf(notifier(settings(port, 'tcp'), testWorld()).tell(digest(), never));
  expect(error.what).toBe(`syslog at 127.0.0.1:${port}: the connection was refused (5 tries in 11.3 s)`);
});

test('quotes, backslashes and brackets of a value cannot end it, and no message is longer than its bound', () => {
  const sender = { hostName: 'c1', processId: 1, facility: 3, mostBytes: 200 };
  const at = '2026-11-22T10:15:00Z';
  const evil = formatMessage(
    { severity: 6, at, messageId: 'new', data: { hosts: 'a"] x [b@1 c="\\' }, words: 'w' },
    sender,
  );
  expect(evil.toString()).toBe(
    '<30>1 2026-11-22T10:15:00Z c1 ipsec-deploy 1 new [ipsecDeploy@32473 hosts="a\\"\\] x [b@1 c=\\"\\\\"] w',
  );
  const long = formatMessage({ severity: 6, at, messageId: 'new', data: {}, words: 'é'.repeat(500) }, sender);
  expect(long.length).toBeLessThanOrEqual(200);
  expect(long.length).toBeGreaterThan(197);
  expect(long.toString('utf8')).not.toContain('\ufffd');
  const odd = formatMessage(
    { severity: 6, at: 'yesterday', messageId: 'new', data: {}, words: 'w' },
    { ...sender, hostName: 'é ' },
  );
  expect(odd.toString()).toBe('<30>1 - - ipsec-deploy 1 new [ipsecDeploy@32473] w');
});

test('a facility that does not exist is told at the start', () => {
  expect(() => notifier(settings(514, 'udp', 'local9'), testWorld())).toThrow('1 problem in the input');
});

async function tcpReceiver(): Promise<{ readonly port: number; readonly all: Promise<Buffer> }> {
  const server = createServer();
  const all = new Promise<Buffer>((resolve) => {
    server.on('connection', (socket) => {
      const parts: Buffer[] = [];
      socket.on('data', (part) => parts.push(part));
      socket.on('end', () => resolve(Buffer.concat(parts)));
    });
  });
  const port = await listen(server);
  closeLater(() => new Promise((resolve) => void server.close(() => resolve())));
  return { port, all };
}
