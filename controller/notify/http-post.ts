/** One HTTP POST: TLS verified, no redirection followed, the answer bounded in size and time. */

import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';

import type { Clock } from '../ports.js';
import { codeOf, connectionFailure } from './connection-failure.js';
import type { NotifierLimits } from './world.js';

export interface Post {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface PostAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly location: string | undefined;
  /** The beginning of the body, as it came: words of a stranger. */
  readonly text: string;
}

export interface PostWorld {
  readonly clock: Clock;
  readonly limits: Pick<NotifierLimits, 'answerBytes' | 'answerSeconds'>;
  readonly trusted?: string;
}

/** @throws DeliveryFailure when there is no answer */
export function post(url: URL, { headers, body }: Post, world: PostWorld, signal: AbortSignal): Promise<PostAnswer> {
  return new Promise((resolve, reject) => {
    const options: RequestOptions = {
      method: 'POST',
      // A connection of its own: nothing of the last digest can stand in it, and none is left open.
      agent: false,
      maxHeaderSize: 16 * 1024,
      signal,
      headers: { ...headers, 'Content-Length': String(Buffer.byteLength(body)), Connection: 'close' },
    };
    const tls = {
      // Said here, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not switch it off.
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2' as const,
      ...(world.trusted === undefined ? {} : { ca: world.trusted }),
    };
    const outgoing = url.protocol === 'https:' ? httpsRequest(url, { ...options, ...tls }) : httpRequest(url, options);
    outgoing.on('error', (error) => reject(connectionFailure(codeOf(error))));
    outgoing.on('response', (incoming) => {
      void beginning(incoming, world, signal).then((text) => {
        const { 'retry-after': retryAfter, location } = incoming.headers;
        resolve({ status: incoming.statusCode ?? 0, retryAfter, location, text });
      });
    });
    outgoing.end(body);
  });
}

/** The head of an answer says what became of the request: a body that drips, breaks or never ends changes nothing. */
function beginning(incoming: IncomingMessage, { clock, limits }: PostWorld, signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const ended = new AbortController();
    const parts: Buffer[] = [];
    let bytes = 0;
    const end = (): void => {
      ended.abort();
      incoming.destroy();
      resolve(Buffer.concat(parts).subarray(0, limits.answerBytes).toString('utf8'));
    };
    incoming.on('data', (part: Buffer) => {
      parts.push(part);
      bytes += part.length;
      if (bytes >= limits.answerBytes) end();
    });
    incoming.on('end', end);
    incoming.on('error', end);
    incoming.on('close', end);
    // Rejected when the body ended first or the try was given up: either way it is over.
    clock.after(limits.answerSeconds, AbortSignal.any([signal, ended.signal])).then(end, end);
  });
}
