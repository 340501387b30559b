/** What each request is answered: three pages to read, and nothing else. Nothing of the request comes back in an answer. */

import type { Clock, ServiceSigns } from '../ports.js';
import { liveness, readiness, type Health } from './health.js';
import type { ScrapedMetrics } from './metrics.js';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Request {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly host: string;
}

export interface Pages {
  readonly metrics: Pick<ScrapedMetrics, 'contentType' | 'text'>;
  readonly signs: () => ServiceSigns;
  readonly clock: Pick<Clock, 'now'>;
}

/** @param onLoopback only this machine reaches the server */
export async function answer(request: Request, onLoopback: boolean, pages: Pages): Promise<Answer> {
  // A page in a browser on this machine may have its name resolve to 127.0.0.1 and read what it likes (DNS rebinding):
  // then the request names that page's host, which is never an address.
  if (onLoopback && !isThisMachine(request.host)) {
    return plain(421, 'This address answers to 127.0.0.1, [::1] and localhost alone.');
  }
  const [path] = request.target.split('?', 1);
  if (path !== '/metrics' && path !== '/healthz' && path !== '/readyz') {
    return plain(404, 'There are /metrics, /healthz and /readyz.');
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { ...plain(405, 'Only GET and HEAD.'), headers: { Allow: 'GET, HEAD' } };
  }
  if (path === '/metrics') {
    return { status: 200, contentType: pages.metrics.contentType, body: await pages.metrics.text() };
  }
  const judge = path === '/healthz' ? liveness : readiness;
  return healthAnswer(judge(pages.signs(), pages.clock.now()));
}

export function plain(status: number, text: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${text}\n` };
}

function healthAnswer(health: Health): Answer {
  return { status: health.ok ? 200 : 503, contentType: 'application/json', body: `${JSON.stringify(health)}\n` };
}

function isThisMachine(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])\.?(:\d{1,5})?$/i.test(host);
}
