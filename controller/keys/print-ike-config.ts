/** IKE configurations as text in one style: a setting a line, those of a rule set in by two blanks. */

import { tidyBlanks } from '../policy/syntax/items.js';
import type { IkeCommentText, IkeDocument, IkeItem, IkeSetting } from './parse-ike-document.js';
import { endedLine, valueText } from './parse-ike-lexemes.js';

/** The document as it stands; `parseIkeDocument` reads it back to the same items. */
export function printIkeDocument({ items }: IkeDocument): string {
  return items.map((item) => `${itemText(item, '')}\n`).join('');
}

export function tidyIkeDocument({ items }: IkeDocument): IkeDocument {
  return {
    items: tidyBlanks(items.map((item) => (item.kind === 'rule' ? { ...item, lines: tidyBlanks(item.lines) } : item))),
  };
}

function itemText(item: IkeItem, indent: string): string {
  switch (item.kind) {
    case 'setting':
      return endedLine(`${indent}${settingText(item)}${trailing(item.comment)}`);
    case 'transform': {
      const words = ['p1_xform', '{', ...item.settings.map(settingText), '}'];
      return `${indent}${words.join(' ')}${trailing(item.comment)}`;
    }
    case 'rule':
      return [
        `${indent}{`,
        ...item.lines.map((line) => itemText(line, `${indent}  `)),
        `${indent}}${trailing(item.comment)}`,
      ].join('\n');
    case 'comment':
      return `${indent}${commentText(item)}`;
    case 'unread':
      return endedLine(item.text);
    case 'blank':
      return '';
  }
}

function settingText({ name, value, lengths }: IkeSetting): string {
  const words = value === undefined ? name : `${name} ${valueText(value)}`;
  return lengths === undefined ? words : `${words}(${lengths})`;
}

function trailing(comment: IkeCommentText | undefined): string {
  return comment === undefined ? '' : ` ${commentText(comment)}`;
}

function commentText({ mark, text }: IkeCommentText): string {
  return `${mark}${text}`;
}
