/**
 * /etc/inet/ipsecalgs: protocols and algorithms that IPsec may use on a host, with every problem and its place.
 * Source: illumos ipsecalgs(8), libnsl ipsecalgs.c build_list(), flags of net/pfpolicy.h.
 */

import type { Problem } from '../errors.js';
import { linesOf, type BlankItem, type CommentItem, type DocumentReading, type UnreadItem } from './syntax/items.js';
import type { Place } from './syntax/items.js';

export const EXEC_MODES = ['sync', 'async'] as const;

/** `PROTO|number|name|mode`. */
export interface AlgProtocolItem {
  readonly kind: 'protocol';
  readonly at: Place;
  readonly number: number;
  readonly name: string;
  readonly execMode: (typeof EXEC_MODES)[number];
}

/** Lengths in bits: a list whose first is the default, or a range. */
export type KeySizes =
  | { readonly kind: 'list'; readonly bits: readonly number[] }
  | {
      readonly kind: 'range';
      readonly defaultBits: number;
      readonly minBits: number;
      readonly maxBits: number;
      readonly stepBits: number;
    };

/** `ALG|protocol|number|names|mechanism|key sizes|block sizes|parameters|flags`; the last two may be missing. */
export interface AlgorithmItem {
  readonly kind: 'algorithm';
  readonly at: Place;
  readonly protocol: number;
  readonly number: number;
  readonly names: readonly [string, ...string[]];
  /** Of the cryptographic framework; `-` = none. */
  readonly mechanism: string;
  readonly keySizes: KeySizes;
  /** Bytes of a block, or of the check value. */
  readonly blockBytes: readonly number[];
  /** Bytes of IV, check value and salt. */
  readonly parameters?: readonly number[];
  readonly flags?: number;
}

export type AlgsItem = AlgProtocolItem | AlgorithmItem | CommentItem | BlankItem | UnreadItem;

export interface AlgsDocument {
  readonly items: readonly AlgsItem[];
}

/** fgets(3C) with a buffer of 1024 bytes. */
const LINE_BYTES = 1023;

/**
 * Reads the table. One bad line and the library takes none of the file: such lines are kept and told of as warnings for
 * whoever formats the file; whoever takes algorithms from it needs a table without any.
 */
export function parseIpsecalgs(text: string, file: string): DocumentReading<AlgsDocument> {
  const items: AlgsItem[] = [];
  const problems: Problem[] = [];
  const protocols = new Set<number>();
  const packages: { open: string | undefined } = { open: undefined };
  for (const [i, line] of linesOf(text).entries()) {
    const at = { line: i + 1, column: 1 };
    const complain: Complain = (column, what, todo) => {
      problems.push({ code: 'ALGS_LINE', severity: 'warning', what, at: { file, line: i + 1, column }, todo });
      return undefined;
    };
    if (Buffer.byteLength(line) >= LINE_BYTES) {
      const what = 'the line is 1023 bytes or longer and would be cut in two';
      problems.push({ code: 'ALGS_LINE_CUT', severity: 'error', what, at: { file, ...at }, todo: 'write it shorter' });
      items.push({ kind: 'unread', at, text: line });
      continue;
    }
    const item = readLine(line, at, protocols, complain);
    if (item.kind === 'protocol') protocols.add(item.number);
    if (item.kind === 'comment') checkPackage(item.text, packages, complain);
    items.push(item);
  }
  return { document: { items }, problems };
}

/** Takes note of a problem of the line; what it gives back stands for "no item". */
type Complain = (column: number, what: string, todo: string) => undefined;

