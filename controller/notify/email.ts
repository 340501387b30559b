/** Hands a digest to a mail server over SMTP. Owns the connection's safety; what the mail says is email-content's. */

import { OperatorError } from '../errors.js';
import type { NotifierSettings } from '../model/drift.js';
import { Secret } from '../model/secret.js';
import { DeliveryFailure, type Delivery, type Message } from './delivery.js';
import { domainOf, mailAddress } from './email-address.js';
import { emailContent } from './email-content.js';
import { EmailRecipients, refusedRecipients, type RefusedRecipient } from './email-recipients.js';
import { isLoopback } from './endpoint.js';
import { secretFrom } from './environment.js';
import { foreignWords, type ForeignWords } from './masked.js';
import { smtpFailure } from './smtp-failure.js';
import type { NotifierLimits, NotifierWorld } from './world.js';

export type EmailSettings = Extract<NotifierSettings, { readonly kind: 'email' }>;

interface Login {
  readonly user: Secret;
  readonly password: Secret;
}

/** @throws OperatorError NOTIFIER_EMAIL or NOTIFIER_ENV */
export function email(settings: EmailSettings, world: NotifierWorld & { readonly limits: NotifierLimits }): Delivery {
  const { name } = settings;
  const login = loginOf(settings, world);
  const from = mailAddress(settings.from, name, 'from');
  const to = settings.to.map((one) => mailAddress(one, name, 'to'));
  if (to.length === 0) throw refuse(name, '`to` names nobody', 'give at least one address');
  const words = foreignWords(login === undefined ? [] : secretsOf(login), world.redact);
  const server = `${settings.host}:${settings.port}`;
  const recipients = new EmailRecipients(to.map(({ address }) => address));
  return async (message, signal) => {
    // Read in only when there is something to send: it is slow to load, and most passes tell nothing.
    const { createTransport } = await import('nodemailer');
    const transport = createTransport(connection(settings, login, world));
    try {
      const envelope = { from: from.address, to: [...recipients.leftOf(message.id)] };
      const sent = await transport.sendMail({ ...mail(message, domainOf(from)), from, to, envelope, signal });
      const refused = refusedRecipients(sent.rejected.map(String), sent.rejectedErrors);
      const never = refused.filter(({ again }) => !again).map(({ address }) => address);
      if (never.length > 0) {
        world.log.event('warn', 'notify.recipients-refused', { notifier: name, recipients: never.map(words) });
      }
      const later = refused.filter(({ again }) => again);
      if (later.length > 0) {
        const addresses = later.map(({ address }) => address);
        recipients.keep(message.id, addresses);
        throw notTaken(server, later, words);
      }
      // A person who asks is told. Otherwise it is no failure, for the others would be told again at every pass.
      if (never.length > 0 && message.digest.test === true) throw notTaken(server, refused, words);
    } catch (error) {
      const { message: reason, detail } = error instanceof DeliveryFailure ? error : smtpFailure(error, server, words);
      const othersTold = detail.othersTold === true || recipients.hasTold(message.id);
      throw new DeliveryFailure(reason, { ...detail, othersTold });
    } finally {
      transport.close();
    }
  };
}

function notTaken(server: string, refused: readonly RefusedRecipient[], words: ForeignWords) {
  const [first] = refused;
  const again = refused.some((one) => one.again);
  const others = refused.length > 1 ? ` and ${refused.length - 1} more` : '';
  const what = `the mail server ${server} took no mail for ${words(first?.address ?? '')}${others}: ${words(first?.said ?? '')}`;
  return new DeliveryFailure(what, { again, othersTold: true, todo: 'correct `to`; the others were told' });
}

function connection(
  settings: EmailSettings,
  login: Login | undefined,
  { limits, trusted, hostName }: NotifierWorld & { readonly limits: NotifierLimits },
) {
  const milliseconds = limits.trySeconds * 1000;
  return {
    host: settings.host,
    port: settings.port,
    name: /^[A-Za-z0-9.-]{1,253}$/.test(hostName) ? hostName : 'localhost',
    secure: settings.tls === 'implicit',
    requireTLS: settings.tls === 'required',
    ignoreTLS: settings.tls === 'none',
    // Said here, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not switch it off.
    tls: {
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2' as const,
      ...(trusted === undefined ? {} : { ca: trusted }),
    },
    // A server that offers no login is refused: it may be another one.
    ...(login === undefined
      ? {}
      : { auth: { user: login.user.revealText(), pass: login.password.revealText() }, forceAuth: true }),
    connectionTimeout: milliseconds,
    greetingTimeout: milliseconds,
    socketTimeout: milliseconds,
    dnsTimeout: milliseconds,
    socketCloseTimeout: 0,
    maxResponseSize: 64 * 1024,
    logger: false,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function mail(message: Message, domain: string) {
  const { subject, text, html, messageId, references } = emailContent(message, domain);
  const root = references.at(0);
  return {
    subject,
    text,
    html,
    messageId,
    date: new Date(message.digest.at),
    // No out-of-office reply comes back (RFC 3834 §5).
    headers: { 'Auto-Submitted': 'auto-generated' },
    ...(root === undefined ? {} : { references: [...references], inReplyTo: root }),
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function loginOf({ name, host, tls, userEnv, passwordEnv }: EmailSettings, { env }: NotifierWorld): Login | undefined {
  if (userEnv === undefined && passwordEnv === undefined) return undefined;
  if (userEnv === undefined || passwordEnv === undefined) {
    throw refuse(name, 'only one of `userEnv` and `passwordEnv` is there', 'give both, or none');
  }
  if (tls === 'none' && !isLoopback(host)) {
    throw refuse(name, 'the password would be sent in the clear', 'use `tls: required` or `tls: implicit`');
  }
  return {
    user: secretFrom(env, userEnv, name, 'the user of the mail server'),
    password: secretFrom(env, passwordEnv, name, 'the password of the mail server'),
  };
}

function secretsOf({ user, password }: Login): readonly Secret[] {
  const plain = Secret.fromText(`\0${user.revealText()}\0${password.revealText()}`);
  return [password, plain];
}

function refuse(notifier: string, what: string, todo: string): OperatorError {
  return new OperatorError('NOTIFIER_EMAIL', { what, where: `notifier ${notifier}`, todo });
}
