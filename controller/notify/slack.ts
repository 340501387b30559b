/** Posts to a Slack-compatible incoming webhook. Its URL is a secret: who has it can write into the channel. */

import type { NotifierSettings } from '../model/drift.js';
import { Secret } from '../model/secret.js';
import type { Delivery } from './delivery.js';
import { parseEndpoint } from './endpoint.js';
import { secretFrom } from './environment.js';
import { deliverByHttp } from './http-deliver.js';
import type { PostWorld } from './http-post.js';
import { foreignWords } from './masked.js';
import { slackPayload } from './slack-payload.js';
import type { NotifierWorld } from './world.js';

export type SlackSettings = Extract<NotifierSettings, { readonly kind: 'slack' }>;

/** @throws OperatorError NOTIFIER_ENV or NOTIFIER_URL */
export function slack({ name, urlEnv }: SlackSettings, world: NotifierWorld & PostWorld): Delivery {
  const secret = secretFrom(world.env, urlEnv, name, 'the URL of the channel');
  const url = parseEndpoint(secret.revealText(), name, `the URL in ${urlEnv}`);
  const receiver = { url, shown: 'the Slack receiver', words: foreignWords(partsOf(url, secret), world.redact) };
  return async (message, signal) => {
    const headers = {
      'Content-Type': 'application/json; charset=utf-8',
      'User-Agent': 'ipsec-deploy',
      'Idempotency-Key': message.id,
    };
    await deliverByHttp(receiver, { headers, body: JSON.stringify(slackPayload(message)) }, world, signal);
  };
}

/** The whole, what a server sees of it, and each part of the path that may be the token. */
function partsOf(url: URL, whole: Secret): readonly Secret[] {
  const tokens = `${url.pathname}/${url.search}`.split(/[/?&=]/).filter((part) => part.length >= 8);
  return [
    whole,
    ...[url.href, `${url.pathname}${url.search}`, url.pathname, ...tokens]
      .filter((part) => part.length >= 8)
      .map((part) => Secret.fromText(part)),
  ];
}
