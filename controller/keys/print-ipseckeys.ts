/** Manual keys as text in one style: a command a line, single blanks. */

import { Secret } from '../model/secret.js';
import { tidyBlanks } from '../policy/syntax/items.js';
import { writtenWord, type KeyCommandItem, type KeyDocument, type KeyItem } from './parse-key-document.js';
import type { Opening } from './print-keys.js';

/** The document as it stands; with keys in full `parseKeyDocument` reads it back to the same items. */
export function printKeyDocument({ items }: KeyDocument, open: Opening): string {
  return items.map((item) => `${itemText(item, open)}\n`).join('');
}

export function tidyKeyDocument({ items }: KeyDocument): KeyDocument {
  return { items: tidyBlanks(items) };
}

function itemText(item: KeyItem, open: Opening): string {
  switch (item.kind) {
    case 'command':
      return commandText(item, open);
    case 'comment':
      return `#${open.comment(item.text)}`;
    case 'unread':
      return open.text(item.text);
    case 'blank':
      return '';
  }
}

/** One line always: what is read from a file under its limit of 4095 bytes is not longer in print. */
function commandText({ name, type, fields }: KeyCommandItem, open: Opening): string {
  const words = fields.flatMap(({ keyword, values }) => [
    keyword,
    ...values.map((value) => {
      if (value instanceof Secret && open.kind === 'masked') return open.key(value);
      const text = value instanceof Secret ? open.key(value) : open.word(value);
      return writtenWord(text) ?? text;
    }),
  ]);
  return [name, ...(type === undefined ? [] : [type]), ...words].join(' ');
}
