/** Words of the other side, made fit to be shown: without our secrets in any form it may have echoed, one line, short. */

import type { Secret } from '../model/secret.js';
import { printable } from '../report/paint.js';

const MASK = '[secret]';
/** A shorter piece is no secret worth the name, and would mask half of every sentence. */
const LEAST_CHARACTERS = 4;
const MOST_CHARACTERS = 200;

export type ForeignWords = (text: string) => string;

/** Masks these secrets and whatever `redact` finds. */
export function foreignWords(secrets: readonly Secret[], redact: (text: string) => string): ForeignWords {
  // Longest first: a part that is masked would hide the rest of the whole from the search.
  const forms = secrets.flatMap(formsOf).toSorted((a, b) => b.length - a.length);
  return (text) => {
    const masked = forms.reduce((rest, form) => rest.replaceAll(form, MASK), text);
    const line = printable(redact(masked).replace(/\s+/g, ' ').trim());
    return line.length > MOST_CHARACTERS ? `${Array.from(line).slice(0, MOST_CHARACTERS).join('')}…` : line;
  };
}

function formsOf(secret: Secret): readonly string[] {
  const text = secret.revealText();
  const bytes = Buffer.from(text);
  const hex = bytes.toString('hex');
  const base64 = bytes.toString('base64');
  const url = base64.replaceAll('+', '-').replaceAll('/', '_');
  return [text, encodeURIComponent(text), base64, base64.replace(/=+$/, ''), url, hex, hex.toUpperCase()].filter(
    (form) => form.length >= LEAST_CHARACTERS,
  );
}
