/** A value as JSON that a terminal may be shown: what JSON leaves as it is, and a terminal would obey, is escaped. */

/**
 * Beyond JSON's own: DEL and the C1 controls (ECMA-48: U+009B begins an escape sequence as ESC [ does), line separators, and
 * marks that reorder text. A parser of JSON gives back the very same text.
 */
const OBEYED = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

export function jsonText(value: object, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(
    OBEYED,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}
