/** How a file writes a key, and what a template must say so that it is written the same way again. */

import { isQuotable, type KeyForm } from '../model/managed-file.js';
import { Secret } from '../model/secret.js';

/** A key in a text: where it stands, and how it is written there. */
export interface WrittenKey {
  readonly from: number;
  readonly to: number;
  readonly secret: Secret;
  /** Absent: lower-case hex. */
  readonly form: KeyForm | undefined;
  /** Whether the form gives back what stands there, character for character. */
  readonly exact: boolean;
}

const HEX_WORD = /^(0[xX])?([0-9a-fA-F]+)(?:\/\d+)?$/;

/**
 * A key in hexadecimal that begins at `at`; `secret` is what the tool takes it for. The slot is the digits alone where
 * they can be written as they are, else the whole word.
 */
export function hexKey(word: string, at: number, secret: Secret): WrittenKey {
  const [, prefix = '', digits = ''] = HEX_WORD.exec(word) ?? [];
  const form = digits === digits.toLowerCase() ? undefined : digits === digits.toUpperCase() ? 'upper' : 'mixed';
  if (form === 'mixed' || digits.toLowerCase() !== secret.revealHex()) {
    return { from: at, to: at + word.length, secret, form: undefined, exact: false };
  }
  const from = at + prefix.length;
  return { from, to: from + digits.length, secret, form, exact: true };
}

/** A key in quotes; `raw` is what stands between them. */
export function quotedKey(raw: string, at: number, secret: Secret): WrittenKey {
  const exact = isQuotable(raw) && secret.revealText() === raw;
  return { from: at, to: at + raw.length + 2, secret, form: exact ? 'quoted' : undefined, exact };
}

/**
 * What else in a file with keys might be one: long hexadecimal words and quoted text in comments, whatever they are. They are
 * kept as secrets too, so that none comes into a template.
 */
export function strayKeys(text: string, known: readonly WrittenKey[]): readonly WrittenKey[] {
  const taken = new Uint8Array(text.length);
  for (const { from, to } of known) taken.fill(1, from, to);
  const found: WrittenKey[] = [];
  const add = (key: WrittenKey): void => {
    if (taken.subarray(key.from, key.to).includes(1)) return;
    taken.fill(1, key.from, key.to);
    found.push(key);
  };
  for (const { 0: line, index } of text.matchAll(/^[ \t]*#.*$/gm)) {
    for (const quote of line.matchAll(/"([^"]+)"/g)) {
      add(quotedKey(quote[1] ?? '', index + quote.index, Secret.fromText(quote[1] ?? '')));
    }
    for (const { 0: whole, 1: digits = '', index: at } of line.matchAll(/key[ \t=:]+(?:0[xX])?([0-9a-fA-F]{6,})/gi)) {
      add(looseHex(digits, index + at + whole.length - digits.length));
    }
  }
  for (const { 0: digits, index } of text.matchAll(/(?<![0-9a-fA-F])[0-9a-fA-F]{9,}/g)) add(looseHex(digits, index));
  return found;
}

function looseHex(digits: string, at: number): WrittenKey {
  return hexKey(digits, at, Secret.fromHex(digits.length % 2 === 0 ? digits : `${digits}0`));
}
