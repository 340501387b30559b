/** What an HTTP receiver's answer means: delivered, try again, or never; and the one redirection that is followed. */

import { DeliveryFailure } from './delivery.js';
import { post, type Post, type PostAnswer, type PostWorld } from './http-post.js';
import type { ForeignWords } from './masked.js';

export interface HttpReceiver {
  readonly url: URL;
  /** How errors name it, e.g. `https://hooks.example.net`. */
  readonly shown: string;
  readonly words: ForeignWords;
}

/** Statuses of a receiver that may do better later, besides 5xx: Request Timeout, Too Early, Too Many Requests. */
const LATER = new Set([408, 425, 429]);

/**
 * Posts, follows one 307 or 308 within the same origin, and judges the answer.
 * @throws DeliveryFailure
 */
export async function deliverByHttp(receiver: HttpReceiver, request: Post, world: PostWorld, signal: AbortSignal) {
  const first = await post(receiver.url, request, world, signal);
  const next = redirection(receiver, first);
  if (next === undefined) return judge(receiver, first, world);
  const second = await post(next, request, world, signal);
  if (isRedirection(second)) {
    throw refused(`${receiver.shown} redirects twice`, 'name the address it ends at');
  }
  judge(receiver, second, world);
}

/** The address to ask instead; `undefined` when the answer is none of that kind. @throws DeliveryFailure */
function redirection({ url, shown }: HttpReceiver, answer: PostAnswer): URL | undefined {
  if (!isRedirection(answer)) return undefined;
  const todo = 'name the address it moved to, if you trust it';
  const { status, location } = answer;
  // 301, 302 and 303 may turn a POST into a GET (RFC 9110 §15.4): the digest would be lost.
  if (status !== 307 && status !== 308) throw refused(`${shown} redirects with ${status}`, todo);
  if (location === undefined || !URL.canParse(location, url.href)) {
    throw refused(`${shown} redirects with ${status} to no address`, todo);
  }
  const next = new URL(location, url);
  if (next.origin === url.origin && next.username === '' && next.password === '') return next;
  const where =
    url.protocol === 'https:' && next.protocol !== 'https:' ? 'an address without TLS' : 'another host or port';
  throw refused(`${shown} redirects with ${status} to ${where}`, todo);
}

function isRedirection({ status }: PostAnswer): boolean {
  return status >= 300 && status < 400;
}

function judge({ shown, words }: HttpReceiver, answer: PostAnswer, { clock }: PostWorld): void {
  const { status, text, retryAfter } = answer;
  if (status >= 200 && status < 300) return;
  const said = words(text);
  const again = status >= 500 || LATER.has(status);
  throw new DeliveryFailure(`${shown} answered ${status}${said === '' ? '' : `: ${said}`}`, {
    again,
    afterSeconds: again ? retryAfterSeconds(retryAfter, clock.now()) : undefined,
  });
}

function refused(reason: string, todo: string): DeliveryFailure {
  return new DeliveryFailure(`${reason}, which is not followed`, { again: false, todo });
}

/** Seconds or an HTTP date (RFC 9110 §10.2.3); anything else says nothing. */
export function retryAfterSeconds(text: string | undefined, now: Date): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, (at - now.getTime()) / 1000);
}
