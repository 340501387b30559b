/** Text that came from a host, made fit to show: no control characters, no long hex, no end. A host may be hostile. */
import { isUtf8 } from 'node:buffer';

/** Long enough for any hex of a key part, short enough to leave dates, SPIs and process ids alone. */
const LONG_HEX = /(?:0x)?[0-9a-f]{16,}/gi;
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const SHOWN = 2000;

/** Control and text-direction characters as `\x1b`: a terminal that shows a host's words must not obey them. */
export function printable(text: string): string {
  return text.replace(CONTROL, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`;
  });
}

/** A host's words for an error message: printable, hex runs of 16 digits or more masked, cut at 2,000 characters. */
export function shown(text: string): string {
  const masked = printable(text).replace(LONG_HEX, '[masked]');
  return masked.length > SHOWN ? `${masked.slice(0, SHOWN)}…` : masked;
}

/** UTF-8 where the bytes are that, else a character a byte: no byte is lost, and ASCII is the same in both. */
export function decodeText(bytes: Uint8Array): string {
  const utf8 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = utf8.toString('utf8');
  // A replacement character may also be what the host wrote.
  return text.includes('\ufffd') && !isUtf8(utf8) ? utf8.toString('latin1') : text;
}
