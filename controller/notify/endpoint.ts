/** Where an HTTP notifier may send to: https, or http to this machine alone. */

import { OperatorError } from '../errors.js';

/**
 * @param shown how errors name the URL: never the URL itself where that is a secret
 * @throws OperatorError NOTIFIER_URL
 */
export function parseEndpoint(text: string, notifier: string, shown: string): URL {
  const refuse = (what: string, todo: string): OperatorError =>
    new OperatorError('NOTIFIER_URL', { what: `${shown} ${what}`, where: `notifier ${notifier}`, todo });
  if (!URL.canParse(text)) throw refuse('is no URL', 'write it as https://HOST/PATH');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw refuse(
      'holds a user name or a password',
      'leave them out; sign with secretEnv, or give the whole URL in a variable',
    );
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw refuse('is plain http to another machine', 'use https; http is for 127.0.0.1, ::1 and localhost');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw refuse('is no https URL', 'write it as https://HOST/PATH');
  return url;
}

/** Names as `URL` writes them: `127.1` is `127.0.0.1` there, and IPv6 stands in brackets. */
export function isLoopback(hostName: string): boolean {
  return hostName === 'localhost' || hostName === '[::1]' || hostName === '::1' || /^127(\.\d+){3}$/.test(hostName);
}
