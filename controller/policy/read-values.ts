/** Values of pattern keys: addresses, netmasks, ports, protocols, ICMP ranges. Reads one word, knows no entry. */

import { parseAddress, type Address } from '../model/address.js';
import { inetAddr, isSpace, readNumber, wholeNumber } from './c-numbers.js';
import { fromBytes } from './line-pieces.js';
import type { NameTables } from './name-tables.js';

export type AddressRead =
  | { readonly kind: 'addresses'; readonly addresses: readonly Address[]; readonly slash?: number }
  | { readonly kind: 'bad'; readonly message: string };

/** An address, host name or network name, with an optional `/length`. Host bits stay as written. */
export function readAddress(word: string, names: NameTables): AddressRead {
  const cut = word.indexOf('/');
  const name = cut < 0 ? word : word.slice(0, cut);
  const digits = cut < 0 ? undefined : word.slice(cut + 1);
  const slash = digits === undefined ? undefined : readSlash(digits);
  if (slash === 'bad') return { kind: 'bad', message: `Unparseable prefix: '${digits}'.` };
  const addresses = resolve(name, names);
  if (addresses === undefined) return { kind: 'bad', message: `Could not resolve address ${name}.` };
  return { kind: 'addresses', addresses, ...(slash === undefined ? {} : { slash }) };
}

function readSlash(digits: string): number | 'bad' {
  const { value, taken } = readNumber(digits, 10);
  return taken === 0 || taken < digits.length || value < 0 ? 'bad' : value;
}

/** A literal, else the host's addresses with IPv6 first, else the network of that name as a host address. */
function resolve(name: string, names: NameTables): readonly Address[] | undefined {
  if (name.includes(':')) {
    const literal = parseAddress(name);
    if (literal !== undefined) return [unmapped(literal)];
  } else {
    const value = inetAddr(name);
    if (value !== undefined) return [{ family: 4, value }];
  }
  const known = names.hosts.get(fromBytes(name).toLowerCase()) ?? [];
  if (known.length > 0) {
    return [...known.filter((one) => one.family === 6), ...known.filter((one) => one.family === 4)];
  }
  const network = names.networks.get(name);
  return network === undefined ? undefined : [network];
}

function unmapped(address: Address): Address {
  return address.value >> 32n === 0xffffn ? { family: 4, value: address.value & 0xffffffffn } : address;
}

/**
 * A netmask in dotted, decimal or `0x` form to the length of its leading ones, where a mask with a hole counts
 * up to the hole. 0 = refused is told from a length of 0, which `24` gives (it is 0.0.0.24).
 */
export function readMask(word: string): number | undefined {
  let mask: bigint | undefined;
  if (/^0x/i.test(word) && !word.includes('.')) {
    const { value, taken } = readNumber(word, 0);
    mask = taken < word.length || taken <= 1 ? undefined : BigInt.asUintN(32, BigInt(value));
  } else {
    mask = word === '255.255.255.255' ? 0xffffffffn : inetAddr(word);
  }
  if (mask === undefined || mask === 0n) return undefined;
  const firstZero = mask.toString(2).padStart(32, '0').indexOf('0');
  return firstZero < 0 ? 32 : firstZero;
}

/** A service name, else a C number from 0 to 65535. */
export function readPort(word: string, names: NameTables): number | undefined {
  const named = names.services.get(word);
  if (named !== undefined) return named;
  const number = wholeNumber(word);
  return number < 0 || number > 65535 ? undefined : number;
}

/** A protocol name, else any C number but -1, cut to 8 bits. */
export function readProtocol(word: string, names: NameTables): number | undefined {
  const named = names.protocols.get(word);
  if (named !== undefined) return named;
  const number = wholeNumber(word);
  return number === -1 ? undefined : number & 255;
}

/** An ICMP type or code: a word of the table, a number or `a-b`; a range that runs backwards is its first number. */
export function readIcmp(
  word: string,
  table: ReadonlyMap<string, number>,
): { readonly from: number; readonly to: number } | undefined {
  if (!/^\d/.test(word)) {
    const known = table.get(word);
    return known === undefined ? undefined : { from: known, to: known };
  }
  const first = readNumber(word, 0);
  if (first.value > 255 || first.value < 0) return undefined;
  let rest = word.slice(first.taken);
  let to = 0;
  if (rest.startsWith('-')) {
    const second = readNumber(rest.slice(1), 0);
    if (second.value > 255 || second.value < 0) return undefined;
    to = second.value;
    rest = rest.slice(1 + second.taken);
  }
  for (const char of rest) if (!isSpace(char)) return undefined;
  return { from: first.value, to: Math.max(first.value, to) };
}
