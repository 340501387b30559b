/** E-mail addresses of the settings: one address each, with or without a name before it, nothing that could start another header. */

import { OperatorError } from '../errors.js';

export interface MailAddress {
  readonly name: string;
  readonly address: string;
}

const BARE = /^[^\s\p{Cc}<>@,;:"()[\]\\]+@[^\s\p{Cc}<>@,;:"()[\]\\]+$/u;
const NAMED = /^([^\p{Cc}<>",;]*)<([^<>]+)>$/u;
const MOST_CHARACTERS = 320;

/** Reads `ops@example.net` or `IPsec drift <ops@example.net>`. @throws OperatorError NOTIFIER_EMAIL */
export function mailAddress(text: string, notifier: string, setting: 'from' | 'to'): MailAddress {
  const [, name = '', inner = text] = NAMED.exec(text) ?? [];
  if (text.length <= MOST_CHARACTERS && BARE.test(inner)) return { name: name.trim(), address: inner };
  throw new OperatorError('NOTIFIER_EMAIL', {
    what: `\`${setting}\` is no e-mail address: ${JSON.stringify(text.slice(0, 80))}`,
    where: `notifier ${notifier}`,
    todo: 'write it as ops@example.net or Some Name <ops@example.net>, one address an entry',
  });
}

export function domainOf({ address }: MailAddress): string {
  return address.slice(address.lastIndexOf('@') + 1);
}
