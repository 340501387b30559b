/** IPv4 and IPv6 addresses and prefixes as numbers: read, write, contain. */

export interface Address {
  readonly family: 4 | 6;
  /** 32 or 128 bits, network order. */
  readonly value: bigint;
}

/** A block of addresses. Host bits of `address` are kept as written: illumos lists and compares them so. */
export interface Prefix {
  readonly address: Address;
  readonly length: number;
}

const WIDTH = { 4: 32, 6: 128 } as const;

/** Reads a dotted IPv4 or an RFC 4291 IPv6 literal (no zone); `undefined` when it is neither. */
export function parseAddress(text: string): Address | undefined {
  if (text.includes(':')) return parseV6(text);
  const value = parseV4(text);
  return value === undefined ? undefined : { family: 4, value };
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    const byte = Number(part);
    if (byte > 255 || !/^(0|[1-9]\d{0,2})$/.test(part)) return undefined;
    value = value * 256 + byte;
  }
  return BigInt(value);
}

function parseV6(text: string): Address | undefined {
  let body = text;
  let tail: bigint | undefined;
  const lastColon = body.lastIndexOf(':');
  if (body.includes('.')) {
    tail = parseV4(body.slice(lastColon + 1));
    if (tail === undefined) return undefined;
    body = `${body.slice(0, lastColon + 1)}0:0`;
  }
  const halves = body.split('::');
  if (halves.length > 2) return undefined;
  const groups = (half: string | undefined): string[] => (half === undefined || half === '' ? [] : half.split(':'));
  const head = groups(halves[0]);
  const rest = groups(halves[1]);
  const missing = 8 - head.length - rest.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  let value = 0n;
  for (const group of [...head, ...Array<string>(halves.length === 1 ? 0 : missing).fill('0'), ...rest]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    value = (value << 16n) | BigInt(`0x${group}`);
  }
  return { family: 6, value: tail === undefined ? value : value | tail };
}

/** The canonical text: dotted IPv4, RFC 5952 IPv6. */
export function formatAddress(address: Address): string {
  if (address.family === 4) {
    const value = Number(BigInt.asUintN(32, address.value));
    return `${(value >>> 24) & 255}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
  }
  const groups = Array.from({ length: 8 }, (_, i) => Number((address.value >> BigInt(112 - 16 * i)) & 0xffffn));
  let best = { start: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === 0) length++;
    if (length > best.length) best = { start: i, length };
  }
  const text = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return best.start < 0 ? text(0, 8) : `${text(0, best.start)}::${text(best.start + best.length, 8)}`;
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}

/** Reads `address` or `address/length`; `undefined` when malformed or the length does not fit the family. */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  if (slash < 0) return hostPrefix(address);
  const digits = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(digits) || Number(digits) > WIDTH[address.family]) return undefined;
  return { address, length: Number(digits) };
}

/** `a.b.c.d` for a whole address, `a.b.c.d/n` for a block. */
export function formatPrefix(prefix: Prefix): string {
  const text = formatAddress(prefix.address);
  return prefix.length === WIDTH[prefix.address.family] ? text : `${text}/${prefix.length}`;
}

export function hostPrefix(address: Address): Prefix {
  return { address, length: WIDTH[address.family] };
}

/** Whether every address of `inner` lies in `outer`. */
export function prefixContains(outer: Prefix, inner: Prefix): boolean {
  if (outer.address.family !== inner.address.family || outer.length > inner.length) return false;
  const shift = BigInt(WIDTH[outer.address.family] - outer.length);
  return outer.address.value >> shift === inner.address.value >> shift;
}
