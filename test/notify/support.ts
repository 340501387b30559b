/** What tests of notifiers share: a digest, a world whose time only passes when told, servers on this machine that do as scripted. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { OperatorError } from '../../controller/errors.js';
import { redactFields, redactText } from '../../controller/log/redact.js';
import type { DriftDigest, IncidentGroup, NotifierSettings } from '../../controller/model/drift.js';
import { createNotifiers } from '../../controller/notify/create-notifiers.js';
import { DEFAULT_LIMITS, type NotifierLimits, type NotifierWorld } from '../../controller/notify/world.js';
import type { Clock, Notifier } from '../../controller/ports.js';

export const never = new AbortController().signal;
const fixture = (name: string): string => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), 'utf8');
export const TLS = { key: fixture('localhost.key'), cert: fixture('localhost.crt') };

export function group(change: Partial<IncidentGroup> = {}): IncidentGroup {
  return {
    kind: 'file-content',
    severity: 'warning',
    what: '/etc/inet/ipsecinit.conf was changed by hand',
    mend: 'ipsec-deploy apply inventory.yaml --limit web1,web2,web3',
    hosts: ['web1', 'web2', 'web3'],
    ids: ['file-content-1a2b3c'],
    ...change,
  };
}

export function digest(change: Partial<DriftDigest> = {}): DriftDigest {
  return {
    fleet: 'payments-dc1',
    pass: 'p-17',
    at: '2026-11-22T10:15:00.000Z',
    opened: [group()],
    cleared: [],
    quarantined: [],
    putRight: [],
    accepted: [],
    lapsed: [],
    hosts: { clean: 97, drift: 3, pending: 0, unreachable: 0 },
    ...change,
  };
}

/** Something of every sort. */
export const CHANGED = digest({
  opened: [
    group(),
    group({
      severity: 'critical',
      kind: 'policy-empty',
      what: 'no policy is loaded',
      hosts: ['db1'],
      ids: ['policy-empty-00ff00'],
      mend: 'ipsec-deploy apply inventory.yaml --limit db1',
    }),
  ],
  cleared: [group({ kind: 'clock-off', what: 'the clock is off', hosts: ['db2'], ids: ['clock-off-abcdef'] })],
  quarantined: [{ host: 'web9', since: '2026-11-22T10:00:00Z', reason: 'it drifted again' }],
  hosts: { clean: 90, drift: 5, pending: 4, unreachable: 1 },
});

/** Back-off passes at once and is written down; deadlines hold until `expire`. */
export class TestClock implements Clock {
  readonly waits: number[] = [];
  #now = Date.parse('2026-11-22T10:15:00Z');
  #held: { seconds: number; end: () => void }[] = [];
  constructor(private readonly limits: NotifierLimits) {}

  now(): Date {
    return new Date(this.#now);
  }

  after(seconds: number, signal?: AbortSignal): Promise<void> {
    const { trySeconds, answerSeconds } = this.limits;
    if (signal?.aborted === true) return Promise.reject(new Error('aborted'));
    if (seconds !== trySeconds && seconds !== answerSeconds) {
      this.waits.push(seconds);
      this.#now += seconds * 1000;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const held = { seconds, end: resolve };
      this.#held.push(held);
      signal?.addEventListener('abort', () => {
        this.#held = this.#held.filter((one) => one !== held);
        reject(new Error('aborted'));
      });
    });
  }

  /** So much time passes that every deadline of that length is over. */
  expire(seconds: number): void {
    const over = this.#held.filter((one) => one.seconds === seconds);
    this.#held = this.#held.filter((one) => one.seconds !== seconds);
    this.#now += seconds * 1000;
    for (const one of over) one.end();
  }

  get held(): number {
    return this.#held.length;
  }
}

export interface TestWorld extends NotifierWorld {
  readonly clock: TestClock;
  readonly limits: NotifierLimits;
  /** Lines as the log file would have them. */
  readonly logged: string[];
}

export function testWorld(
  env: Readonly<Record<string, string>> = {},
  change: { readonly limits?: Partial<NotifierLimits>; readonly trusted?: string } = {},
): TestWorld {
  const limits = { ...DEFAULT_LIMITS, ...change.limits };
  const logged: string[] = [];
  return {
    env,
    clock: new TestClock(limits),
    // One half: waits are three quarters of the back-off.
    random: (count) => Uint8Array.from({ length: count }, (_byte, i) => (i === 0 ? 0x80 : 0)),
    log: { event: (level, name, fields) => logged.push(JSON.stringify({ level, name, ...redactFields(fields) })) },
    logged,
    redact: redactText,
    hostName: 'controller.example.net',
    processId: 4711,
    limits,
    ...(change.trusted === undefined ? {} : { trusted: change.trusted }),
  };
}

export function notifier(settings: NotifierSettings, world: NotifierWorld): Notifier {
  const [made] = createNotifiers([settings], world);
  if (made === undefined) throw new Error('no notifier was made');
  return made;
}

/** The error a person would read; fails when there is none. */
export async function failureOf(work: Promise<unknown>): Promise<OperatorError> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (error instanceof OperatorError) return error;
  throw new Error('no OperatorError', { cause: error });
}

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Answer = (response: ServerResponse, request: IncomingMessage, count: number) => void;

export const answers =
  (...statuses: readonly number[]): Answer =>
  (response, _request, count) =>
    void response.writeHead(statuses[Math.min(count, statuses.length - 1)] ?? 500).end('said by the server');

export interface TestServer {
  readonly url: string;
  readonly received: Received[];
  /** Resolves with the nth request, from 1, whole. */
  got(count: number): Promise<void>;
}

const closers: (() => Promise<void>)[] = [];

/** For `afterEach`. */
export async function closeServers(): Promise<void> {
  await Promise.all(closers.splice(0).map((close) => close()));
}

export function closeLater(close: () => Promise<void>): void {
  closers.push(close);
}

export async function httpServer(answer: Answer, options: { readonly tls?: boolean } = {}): Promise<TestServer> {
  const received: Received[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const parts: Buffer[] = [];
    response.on('error', () => undefined);
    request.on('error', () => undefined);
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      received.push({ method, path: url, headers, body: Buffer.concat(parts).toString('utf8') });
      for (const one of waiting) if (received.length >= one.count) one.resolve();
      answer(response, request, received.length - 1);
    });
  };
  const server = options.tls === true ? createTlsServer(TLS, handle) : createServer(handle);
  const port = await listen(server);
  closeLater(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return {
    url: options.tls === true ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    received,
    got: (count) =>
      new Promise((resolve) => {
        if (received.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
  };
}

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return portOf(server.address());
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
