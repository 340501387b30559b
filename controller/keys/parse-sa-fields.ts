/** The values of `add` and `update` that need more than a number: addresses, keys, identities, limits. */

import type { Address } from '../model/address.js';
import { NULL_CIPHER } from '../model/sa.js';
import type { Keyword, Quantity } from './parse-key-keywords.js';
import { fileWord, SEGMENTATION_FAULT, ToolDies } from './parse-key-notes.js';
import {
  cut,
  lookUpAddress,
  parseU64,
  readKey,
  requireNumber,
  type AddressLookup,
  type NamedAddresses,
} from './parse-key-values.js';
import type { WordReader } from './parse-key-words.js';
import type { Draft } from './parse-sa-draft.js';

type KeywordOf<Kind extends Keyword['kind']> = Extract<Keyword, { kind: Kind }>;

/** The word of an address that is not taken is read again as a keyword: so does the tool. */
export function readAddress(
  draft: Draft,
  { end, v6only }: KeywordOf<'address'>,
  reader: WordReader,
  lookUp: AddressLookup,
): void {
  const { notes } = reader;
  const name = end === 'src' ? 'source' : 'destination';
  if (draft[end] !== undefined) return notes.error('given-twice', `${name} address`);
  const found = lookUpAddress(reader.next, v6only, lookUp, notes);
  if (found === undefined) return notes.error('unknown-end', `${end} address`, fileWord(reader.next ?? ''));
  reader.take();
  draft[end] = found;
}

const INNER_TEXTS = {
  src: { twice: 'proxy/inner-source address', unknown: 'proxy/inner-source address', vague: 'Proxy/inner-source' },
  dst: { twice: 'inner-destination address', unknown: 'Inner Src address ', vague: 'Inner destination' },
} as const;

export function readInnerAddress(
  draft: Draft,
  { end, v6only }: KeywordOf<'inner-address'>,
  reader: WordReader,
  lookUp: AddressLookup,
): void {
  const { notes } = reader;
  const texts = INNER_TEXTS[end];
  if (draft.inner[end] !== undefined) return notes.error('given-twice', texts.twice);
  const word = reader.next;
  if (word === undefined) throw new ToolDies(SEGMENTATION_FAULT);
  const slash = word.indexOf('/');
  const prefix = slash < 0 ? 128 : leadingInteger(word.slice(slash + 1));
  const found = lookUpAddress(slash < 0 ? word : word.slice(0, slash), v6only, lookUp, notes);
  if (found === undefined) return notes.error('unknown-end', texts.unknown, fileWord(word));
  reader.take();
  const address = onlyAddress(found);
  if (address === undefined) return notes.warn('vague-address', `${texts.vague} address`, fileWord(found.name));
  // Lengths are counted as for IPv6; 96 of them belong to the mapping of IPv4.
  const mapped = address.family === 4 && prefix <= 32 ? prefix + 96 : prefix;
  draft.inner[end] = { address, prefixByte: mapped & 0xff };
  draft.tunnel = true;
}

export function readNatAddress(draft: Draft, end: 'local' | 'remote', reader: WordReader, lookUp: AddressLookup): void {
  const { notes } = reader;
  if (draft.nat[end] !== undefined) return notes.error('given-twice', `NAT-T ${end} address`);
  const word = reader.next;
  const found = lookUpAddress(word, false, lookUp, notes);
  if (found === undefined) return notes.error('unknown-end', `NAT-T ${end} address`, fileWord(word ?? ''));
  reader.take();
  const address = onlyAddress(found);
  if (address === undefined) return notes.warn('vague-address', `NAT-T ${end} address`, fileWord(found.name));
  draft.nat[end] = address;
}

function onlyAddress(found: NamedAddresses): Address | undefined {
  return found.addresses.length === 1 ? found.addresses[0] : undefined;
}

/** strtol(3C) with base 10: what stands before the first odd character, 0 when that is nothing. */
function leadingInteger(text: string): number {
  const digits = /^\s*([+-]?\d+)/.exec(text)?.[1];
  return digits === undefined ? 0 : Number(BigInt.asIntN(32, BigInt(digits)));
}

export function readKeyField(draft: Draft, which: 'authentication' | 'encryption', reader: WordReader): void {
  const { notes } = reader;
  if (draft.keys[which] !== undefined) return notes.error('given-twice', `${which} key`);
  if (which === 'encryption' && draft.hasSa && draft.encr === NULL_CIPHER) return notes.fatal('key-with-null');
  const key = readKey(reader.next, notes, which === 'encryption' ? draft.reservedBits : 0);
  reader.take();
  if (key === undefined) return notes.error('bad-key', which);
  draft.keys[which] = key;
}

/** Identity types by name, in any case. */
const IDENTITY_TYPES: ReadonlyMap<string, number> = new Map([
  ['prefix', 1],
  ['fqdn', 2],
  ['domain', 2],
  ['domainname', 2],
  ['user_fqdn', 3],
  ['mailbox', 3],
  ['der_dn', 4],
  ['der_gn', 5],
]);

export function readIdentity(draft: Draft, end: 'src' | 'dst', reader: WordReader): void {
  const { notes } = reader;
  const type = reader.next;
  if (type === undefined || reader.afterNext === undefined) {
    return end === 'src' ? notes.fatal('end-before-identity', end) : notes.error('end-before-identity', end);
  }
  const name = end === 'src' ? 'source' : 'destination';
  if (draft.ids[end] !== undefined) return notes.error('given-twice', `${name} certificate identity`);
  const known = IDENTITY_TYPES.get(type.toLowerCase()) ?? parseU64(type);
  const number = known !== undefined && known <= 0xffff ? Number(known) : undefined;
  if (number === undefined) notes.remark([{ code: 'unknown-identity', values: [fileWord(type)] }]);
  reader.take();
  draft.ids[end] = { type: number ?? 0, text: reader.take() ?? '' };
}

/** What the tool calls a limit that is given twice. */
const LIMIT_NAMES: Readonly<Record<'hard' | 'soft', Readonly<Record<Quantity, string>>>> = {
  hard: {
    allocations: 'hard allocation limit',
    bytes: 'hard byte limit',
    addSeconds: 'past-add lifetime',
    useSeconds: 'past-use lifetime',
  },
  soft: {
    allocations: 'soft allocation limit',
    bytes: 'soft byte limit',
    addSeconds: 'past-add lifetime',
    useSeconds: 'past-use lifetime',
  },
};

export function readLimit(draft: Draft, { which, quantity }: KeywordOf<'limit'>, reader: WordReader): void {
  const { notes } = reader;
  const limits = (draft.limits[which] ??= { allocations: 0, bytes: 0n, addSeconds: 0n, useSeconds: 0n });
  if (which !== 'idle' && Number(limits[quantity]) !== 0) {
    notes.error('given-twice', LIMIT_NAMES[which][quantity]);
  } else {
    const value = requireNumber(reader.next, notes);
    if (quantity === 'allocations') limits.allocations = cut(value, 32);
    else limits[quantity] = which === 'idle' ? BigInt.asUintN(32, value) : value;
  }
  reader.take();
}
