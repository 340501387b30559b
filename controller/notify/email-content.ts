/** A digest as an e-mail: subject, plain text, the same as simple HTML, and the ids that keep the mails of one incident together. */

import { createHash } from 'node:crypto';

import { digestPlain, entryLine, type DigestEntry, type DigestText } from '../report/digest-text.js';
import type { Message } from './delivery.js';

export interface EmailContent {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** Without a chance part: a mail that was sent twice is one mail to most readers. */
  readonly messageId: string;
  /** RFC 5322 §3.6.4; at most 20. */
  readonly references: readonly string[];
}

/** Lines must stay below 998 bytes and should fit a list of mails (RFC 5322 §2.1.1). */
const MOST_SUBJECT = 150;
const MOST_REFERENCES = 20;

/** @param domain of the sender, for the message ids */
export function emailContent({ id, digest, text }: Message, domain: string): EmailContent {
  const subject = `[ipsec-deploy] ${text.title}`;
  const incidents = [...digest.opened, ...digest.cleared, ...(digest.accepted ?? [])].flatMap(({ ids }) => ids);
  return {
    subject: subject.length > MOST_SUBJECT ? `${Array.from(subject).slice(0, MOST_SUBJECT).join('')}…` : subject,
    text: digestPlain(text),
    html: htmlOf(text),
    messageId: `<digest-${id}@${domain}>`,
    references: [...new Set(incidents)]
      .slice(0, MOST_REFERENCES)
      .map((incident) => `<${threadName(digest.fleet, incident)}@${domain}>`),
  };
}

/**
 * Nobody sent a mail with this id: it is the root that the mails about an incident share, which readers put into one thread by it
 * though it is missing (RFC 5256 §3, `REFERENCES`).
 */
function threadName(fleet: string, incident: string): string {
  return `incident-${createHash('sha256').update(`${fleet}\n${incident}`).digest('hex').slice(0, 24)}`;
}

function htmlOf({ title, sections, standing }: DigestText): string {
  const parts = sections.map(
    ({ heading, entries, more }) =>
      `<h3>${escaped(heading)}</h3>\n<ul>\n${entries.map(item).join('')}</ul>\n${more === undefined ? '' : `<p>${escaped(more)}</p>\n`}`,
  );
  return `<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>${escaped(title)}</title></head><body>\n<h2>${escaped(title)}</h2>\n${parts.join('')}<p>${escaped(standing)}</p>\n</body></html>\n`;
}

function item(entry: DigestEntry): string {
  const mend = entry.mend === undefined ? '' : `<br>mend: <code>${escaped(entry.mend)}</code>`;
  return `<li>${escaped(entryLine(entry))}${mend}</li>\n`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
