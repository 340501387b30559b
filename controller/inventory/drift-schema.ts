/** The shape of the `drift:` section: how hosts are watched and who is told. */

import { z } from 'zod';

import { REMEDIABLE_KINDS, SYSLOG_FACILITIES } from '../model/drift.js';

const text = z.string().min(1);
const port = z.int().min(1).max(65535);

const NOTIFIER_KINDS = ['webhook', 'slack', 'email', 'syslog', 'exec'] as const;

const told = {
  name: text.describe('What this notifier is called in messages and by --only.'),
  least: z
    .enum(['critical', 'warning', 'info'])
    .describe('The least severity that it is told of; default info.')
    .optional(),
};

const webhookShape = z.strictObject({
  ...told,
  kind: z.literal('webhook').describe('An HTTP POST of JSON.'),
  url: text.describe('https, or http to this machine.'),
  secretEnv: text.describe('Environment variable with the key that signs what is sent.').optional(),
});

const slackShape = z.strictObject({
  ...told,
  kind: z.literal('slack').describe('A Slack-compatible incoming webhook.'),
  urlEnv: text.describe('Environment variable with its URL, which is a secret.'),
});

const emailShape = z.strictObject({
  ...told,
  kind: z.literal('email').describe('Mail by SMTP.'),
  host: text.describe('Mail server.'),
  port: port.describe('Default 587, with tls implicit 465, with tls none 25.').optional(),
  tls: z.enum(['required', 'implicit', 'none']).describe('required: STARTTLS or nothing; default required.').optional(),
  userEnv: text.describe('Environment variable with the user name; default: no login.').optional(),
  passwordEnv: text.describe('Environment variable with the password.').optional(),
  from: text.describe('Sender, ops@example.net or Some Name <ops@example.net>.'),
  to: z.array(text).min(1).describe('Receivers, one address an entry.'),
});

const syslogShape = z.strictObject({
  ...told,
  kind: z.literal('syslog').describe('RFC 5424 messages.'),
  address: text.describe('Name or address of the receiver.'),
  port: port.describe('Default 514.').optional(),
  protocol: z.enum(['udp', 'tcp']).describe('Default udp.').optional(),
  facility: z.enum(SYSLOG_FACILITIES).describe('Default daemon.').optional(),
});

const execShape = z.strictObject({
  ...told,
  kind: z.literal('exec').describe('A program that gets JSON on standard input.'),
  command: z.array(text).min(1).describe('The program and its arguments; no shell reads them.'),
});

export const NOTIFIER_SHAPES = {
  webhook: webhookShape,
  slack: slackShape,
  email: emailShape,
  syslog: syslogShape,
  exec: execShape,
} as const;

const notifierShape = z.union([webhookShape, slackShape, emailShape, syslogShape, execShape]);

/** What a notifier of no known kind is held against. */
export const anyNotifierShape = z.object({ kind: z.enum(NOTIFIER_KINDS) });

const plain = {
  schedule: text
    .describe("When all hosts are looked at, in cron's words: '*/15 * * * *'; default: only by hand.")
    .optional(),
  timeZone: text.describe('Time zone of the schedule, e.g. Europe/Berlin; default UTC.').optional(),
  spreadSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .describe('Hosts are looked at spread over so many seconds; default 60.')
    .optional(),
  stateFile: text.describe('Where incidents are remembered; default .ipsec-deploy/drift.db.').optional(),
  listen: z
    .union([text, port])
    .describe('ADDRESS:PORT of /metrics, /healthz and /readyz, or a port of this machine alone; default: nowhere.')
    .optional(),
  keyAgeDays: z.int().min(0).max(36_500).describe('Days until a key counts as old; 0 = never; default 365.').optional(),
  clockSeconds: z.int().min(1).max(86_400).describe("Seconds a host's clock may be off; default 30.").optional(),
  confirmLooks: z
    .int()
    .min(1)
    .max(100)
    .describe('Looks in a row that must find something before anybody is told; default 1.')
    .optional(),
  dampingSeconds: z
    .int()
    .min(0)
    .max(2_592_000)
    .describe('A finding that comes back within so many seconds is the same incident; default 3600.')
    .optional(),
  remediate: z
    .strictObject({
      kinds: z.array(z.enum(REMEDIABLE_KINDS)).min(1).describe('Kinds of drift that are put right.'),
      groups: z.array(text).min(1).describe('Hosts or groups on which they are, as in --limit.'),
      hostsPerHour: z.int().min(1).max(10_000).describe('Hosts worked on in an hour at most; default 4.').optional(),
    })
    .describe('What `drift --remediate` may put right by itself; default nothing.')
    .optional(),
};

/** For editors, and for the keys that are known. */
export const driftShape = z.strictObject({
  ...plain,
  notify: z.array(notifierShape).describe('Who is told of drift; default nobody.').optional(),
});

/** For checking: each notifier is held against the shape of its own kind, so that one message says what is wrong. */
export const driftSectionShape = z.strictObject({ ...plain, notify: z.array(z.unknown()).optional() });

export type DriftShape = z.infer<typeof driftSectionShape>;
export type NotifierShape = z.infer<typeof notifierShape>;
