/** Ranges in names and addresses: `web[01:20]`, `rack[a:f]`, `fd00::[1:1f]`. */

/** Names or addresses one entry may stand for. */
const MAX_RANGE = 10_000;

export type Expansion =
  { readonly kind: 'expanded'; readonly values: readonly string[] } | { readonly kind: 'wrong'; readonly why: string };

const RANGE = /\[([^[\]]*)\]/;

export function hasRange(text: string): boolean {
  return text.includes('[');
}

/**
 * All that `text` stands for, the rightmost range turning fastest; `text` itself when it has no range. Both ends are
 * included, and a leading zero keeps the width. Numbers count in decimal, in an IPv6 address in hexadecimal.
 */
export function expandRanges(text: string): Expansion {
  const match = RANGE.exec(text);
  if (match === null) {
    return /[[\]]/.test(text)
      ? { kind: 'wrong', why: 'a bracket has no partner' }
      : { kind: 'expanded', values: [text] };
  }
  const rest = text.replace(/\[[^\]]*\]/g, '');
  const items = rangeItems(match[1] ?? '', rest.includes(':') && !rest.includes('.'));
  if (typeof items === 'string') return { kind: 'wrong', why: items };
  const head = text.slice(0, match.index);
  const tails = expandRanges(text.slice(match.index + match[0].length));
  if (tails.kind === 'wrong') return tails;
  if (items.length * tails.values.length > MAX_RANGE)
    return { kind: 'wrong', why: `it stands for more than ${MAX_RANGE}` };
  return { kind: 'expanded', values: items.flatMap((item) => tails.values.map((tail) => `${head}${item}${tail}`)) };
}

/** The items between two ends, or why there are none. */
function rangeItems(body: string, hexadecimal: boolean): readonly string[] | string {
  const ends = /^([0-9A-Za-z]+):([0-9A-Za-z]+)$/.exec(body);
  const [first, last] = [ends?.[1], ends?.[2]];
  if (first === undefined || last === undefined) return `[${body}] is not a range such as [01:20] or [a:f]`;
  if (!hexadecimal && /^([a-z]:[a-z]|[A-Z]:[A-Z])$/.test(body)) {
    return sequence(first.charCodeAt(0), last.charCodeAt(0), (code) => String.fromCharCode(code), body);
  }
  const base = hexadecimal ? 16 : 10;
  const digits = hexadecimal ? /^[0-9a-fA-F]{1,4}$/ : /^\d{1,9}$/;
  if (!digits.test(first) || !digits.test(last)) return `[${body}] is not a range such as [01:20] or [a:f]`;
  const width = first.length > 1 && first.startsWith('0') ? first.length : 1;
  return sequence(parseInt(first, base), parseInt(last, base), (n) => n.toString(base).padStart(width, '0'), body);
}

function sequence(from: number, to: number, write: (n: number) => string, body: string): readonly string[] | string {
  if (to < from) return `[${body}] runs backwards`;
  if (to - from >= MAX_RANGE) return `it stands for more than ${MAX_RANGE}`;
  return Array.from({ length: to - from + 1 }, (_, i) => write(from + i));
}