function readLine(line: string, at: Place, protocols: ReadonlySet<number>, complain: Complain): AlgsItem {
  const trimmed = line.trim();
  if (trimmed === '') return { kind: 'blank', at };
  if (/^[ \t]*#/.test(line)) {
    // Only in the first column does this begin or end a package: it stays where it is.
    if (/^\s+# (start|end) /i.test(line)) return { kind: 'unread', at, text: line };
    const column = line.indexOf('#') + 1;
    return { kind: 'comment', at: { line: at.line, column }, text: line.slice(column).trimEnd() };
  }
  const fields = fieldsOf(line.trimEnd());
  const [head] = fields;
  const word = head?.text.toUpperCase();
  const item =
    word === 'PROTO'
      ? readProtocol(fields, at, complain)
      : word === 'ALG'
        ? readAlgorithm(fields, at, protocols, complain)
        : complain(1, 'the line begins with neither PROTO|, ALG| nor #', 'begin it in the first column');
  return item ?? { kind: 'unread', at, text: line };
}

interface Field {
  readonly text: string;
  readonly column: number;
}

function fieldsOf(line: string): Field[] {
  let column = 1;
  return line.split('|').map((text) => {
    const field = { text, column };
    column += text.length + 1;
    return field;
  });
}

function readProtocol(fields: readonly Field[], at: Place, complain: Complain): AlgProtocolItem | undefined {
  const [, number, name, mode, ...more] = fields;
  if (number === undefined || name === undefined || mode === undefined || more.length > 0) {
    return complain(1, 'a protocol has three fields', 'write PROTO|number|name|sync');
  }
  const value = wholeNumber(number.text);
  if (value === undefined || value === 0) {
    return complain(number.column, 'not the number of a protocol', 'write 2 for AH, 3 for ESP');
  }
  if (!isWord(name.text)) return complain(name.column, 'the protocol has no name', 'write one, such as PROTO_IPSEC_AH');
  const execMode = EXEC_MODES.find((one) => one === mode.text);
  if (execMode === undefined) return complain(mode.column, 'unknown execution mode', 'write sync or async');
  return { kind: 'protocol', at, number: value, name: name.text, execMode };
}

function readAlgorithm(
  fields: readonly Field[],
  at: Place,
  protocols: ReadonlySet<number>,
  complain: Complain,
): AlgorithmItem | undefined {
  // The library takes several bars in a row for one, so that what follows an empty field moves up.
  const empty = fields.find(({ text }) => text.trim() === '');
  if (empty !== undefined) return complain(empty.column, 'an empty field', 'write 0, or - for no mechanism');
  const [, protocol, number, names, mechanism, sizes, blocks, parameters, flags, ...more] = fields;
  if (!protocol || !number || !names || !mechanism || !sizes || !blocks || more.length > 0) {
    return complain(1, 'an algorithm has six to eight fields', 'write ALG|3|12|aes-cbc,aes|CKM_AES_CBC|128|16');
  }
  const protocolNumber = wholeNumber(protocol.text);
  if (protocolNumber === undefined || !protocols.has(protocolNumber)) {
    return complain(protocol.column, 'no PROTO line before this one has this number', 'add PROTO|number|name|sync');
  }
  const algorithmNumber = wholeNumber(number.text);
  if (algorithmNumber === undefined || algorithmNumber > 255) {
    return complain(number.column, 'not the number of an algorithm', 'write a number from 0 to 255');
  }
  const [name, ...aliases] = names.text.split(',');
  if (name === undefined || ![name, ...aliases].every(isWord)) {
    return complain(names.column, 'not a list of names', 'write names with commas between them, no blanks');
  }
  if (!isWord(mechanism.text)) return complain(mechanism.column, 'not a mechanism', 'write its name, or - for none');
  const keySizes = readKeySizes(sizes.text);
  if (keySizes === undefined) {
    return complain(sizes.column, 'not key sizes', 'write 128,192,256 or default/lowest-highest,step: 128/128-256,64');
  }
  const blockBytes = numberList(blocks.text);
  if (blockBytes === undefined)
    return complain(blocks.column, 'not block sizes', 'write bytes with commas between them');
  const extra = parameters && numberList(parameters.text);
  if (parameters && extra === undefined) {
    return complain(parameters.column, 'not parameters', 'write the bytes of IV, check value and salt: 8,16,4');
  }
  const flagBits = flags && wholeNumber(flags.text);
  if (flags && flagBits === undefined) return complain(flags.column, 'not a number of flags', 'write a number, or 0');
  return {
    kind: 'algorithm',
    at,
    protocol: protocolNumber,
    number: algorithmNumber,
    names: [name, ...aliases],
    mechanism: mechanism.text,
    keySizes,
    blockBytes,
    ...(extra && { parameters: extra }),
    ...(flagBits !== undefined && { flags: flagBits }),
  };
}

function readKeySizes(text: string): KeySizes | undefined {
  if (!text.includes('/')) {
    const bits = numberList(text);
    return bits && { kind: 'list', bits };
  }
  const found = /^(\d+)\/(\d+)-(\d+),(\d+)$/.exec(text);
  const [defaultBits = 0, minBits = 0, maxBits = 0, stepBits = 0] = (found ?? []).slice(1).map(Number);
  const sound = defaultBits > 0 && minBits > 0 && maxBits > minBits && stepBits > 0;
  if (!sound || ![defaultBits, minBits, maxBits, stepBits].every(fits)) return undefined;
  return { kind: 'range', defaultBits, minBits, maxBits, stepBits };
}

function numberList(text: string): readonly number[] | undefined {
  const numbers = text.split(',').map(wholeNumber);
  const known = numbers.filter((one) => one !== undefined);
  return known.length === numbers.length ? known : undefined;
}

/** atoi(3C) takes more, such as `12x`; we do not. */
function wholeNumber(text: string): number | undefined {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : undefined;
  return value !== undefined && fits(value) ? value : undefined;
}

function fits(value: number): boolean {
  return value < 2 ** 31;
}

function isWord(text: string): boolean {
  return /^[^\s,|]+$/.test(text);
}

/** `# Start PACKAGE` and `# End PACKAGE` enclose the lines of a package, and the library minds that they match. */
function checkPackage(text: string, packages: { open: string | undefined }, complain: Complain): void {
  const [, word, name] = /^ (start|end) (.*)$/i.exec(text) ?? [];
  if (word === undefined || name === undefined) return;
  const starts = word.toLowerCase() === 'start';
  const matches = starts ? packages.open === undefined : packages.open === name;
  if (!matches) {
    complain(
      1,
      'this comment begins or ends a package and has no partner',
      'write # Start NAME and # End NAME around it',
    );
  }
  packages.open = starts ? name : undefined;
}
