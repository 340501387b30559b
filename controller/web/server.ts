/** Serves metrics and health over HTTP: one address, small requests, short patience, a limited number of callers. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import { OperatorError } from '../errors.js';
import type { DriftSettings } from '../model/drift.js';
import type { Log } from '../ports.js';
import { answer, plain, type Answer, type Pages } from './answer.js';

export interface WebServer {
  /** `http://127.0.0.1:9464` */
  readonly url: string;
  /** Takes no more callers, lets answers under way end within a second, and resolves when the port is free again. */
  close(): Promise<void>;
}

export interface WebLimits {
  /** Until the whole head of a request is there, from the connection's first moment. */
  readonly headMilliseconds: number;
  /** Until a whole request is there; also how long a connection may stay silent or an answer unread. */
  readonly requestMilliseconds: number;
  /** How often the two above are looked at. */
  readonly checkMilliseconds: number;
  readonly closeMilliseconds: number;
  readonly connections: number;
}

const LIMITS: WebLimits = {
  headMilliseconds: 5000,
  requestMilliseconds: 10_000,
  checkMilliseconds: 1000,
  closeMilliseconds: 1000,
  connections: 64,
};
const MOST_HEAD_BYTES = 8192;

export interface WebInput extends Pages {
  readonly listen: NonNullable<DriftSettings['listen']>;
  readonly log: Log;
  readonly limits?: Partial<WebLimits>;
}

/**
 * Resolves when it answers. Port 0 takes any free one.
 * @throws OperatorError LISTEN_IN_USE, LISTEN_REFUSED or LISTEN_ADDRESS
 */
export async function startWebServer(input: WebInput): Promise<WebServer> {
  const limits = { ...LIMITS, ...input.limits };
  const { address, port } = input.listen;
  const onLoopback = address === '::1' || address.startsWith('127.');
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const asked = { method: request.method ?? '', target: request.url ?? '', host: request.headers.host ?? '' };
    answer(asked, onLoopback, input)
      .catch((error: unknown) => {
        input.log.event('error', 'web-answer-failed', { error: String(error) });
        return plain(500, 'The answer could not be made; the log of ipsec-deploy says why.');
      })
      .then((given) => send(response, given))
      .catch((error: unknown) => input.log.event('error', 'web-answer-failed', { error: String(error) }));
  };
  const server = createServer(
    {
      maxHeaderSize: MOST_HEAD_BYTES,
      headersTimeout: limits.headMilliseconds,
      requestTimeout: limits.requestMilliseconds,
      keepAliveTimeout: limits.headMilliseconds,
      connectionsCheckingInterval: limits.checkMilliseconds,
    },
    handle,
  );
  server.maxConnections = limits.connections;
  server.maxRequestsPerSocket = 100;
  server.setTimeout(limits.requestMilliseconds);
  // Without it Node asks for the body that nobody reads.
  server.on('checkContinue', handle);

  server.listen({ host: address, port, exclusive: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw listenError(error, address, port);
  }
  server.on('error', (error) => input.log.event('error', 'web-server-failed', { error: String(error) }));
  return { url: urlOf(server, address), close: () => closeServer(server, limits.closeMilliseconds) };
}

function send(response: ServerResponse, { status, contentType, body, headers }: Answer): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    // A refused request may have a body under way: nobody waits for it.
    ...(status >= 400 && status < 500 ? { Connection: 'close' } : {}),
    ...headers,
  });
  response.end(bytes);
}

async function closeServer(server: Server, milliseconds: number): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const last = setTimeout(() => server.closeAllConnections(), milliseconds);
  try {
    await closed;
  } finally {
    clearTimeout(last);
  }
}

function urlOf(server: Server, address: string): string {
  const bound = server.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function listenError(error: unknown, address: string, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const refuse = (name: string, what: string, todo: string): OperatorError =>
    new OperatorError(name, { what, where: 'drift.listen', todo, cause: error });
  const shown = `${address.includes(':') ? `[${address}]` : address}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return refuse(
        'LISTEN_IN_USE',
        `${shown} is in use by another program`,
        'stop that program, which may be another ipsec-deploy drift, or choose another port',
      );
    case 'EACCES':
    case 'EPERM':
      return refuse('LISTEN_REFUSED', `this user may not listen on ${shown}`, 'choose a port of 1024 or higher');
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return refuse(
        'LISTEN_ADDRESS',
        `${address} is no address of this machine`,
        'use 127.0.0.1, or an address that this machine has',
      );
    default:
      return error;
  }
}
