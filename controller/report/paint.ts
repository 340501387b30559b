/** Colours for a terminal, or none. */

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'bold' | 'dim';

export type Paint = (colour: Colour, text: string) => string;

/** ECMA-48 SGR parameters. */
const CODES: Record<Colour, readonly [number, number]> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
  bold: [1, 22],
  dim: [2, 22],
};

export const plain: Paint = (_colour, text) => text;

export const coloured: Paint = (colour, text) => `\u001b[${CODES[colour][0]}m${text}\u001b[${CODES[colour][1]}m`;

/**
 * Text from a host or a file made safe for a terminal: control characters, and the marks that reorder text, show as `\xNN` or `\u{…}`, so that
 * nothing a host says can move the cursor or hide a line.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (found) => {
    if (found === '\t') return found;
    const code = found.codePointAt(0) ?? 0;
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
