/** A digest as a Slack message: blocks, and a text for notifications and for compatible servers that know no blocks. */

import type { Message } from './delivery.js';
import { entryLine, type DigestEntry } from '../report/digest-text.js';

/** Slack's own limits (docs.slack.dev, "Blocks" and "Text object"); the text is kept far below its 40,000. */
const MOST_HEADER = 150;
const MOST_SECTION = 3000;
const MOST_BLOCKS = 50;
const MOST_TEXT = 3500;

type Block =
  | { readonly type: 'header' | 'section'; readonly text: PlainText }
  | { readonly type: 'context'; readonly elements: readonly PlainText[] };

interface PlainText {
  readonly type: 'plain_text';
  readonly text: string;
  readonly emoji: false;
}

export interface SlackPayload {
  readonly text: string;
  /** Switches formatting of `text` off where the receiver knows the field. */
  readonly mrkdwn: false;
  readonly blocks: readonly Block[];
}

/** Dynamic words stand in `plain_text` only: nothing a host says can format, link or call anybody. */
export function slackPayload({ text }: Message): SlackPayload {
  const sections = text.sections.flatMap(({ heading, entries, more }): Block[] => [
    section(`${heading}:`),
    ...entries.map((entry) => section(entryWords(entry).join('\n'))),
    ...(more === undefined ? [] : [section(more)]),
  ]);
  const room = MOST_BLOCKS - 3;
  const cutOff = sections.length > room ? [section(`… and ${sections.length - room} lines more`)] : [];
  return {
    text: fallback([
      text.title,
      ...text.sections.flatMap(({ heading, entries }) => [`${heading}:`, ...entries.flatMap(entryWords)]),
      text.standing,
    ]),
    mrkdwn: false,
    blocks: [
      { type: 'header', text: plainText(text.title, MOST_HEADER) },
      ...sections.slice(0, room),
      ...cutOff,
      { type: 'context', elements: [plainText(text.standing, MOST_SECTION)] },
    ],
  };
}

function entryWords(entry: DigestEntry): readonly string[] {
  return [entryLine(entry), ...(entry.mend === undefined ? [] : [`mend: ${entry.mend}`])];
}

function section(text: string): Block {
  return { type: 'section', text: plainText(text, MOST_SECTION) };
}

function plainText(text: string, most: number): PlainText {
  return { type: 'plain_text', text: escapedWithin(withoutLinks(text), most), emoji: false };
}

function fallback(lines: readonly string[]): string {
  return escapedWithin(lines.map((line) => withoutLinks(withoutMarks(line))).join('\n'), MOST_TEXT);
}

/** Slack's three control characters (docs.slack.dev, "Escaping text"), counted as they are sent. */
function escapedWithin(text: string, most: number): string {
  const parts: string[] = [];
  let length = 0;
  for (const letter of text) {
    const part = ESCAPES[letter] ?? letter;
    length += part.length;
    if (length > most - 1) return `${parts.join('')}…`;
    parts.push(part);
  }
  return parts.join('');
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/**
 * Neither mrkdwn nor Markdown can escape its marks in a way that both read: marks are replaced by signs that look alike, and a calling
 * `@` and the middle of `](` are parted by a zero-width space.
 */
function withoutMarks(text: string): string {
  return text
    .replace(/[*_~`]/g, (mark, at: number) => (mark === '_' && isInside(text, at) ? mark : (LOOK_ALIKES[mark] ?? mark)))
    .replaceAll('@', '@\u200b')
    .replaceAll('](', ']\u200b(');
}

/** Clients make links of bare addresses, in plain text too: their beginnings are parted in the same way. */
function withoutLinks(text: string): string {
  return text.replace(/:(?=\/\/)|\bwww(?=\.)/gi, '$&\u200b');
}

const LOOK_ALIKES: Readonly<Record<string, string>> = { '*': '∗', _: 'ˍ', '~': '∼', '`': 'ˋ' };

function isInside(text: string, at: number): boolean {
  return /\w/.test(text[at - 1] ?? '') && /\w/.test(text[at + 1] ?? '');
}
