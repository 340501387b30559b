/** Numbers and IPv4 addresses as the C library reads them: base prefixes, partial reads, short addresses. */

/** ASCII white space, isspace(3C) in the C locale. */
export function isSpace(char: string | undefined): boolean {
  return char === ' ' || (char !== undefined && char >= '\t' && char <= '\r');
}

/** What strtol(3C) read and how many characters of the text it took; none taken = no number. */
export interface NumberRead {
  readonly value: number;
  readonly taken: number;
}

/** strtol with base 0 (`0x` hex, leading `0` octal) or 10, cut to 32 bits as an assignment to `int` does. */
export function readNumber(text: string, base: 0 | 10): NumberRead {
  let at = 0;
  while (isSpace(text[at])) at++;
  const sign = text[at] === '-' ? -1n : 1n;
  if (text[at] === '-' || text[at] === '+') at++;
  const rest = text.slice(at);
  const hex = base === 0 ? /^0[xX]([0-9a-fA-F]+)/.exec(rest) : null;
  if (hex?.[1] !== undefined) return taken(sign * BigInt(`0x${hex[1]}`), at + hex[0].length);
  const octal = base === 0 ? /^0([0-7]*)/.exec(rest) : null;
  if (octal)
    return taken(sign * BigInt(octal[1] === '' || octal[1] === undefined ? 0 : `0o${octal[1]}`), at + octal[0].length);
  const decimal = /^\d+/.exec(rest);
  return decimal ? taken(sign * BigInt(decimal[0]), at + decimal[0].length) : { value: 0, taken: 0 };
}

const LONG_MAX = 2n ** 63n - 1n;

function taken(value: bigint, characters: number): NumberRead {
  const saturated = value > LONG_MAX ? LONG_MAX : value < -LONG_MAX - 1n ? -LONG_MAX - 1n : value;
  return { value: Number(BigInt.asIntN(32, saturated)), taken: characters };
}

/** A whole word as a C number, white space allowed around it; -1 when it is none (and for -1 itself). */
export function wholeNumber(text: string): number {
  const { value, taken: end } = readNumber(text, 0);
  if (end === 0) return -1;
  for (const char of text.slice(end)) if (!isSpace(char)) return -1;
  return value;
}

/**
 * inet_addr(3C): `a`, `a.b`, `a.b.c` or `a.b.c.d`, each part decimal, octal or hex, the last one filling
 * what is left. `undefined` for anything else and for 255.255.255.255, which it cannot tell from an error.
 */
export function inetAddr(text: string): bigint | undefined {
  const parts = /^[^\s]*/.exec(text)?.[0].split('.') ?? [];
  if (parts.length > 4) return undefined;
  const numbers: number[] = [];
  for (const part of parts) {
    if (!/^(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/.test(part)) return undefined;
    numbers.push(Number(/^0[0-7]+$/.test(part) ? `0o${part.slice(1)}` : part));
  }
  const last = numbers.pop();
  if (last === undefined || numbers.some((number) => number > 255)) return undefined;
  if (last >= 256 ** (4 - numbers.length)) return undefined;
  const value = numbers.reduce((sum, number, i) => sum + number * 256 ** (3 - i), last);
  return value === 0xffffffff ? undefined : BigInt(value);
}
