/** What went wrong below the protocol, by the system's code: its messages may quote what was sent. */

import { DeliveryFailure } from './delivery.js';

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed before an answer came',
  ECONNECTION: 'the connection was closed before an answer came',
  EPIPE: 'the connection was closed before an answer came',
  ENOTFOUND: 'the name of the receiver is not known',
  EAI_AGAIN: 'the name of the receiver could not be looked up',
  EHOSTUNREACH: 'the receiver is not reachable',
  ENETUNREACH: 'the receiver is not reachable',
  ETIMEDOUT: 'the receiver does not answer',
};

/** The code of a system error, or nothing. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export function connectionFailure(code: string | undefined): DeliveryFailure {
  // OpenSSL's verification codes as Node names them, and Node's own: the same certificate is there at the next try.
  if (code !== undefined && /CERT|^UNABLE_TO_|^ERR_TLS_|HOSTNAME_MISMATCH/.test(code)) {
    return new DeliveryFailure(`the certificate of the receiver is not accepted (${code})`, {
      again: false,
      todo: 'renew the certificate, or name its authority in NODE_EXTRA_CA_CERTS',
    });
  }
  // OpenSSL's own errors, under the name that Node gives them or gave them.
  if (code === 'EPROTO' || code?.startsWith('ERR_SSL_') === true) {
    return new DeliveryFailure(`TLS could not be agreed on (${code})`, {
      again: true,
      todo: 'see that the receiver speaks TLS on that port, of version 1.2 or later',
    });
  }
  const known = code === undefined ? undefined : WORDS[code];
  return new DeliveryFailure(known ?? `the connection failed${code === undefined ? '' : ` (${code})`}`, {
    again: true,
  });
}
