/** What an error of the mail library means: again or never, in words without the login. */

import { connectionFailure } from './connection-failure.js';
import { DeliveryFailure } from './delivery.js';
import type { ForeignWords } from './masked.js';

/** Codes of nodemailer (its `errors` module) that stand for the conversation, not for the connection below it. */
export function smtpFailure(error: unknown, server: string, words: ForeignWords): DeliveryFailure {
  const { code, beneath, status, command, response } = detailsOf(error);
  const here = `the mail server ${server}`;
  if (code === 'ETLS') {
    return new DeliveryFailure(`${here} does not offer TLS, or its TLS fails`, {
      again: status === undefined ? command === 'CONN' : status < 500,
      todo: 'use `tls: implicit` if it speaks TLS from the start, another port, or `tls: none` on this machine alone',
    });
  }
  if (code === 'EAUTH' || code === 'ENOAUTH') {
    // What it says to a login is not shown: it may quote it.
    return new DeliveryFailure(`${here} refused the login${status === undefined ? '' : ` (${status})`}`, {
      again: status !== undefined && status < 500,
      todo: 'check the variables named by userEnv and passwordEnv',
    });
  }
  if (status !== undefined) {
    const said = response === undefined ? String(status) : words(response);
    const asked = command === undefined || command === 'CONN' ? '' : `${command} with `;
    return new DeliveryFailure(`${here} answered ${asked}${said}`, {
      again: status < 500,
    });
  }
  if (code === 'ETIMEDOUT') return new DeliveryFailure(`${here} does not answer`, { again: true });
  const below = connectionFailure(beneath ?? code);
  return new DeliveryFailure(`${here}: ${below.message}`, below.detail);
}

interface SmtpDetails {
  readonly code: string | undefined;
  /** The system's own code, where the library put its code in the place of it. */
  readonly beneath: string | undefined;
  readonly status: number | undefined;
  readonly command: string | undefined;
  readonly response: string | undefined;
}

const FIELDS = ['code', 'originalCode', 'responseCode', 'command', 'response'] as const;

function detailsOf(error: unknown): SmtpDetails {
  const field = (name: string): unknown =>
    typeof error === 'object' && error !== null ? Object.getOwnPropertyDescriptor(error, name)?.value : undefined;
  const [code, beneath, status, command, response] = FIELDS.map(field);
  return {
    code: typeof code === 'string' ? code : undefined,
    beneath: typeof beneath === 'string' ? beneath : undefined,
    status: typeof status === 'number' && status >= 400 ? status : undefined,
    command: typeof command === 'string' && /^[A-Z ]{2,20}$/.test(command) ? command : undefined,
    response: typeof response === 'string' ? response : undefined,
  };
}
