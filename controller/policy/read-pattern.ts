/** Reads the pattern of an entry: `{key value …}` to addresses, ports, protocol, direction, tunnel. */

import type { NumberRange, TunnelTable } from '../model/policy.js';
import type { EntryEnd } from './entry.js';
import { complain, type Forming, type Taken } from './forming.js';
import { lineOfWord, type Word } from './lex-entry.js';
import { ICMP_CODES, ICMP_TYPES, PATTERN_KEYS, type PatternKey } from './pattern-words.js';
import { readAddress, readIcmp, readMask, readPort, readProtocol } from './read-values.js';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export interface Pattern {
  readonly from: Mutable<EntryEnd>;
  readonly to: Mutable<EntryEnd>;
  protocol: number;
  type?: NumberRange;
  code?: NumberRange;
  tunnelName?: string;
  negotiate?: TunnelTable['mode'];
}

const TUNNEL_NAME_LIMIT = 31;
/** The program has room for as many keys; further ones fall upon the marks that follow in memory. */
const KEYS_KEPT = 8;

export function readPattern(
  forming: Forming,
  words: readonly Word[],
): { readonly pattern: Pattern; readonly taken: Taken } {
  const end = (): Mutable<EntryEnd> => ({ marked: false, sized: false, port: 0 });
  const pattern: Pattern = { from: end(), to: end(), protocol: 0 };
  let keys = 0;
  for (let at = 0; at < words.length; at += 2) {
    const word = words[at]?.text ?? '';
    const key = PATTERN_KEYS.get(word);
    if (key === undefined) {
      forming.messages.push(`Invalid pattern on line ${lineOfWord(forming.reader, at)}: ${word}`);
      return { pattern, taken: 'failed' };
    }
    overwriteMarks(pattern, ++keys);
    const taken = readKey(forming, pattern, key, words[at + 1]?.text, at);
    if (taken !== 'ok') return { pattern, taken };
  }
  return { pattern, taken: checkTunnel(forming, pattern, words.length) };
}

/** The ninth key marks a source and unmarks a destination, the tenth does so with their lengths. */
function overwriteMarks(pattern: Pattern, keys: number): void {
  if (keys === KEYS_KEPT + 1) {
    pattern.from.marked = true;
    pattern.to.marked = false;
  } else if (keys === KEYS_KEPT + 2) {
    pattern.from.sized = true;
    pattern.to.sized = false;
  }
}

function checkTunnel(forming: Forming, { tunnelName, negotiate }: Pattern, words: number): Taken {
  if ((tunnelName === undefined) === (negotiate === undefined)) return 'ok';
  complain(forming, 'Requires', negotiate === undefined ? 'Negotiate' : 'Tunnel', words);
  forming.messages.push('tunnel and negotiate tokens must occur together');
  return 'exit';
}

const NAMES = {
  address: { from: 'Source Address', to: 'Destination Address' },
  port: { from: 'Source Port', to: 'Destination Port' },
  mask: { from: 'Source Mask', to: 'Destination Mask' },
} as const;

function readKey(forming: Forming, pattern: Pattern, key: PatternKey, value: string | undefined, at: number): Taken {
  switch (key.kind) {
    case 'address':
    case 'port':
    case 'mask':
      return readEnd(forming, pattern, key, value, at);
    case 'dir':
      return readDirection(forming, value, at + 1);
    case 'ulp': {
      if (pattern.protocol !== 0) return complain(forming, 'Duplicate', 'Upper Layer Protocol', at);
      const protocol = value === undefined ? undefined : readProtocol(value, forming.names);
      if (protocol === undefined) return complain(forming, 'Bad', 'Upper Layer Protocol', at + 1);
      pattern.protocol = protocol;
      return 'ok';
    }
    case 'type': {
      if (pattern.type !== undefined) return complain(forming, 'Duplicate', 'ICMP type', at);
      if (value === undefined) return 'crash';
      const type = readIcmp(value, ICMP_TYPES);
      if (type === undefined) return complain(forming, 'Bad', 'ICMP type', at + 1);
      pattern.type = type;
      return 'ok';
    }
    case 'code':
      if (pattern.type === undefined) return complain(forming, 'Bad', 'ICMP code', at);
      if (pattern.code !== undefined) return complain(forming, 'Duplicate', 'ICMP code', at);
      if (value === undefined) return 'crash';
      // A bad code is not noticed; it becomes 255, which stands for any.
      pattern.code = readIcmp(value, ICMP_CODES) ?? { from: 255, to: 255 };
      return 'ok';
    case 'tunnel':
      if (pattern.tunnelName !== undefined) return complain(forming, 'Bad', 'Tunnel', at);
      if (value === undefined || value.length > TUNNEL_NAME_LIMIT) return complain(forming, 'Bad', 'Tunnel', at + 1);
      pattern.tunnelName = value;
      return 'ok';
    case 'negotiate':
      if (pattern.negotiate !== undefined) return complain(forming, 'Bad', 'Negotiate', at);
      if (value?.startsWith('tunnel')) pattern.negotiate = 'tunnel';
      else if (value?.startsWith('transport')) pattern.negotiate = 'transport';
      else return complain(forming, 'Bad', 'Negotiate', at + 1);
      return 'ok';
  }
}

function readEnd(
  forming: Forming,
  pattern: Pattern,
  key: Extract<PatternKey, { kind: 'address' | 'port' | 'mask' }>,
  value: string | undefined,
  at: number,
): Taken {
  const what = NAMES[key.kind][key.end];
  const end = pattern[key.end];
  if (forming.style !== undefined && forming.style !== key.style) return complain(forming, 'Bad', what, at);
  forming.style = key.style;
  if (key.kind === 'mask') end.sized = true;
  const given = { address: end.addresses !== undefined, port: end.port !== 0, mask: end.mask !== undefined };
  if (given[key.kind]) return complain(forming, 'Duplicate', what, at);
  if (key.kind === 'address') end.marked = true;
  if (value === undefined) return complain(forming, 'Bad', what, at + 1);
  switch (key.kind) {
    case 'address': {
      const read = readAddress(value, forming.names);
      if (read.kind === 'bad') {
        forming.messages.push(read.message);
        return complain(forming, 'Bad', what, at + 1);
      }
      end.addresses = read.addresses;
      if (read.slash !== undefined) end.slash = read.slash;
      end.sized ||= read.slash !== undefined;
      return 'ok';
    }
    case 'mask': {
      const mask = readMask(value);
      if (mask === undefined) return complain(forming, 'Bad', what, at + 1);
      end.mask = mask;
      return 'ok';
    }
    case 'port': {
      const port = readPort(value, forming.names);
      if (port === undefined) return complain(forming, 'Bad', what, at + 1);
      end.port = port;
      return 'ok';
    }
  }
}

/** Only the first letters count here; `both` belongs to the new style. */
function readDirection(forming: Forming, value: string | undefined, at: number): Taken {
  if (value?.startsWith('in')) forming.directions = { in: true, out: false };
  else if (value?.startsWith('out')) forming.directions = { in: false, out: true };
  else if (value?.startsWith('both') && forming.style !== 'old') {
    forming.style = 'new';
    forming.directions = { in: true, out: true };
  } else return complain(forming, 'Bad', 'Direction', at);
  forming.dirGiven = true;
  return 'ok';
}
