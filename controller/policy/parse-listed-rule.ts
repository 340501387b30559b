/** Reads a rule back from the words of `ipsecconf -Ln`: the counterpart of rule-text, without an index and a place in a file. */

import { parseAddress, type Prefix } from '../model/address.js';
import type {
  Action,
  Direction,
  Family,
  NumberRange,
  Protection,
  Selector,
  Transform,
  TunnelTable,
} from '../model/policy.js';

/** What a listing tells of a rule. */
export interface ParsedRule {
  readonly dir: Direction;
  /** Those it can be of: a listing does not say it of a rule without addresses, or of one for `/0`. */
  readonly families: readonly Family[];
  readonly selector: Omit<Selector, 'family'>;
  readonly actions: readonly Action[];
  readonly tunnel?: TunnelTable;
}

/** `undefined` for what no listing of ours or of the real tool would say. */
export function parseListedRule(text: string): ParsedRule | undefined {
  const split = /^\{([^{}]*)\}\s*(.*)$/.exec(text.trim());
  if (split === null) return undefined;
  const pattern = readPattern(pairsOf(split[1] ?? ''));
  const actions = readActions(split[2] ?? '');
  return pattern === undefined || actions === undefined ? undefined : { ...pattern, actions };
}

type Pairs = ReadonlyMap<string, string>;

/** Words two by two; `undefined` when one is left over or comes twice. */
function pairsOf(text: string): Pairs | undefined {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const pairs = new Map<string, string>();
  for (let at = 0; at < words.length; at += 2) {
    const [key, value] = [words[at], words[at + 1]];
    if (key === undefined || value === undefined || pairs.has(key)) return undefined;
    pairs.set(key, value);
  }
  return pairs;
}

const PATTERN_KEYS = ['tunnel', 'negotiate', 'ulp', 'laddr', 'lport', 'raddr', 'rport', 'type', 'code', 'dir'];

function readPattern(pairs: Pairs | undefined): Omit<ParsedRule, 'actions'> | undefined {
  if (pairs === undefined || [...pairs.keys()].some((key) => !PATTERN_KEYS.includes(key))) return undefined;
  const dir = pairs.get('dir');
  if (dir !== 'in' && dir !== 'out') return undefined;
  const local = readField(pairs, 'laddr', readPrefix);
  const remote = readField(pairs, 'raddr', readPrefix);
  const protocol = readField(pairs, 'ulp', (word) => readNumber(word, 255));
  const localPort = readField(pairs, 'lport', (word) => readNumber(word, 65535));
  const remotePort = readField(pairs, 'rport', (word) => readNumber(word, 65535));
  const icmpType = readField(pairs, 'type', readRange);
  const icmpCode = readField(pairs, 'code', readRange);
  const tunnel = readTunnel(pairs);
  const fields = [local, remote, protocol, localPort, remotePort, icmpType, icmpCode, tunnel];
  if (fields.includes('bad')) return undefined;
  const families = familiesOf([local, remote].flatMap((one) => (typeof one === 'object' ? [one] : [])));
  const [family = 4] = families;
  return {
    dir,
    families,
    selector: {
      ...(typeof protocol === 'number' && { protocol }),
      ...(typeof local === 'object' && { local: prefixIn(local, family) }),
      ...(typeof remote === 'object' && { remote: prefixIn(remote, family) }),
      ...(typeof localPort === 'number' && { localPort }),
      ...(typeof remotePort === 'number' && { remotePort }),
      ...(typeof icmpType === 'object' && { icmpType }),
      ...(typeof icmpCode === 'object' && { icmpCode }),
    },
    ...(typeof tunnel === 'object' && { tunnel }),
  };
}

function readField<T>(pairs: Pairs, key: string, read: (word: string) => T | undefined): T | 'bad' | undefined {
  const word = pairs.get(key);
  return word === undefined ? undefined : (read(word) ?? 'bad');
}

