/** A digest as syslog messages (RFC 5424): one a cause, so that each can be filtered by severity and host. */

import { OperatorError } from '../errors.js';
import { SYSLOG_FACILITIES } from '../model/drift.js';
import { entryLine, type DigestEntry } from '../report/digest-text.js';
import type { Message } from './delivery.js';

/** Nobody has to do anything about these. */
const NOTICES: ReadonlySet<DigestEntry['state']> = new Set(['cleared', 'put right', 'accepted']);

const SEVERITY = { critical: 2, warning: 4, notice: 5, info: 6 } as const;

export interface SyslogSender {
  readonly hostName: string;
  readonly processId: number;
  readonly facility: number;
  /** Bytes of one message. */
  readonly mostBytes: number;
}

/** @throws OperatorError NOTIFIER_SYSLOG */
export function facilityCode(name: string, notifier: string): number {
  const code = SYSLOG_FACILITIES.findIndex((facility) => facility === name);
  if (code >= 0) return code;
  throw new OperatorError('NOTIFIER_SYSLOG', {
    what: `there is no facility ${JSON.stringify(name)}`,
    where: `notifier ${notifier}`,
    todo: 'use daemon, auth, authpriv, user or one of local0 to local7',
  });
}

export function syslogMessages(message: Message, sender: SyslogSender): readonly Buffer[] {
  const { text, digest } = message;
  const entries = text.sections.flatMap((section) => section.entries);
  const one = (severity: number, messageId: string, data: SyslogData, words: string): Buffer =>
    formatMessage({ severity, messageId, data, words, at: digest.at }, sender);
  const head = { fleet: digest.fleet, pass: digest.pass, id: message.id };
  return [
    one(SEVERITY[digest.test === true ? 'notice' : text.severity], 'digest', head, `${text.title}. ${text.standing}`),
    ...entries.map((entry) =>
      one(
        NOTICES.has(entry.state) ? SEVERITY.notice : SEVERITY[entry.severity],
        entry.state.replace(' ', '-'),
        { ...head, kind: entry.kind, severity: entry.severity, hosts: entry.hosts, incident: entry.ids[0] ?? '' },
        entryWords(entry),
      ),
    ),
  ];
}

function entryWords(entry: DigestEntry): string {
  return `${entryLine(entry)}${entry.mend === undefined ? '' : `; mend: ${entry.mend}`}`;
}

type SyslogData = Readonly<Record<string, string>>;

interface SyslogFields {
  readonly severity: number;
  /** ISO 8601, UTC: RFC 3339 as RFC 5424 §6.2.3 wants it, at most six digits of a second. */
  readonly at: string;
  readonly messageId: string;
  readonly data: SyslogData;
  readonly words: string;
}

/** 32473 is the number that RFC 5612 sets aside for those who have none of their own. */
const DATA_NAME = 'ipsecDeploy@32473';
/** Of one value of the structured data: half an element would not be parsed, so values are cut before they are put in. */
const MOST_VALUE = 120;

export function formatMessage({ severity, at, messageId, data, words }: SyslogFields, sender: SyslogSender): Buffer {
  const priority = sender.facility * 8 + severity;
  const parameters = Object.entries(data).map(([name, value]) => ` ${name}="${parameterValue(value)}"`);
  const header = `<${priority}>1 ${timestamp(at)} ${header7bit(sender.hostName, 255)} ipsec-deploy ${sender.processId} ${messageId}`;
  const line = `${header} [${DATA_NAME}${parameters.join('')}] `;
  // A byte order mark says that the words are UTF-8 (§6.4); plain ASCII needs none, and many receivers would show it.
  const mark = /^[\x20-\x7e]*$/.test(words) ? '' : '\ufeff';
  return cutBytes(Buffer.from(`${line}${mark}${words}`), sender.mostBytes);
}

function timestamp(at: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/.test(at) ? at : '-';
}

/** Header fields are printable ASCII without spaces (§6). */
function header7bit(text: string, most: number): string {
  const kept = text.replace(/[^\x21-\x7e]/g, '').slice(0, most);
  return kept === '' ? '-' : kept;
}

/** `"`, `\` and `]` are escaped (§6.3.3); control characters have been made visible before. */
function parameterValue(text: string): string {
  const letters = Array.from(text);
  const short = letters.length > MOST_VALUE ? `${letters.slice(0, MOST_VALUE).join('')}…` : text;
  return short.replace(/["\\\]]/g, '\\$&');
}

/** Never in the middle of a letter. */
function cutBytes(bytes: Buffer, most: number): Buffer {
  if (bytes.length <= most) return bytes;
  let end = most;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}
