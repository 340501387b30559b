/** Values of an ipseckeys command: numbers, keys, addresses. Source: illumos ipseckey.c (parsenum, parsekey, parseaddr). */

import type { Address } from '../model/address.js';
import type { KeyMaterial } from '../model/sa.js';
import { Secret } from '../model/secret.js';
import { fileWord, type Note, type NoteBook } from './parse-key-notes.js';

const U64 = 2n ** 64n;

/** strtoull(3C) with base 0 over a whole word: `undefined` when anything is left over or 64 bits do not hold it. */
export function parseU64(text: string): bigint | undefined {
  const found = /^\s*([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9]\d*))$/.exec(text);
  if (found === null) return undefined;
  const [, sign, hex, octal, decimal] = found;
  const size =
    hex !== undefined ? BigInt(`0x${hex}`) : octal !== undefined ? parseOctal(octal) : BigInt(decimal ?? '0');
  if (size >= U64) return undefined;
  return sign === '-' ? BigInt.asUintN(64, -size) : size;
}

function parseOctal(digits: string): bigint {
  return digits === '0' ? 0n : BigInt(`0o${digits.slice(1)}`);
}

/** The number a keyword needs; without one the command is given up and what was gathered before is lost. */
export function requireNumber(word: string | undefined, notes: NoteBook): bigint {
  if (word === undefined) return notes.fatalAlone('end-of-command', 'a number');
  return parseU64(word) ?? notes.fatalAlone('not-a-number', fileWord(word));
}

/** Cuts a number as an assignment to an unsigned field of that many bits does. */
export function cut(value: bigint, bits: 8 | 16 | 32): number {
  return Number(BigInt.asUintN(bits, value));
}

/**
 * Reads `0x…`, `…/bits` or plain hexadecimal digits. An odd last digit is the high half of its byte (`123` = 0x1230).
 * `undefined` when it is not hexadecimal; the note of that is already made.
 */
export function readKey(word: string | undefined, notes: NoteBook, reservedBits: number): KeyMaterial | undefined {
  if (word === undefined) return notes.fatalAlone('end-of-command', 'a key');
  const text = word.length > 2 && /^0x/i.test(word) ? word.slice(2) : word;
  const slash = text.indexOf('/');
  let digits = slash < 0 ? text : text.slice(0, slash);
  const gathered: Note[] = [];
  const bits = slash < 0 ? 0 : readBits(text.slice(slash + 1), notes);
  if (slash >= 0) {
    // Arithmetic of 32 unsigned bits: a length just below 2^32 wraps.
    const nibbles = cut(BigInt(bits) + 3n, 32) >>> 2;
    if (nibbles > digits.length) {
      gathered.push({ code: 'bits-too-big', values: [String(bits | 0), fileWord(digits)] });
    }
    if (digits.length << 2 > cut(BigInt(bits) + 3n, 32)) {
      gathered.push({ code: 'bits-truncated', values: [fileWord(digits), String(bits | 0)] });
      notes.remark(gathered.splice(0));
      digits = digits.slice(0, nibbles);
    }
  }
  const hex = /^[0-9a-fA-F]*$/.test(digits);
  if (!hex) gathered.push({ code: 'not-hex', values: [fileWord(digits)] });
  notes.remark(gathered);
  if (!hex) return undefined;
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `${digits}0`, 'hex');
  const last = bytes.at(-1);
  if ((bits & 7) !== 0 && last !== undefined) bytes[bytes.length - 1] = last & (0xff << (8 - (bits & 7)));
  return {
    secret: new Secret(bytes),
    bits: bits === 0 ? bytes.length * 8 : bits & 0xffff,
    room: Math.ceil(bytes.length / 8) * 8,
    reservedBits: reservedBits & 0xffff,
  };
}

/** `%u` of scanf(3C): leading blanks and a sign are read, the rest after the digits ignored. */
function readBits(text: string, notes: NoteBook): number {
  const found = /^\s*([+-]?)(\d+)/.exec(text);
  if (found?.[2] === undefined) return notes.fatalAlone('not-bits', fileWord(text));
  const value = BigInt(found[2]);
  return Number(BigInt.asUintN(32, found[1] === '-' ? -value : value));
}

/** Addresses of a name or literal; `undefined` when unknown. With `v6only` IPv4 counts as unknown. */
export type AddressLookup = (text: string, v6only: boolean) => readonly Address[] | undefined;

export interface NamedAddresses {
  readonly name: string;
  readonly addresses: readonly [Address, ...Address[]];
}

export function lookUpAddress(
  word: string | undefined,
  v6only: boolean,
  lookUp: AddressLookup,
  notes: NoteBook,
): NamedAddresses | undefined {
  if (word === undefined) return notes.fatalAlone('end-of-command', 'an address');
  const [first, ...rest] = lookUp(word, v6only) ?? [];
  if (first !== undefined) return { name: word, addresses: [first, ...rest] };
  notes.remark([{ code: 'unknown-address', values: [fileWord(word)] }]);
  return undefined;
}
