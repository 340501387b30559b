/** Preshared keys as text in one style: a name and value a line, comments in the first column. */

import { Secret } from '../model/secret.js';
import { tidyBlanks } from '../policy/syntax/items.js';
import { endedLine, valueText } from './parse-ike-lexemes.js';
import type { PskDocument, PskItem, PskLine } from './parse-psk-document.js';
import type { Opening } from './print-keys.js';

/** The document as it stands; with keys in full `parsePskDocument` reads it back to the same items. */
export function printPskDocument({ items }: PskDocument, open: Opening): string {
  return items.map((item) => `${itemText(item, open)}\n`).join('');
}

export function tidyPskDocument({ items }: PskDocument): PskDocument {
  return {
    items: tidyBlanks(items.map((item) => (item.kind === 'block' ? { ...item, lines: tidyBlanks(item.lines) } : item))),
  };
}

function itemText(item: PskItem, open: Opening): string {
  switch (item.kind) {
    case 'block':
      return ['{', ...item.lines.map((line) => lineText(line, open)), '}'].join('\n');
    case 'unread':
      return endedLine(open.text(item.text));
    default:
      return lineText(item, open);
  }
}

function lineText(line: PskLine, open: Opening): string {
  switch (line.kind) {
    case 'field': {
      const { name, value, quoted } = line;
      if (value instanceof Secret && open.kind === 'masked') return `  ${name} ${open.key(value)}`;
      const text = value instanceof Secret ? open.key(value) : open.word(value);
      return endedLine(`  ${name} ${valueText({ text, quoted })}`);
    }
    case 'comment':
      return `${line.mark}${open.comment(line.text)}`;
    case 'blank':
      return '';
  }
}