function readNumber(word: string, most: number): number | undefined {
  return /^\d{1,5}$/.test(word) && Number(word) <= most ? Number(word) : undefined;
}

function readRange(word: string): NumberRange | undefined {
  const found = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(word);
  if (found === null) return undefined;
  const from = Number(found[1]);
  return { from, to: found[2] === undefined ? from : Number(found[2]) };
}

/** An address with its length; an unspecified address prints as nothing, and its family is not told. */
interface ListedPrefix {
  readonly family: Family | undefined;
  readonly value: bigint;
  readonly length: number;
}

function readPrefix(word: string): ListedPrefix | undefined {
  const slash = word.lastIndexOf('/');
  const length = readNumber(word.slice(slash + 1), 128);
  if (slash < 0 || length === undefined) return undefined;
  if (slash === 0) return { family: length > 32 ? 6 : undefined, value: 0n, length };
  const address = parseAddress(word.slice(0, slash));
  if (address === undefined || (address.family === 4 && length > 32)) return undefined;
  return { ...address, length };
}

function familiesOf(prefixes: readonly ListedPrefix[]): readonly Family[] {
  const known = prefixes.find(({ family }) => family !== undefined)?.family;
  return known === undefined ? [4, 6] : [known];
}

/** The prefix as a rule of a family has it. */
function prefixIn({ family, value, length }: ListedPrefix, of: Family): Prefix {
  return { address: { family: family ?? of, value }, length };
}

function readTunnel(pairs: Pairs): TunnelTable | 'bad' | undefined {
  const name = pairs.get('tunnel');
  const mode = pairs.get('negotiate');
  if (name === undefined && mode === undefined) return undefined;
  return name !== undefined && (mode === 'tunnel' || mode === 'transport') ? { name, mode } : 'bad';
}

/** `pass { } or ipsec { … }`, in order. */
function readActions(text: string): readonly Action[] | undefined {
  const actions: Action[] = [];
  const one = /\s*(pass|drop|ipsec)\s*\{([^{}]*)\}\s*(or\b|$)/y;
  for (;;) {
    const found = one.exec(text);
    if (found === null) return undefined;
    const action = readAction(found[1] ?? '', pairsOf(found[2] ?? ''));
    if (action === undefined) return undefined;
    actions.push(action);
    if (found[3] === '') return actions;
  }
}

const PROPERTIES = ['auth_algs', 'encr_algs', 'encr_auth_algs', 'sa'];

function readAction(word: string, pairs: Pairs | undefined): Action | undefined {
  if (pairs === undefined || [...pairs.keys()].some((key) => !PROPERTIES.includes(key))) return undefined;
  if (word !== 'ipsec') {
    if (pairs.size > 0) return undefined;
    return { kind: word === 'pass' ? 'bypass' : 'discard' };
  }
  return readProtection(pairs);
}

function readProtection(pairs: Pairs): Protection | undefined {
  const ah = readField(pairs, 'auth_algs', readTransform);
  const encr = readField(pairs, 'encr_algs', readTransform);
  const auth = readField(pairs, 'encr_auth_algs', readTransform);
  const sa = pairs.get('sa');
  if (ah === 'bad' || encr === 'bad' || auth === 'bad') return undefined;
  if (sa !== 'shared' && sa !== 'unique') return undefined;
  if ((ah === undefined && encr === undefined) || (encr === undefined && auth !== undefined)) return undefined;
  return {
    kind: 'protect',
    ...(ah && { ah }),
    ...(encr && { esp: { encr, ...(auth && { auth }) } }),
    unique: sa === 'unique',
  };
}

/** `aes-cbc(128..256)`, `hmac-sha1(160)`, `null`. */
function readTransform(word: string): Transform | undefined {
  const found = /^([^()]+?)(?:\((\d+)(?:\.\.(\d+))?\))?$/.exec(word);
  if (found?.[1] === undefined) return undefined;
  const minBits = Number(found[2] ?? 0);
  return { algorithm: found[1], minBits, maxBits: Number(found[3] ?? minBits) };
}
