/** A digest as JSON to any HTTP receiver, signed so that it can tell ours from others'. */

import { createHmac } from 'node:crypto';

import { OperatorError } from '../errors.js';
import type { NotifierSettings } from '../model/drift.js';
import type { Secret } from '../model/secret.js';
import type { Delivery } from './delivery.js';
import { digestDocument } from './digest-document.js';
import { parseEndpoint } from './endpoint.js';
import { secretFrom } from './environment.js';
import { deliverByHttp } from './http-deliver.js';
import type { PostWorld } from './http-post.js';
import { foreignWords } from './masked.js';
import type { NotifierWorld } from './world.js';

export type WebhookSettings = Extract<NotifierSettings, { readonly kind: 'webhook' }>;

/** Of the signing key: shorter ones can be guessed from one message. */
const LEAST_KEY_BITS = 128;

/** @throws OperatorError NOTIFIER_URL, NOTIFIER_ENV or NOTIFIER_KEY */
export function webhook(settings: WebhookSettings, world: NotifierWorld & PostWorld): Delivery {
  const { name, secretEnv } = settings;
  const url = parseEndpoint(settings.url, name, 'the URL');
  const key = secretEnv === undefined ? undefined : signingKey(secretEnv, name, world);
  const words = foreignWords(key === undefined ? [] : [key], world.redact);
  return async (message, signal) => {
    const body = digestDocument(message);
    const seconds = String(Math.floor(world.clock.now().getTime() / 1000));
    const headers = {
      'Content-Type': 'application/json; charset=utf-8',
      'User-Agent': 'ipsec-deploy',
      'Idempotency-Key': message.id,
      'X-Ipsec-Deploy-Timestamp': seconds,
      ...(key === undefined ? {} : { 'X-Ipsec-Deploy-Signature': signature(key, seconds, body) }),
    };
    await deliverByHttp({ url, shown: url.origin, words }, { headers, body }, world, signal);
  };
}

/**
 * `v1=` and the HMAC-SHA256 in hex over the time in seconds, a dot and the body. The receiver computes the same, compares in constant
 * time and refuses times that are minutes away: a recorded message cannot be played again.
 */
export function signature(key: Secret, seconds: string, body: string): string {
  return `v1=${createHmac('sha256', key.reveal()).update(`${seconds}.${body}`).digest('hex')}`;
}

function signingKey(variable: string, notifier: string, { env }: NotifierWorld): Secret {
  const key = secretFrom(env, variable, notifier, 'the key that signs');
  if (key.bits >= LEAST_KEY_BITS) return key;
  throw new OperatorError('NOTIFIER_KEY', {
    what: `the signing key in ${variable} has fewer than ${LEAST_KEY_BITS / 8} characters`,
    where: `notifier ${notifier}`,
    todo: 'draw one with `openssl rand -base64 32` and give it to the receiver as well',
  });
}
