/**
 * The preshared keys of in.iked: blocks of names and values, with every problem and its line and column. Keys stay closed;
 * no message repeats a value. Source: illumos ike.preshared(4), field names of ikeadm.c.
 */

import type { Problem, SourcePosition } from '../errors.js';
import { parsePrefix } from '../model/address.js';
import type { IkeIdentity, PresharedKey } from '../model/ike.js';
import { Secret } from '../model/secret.js';
import { readTokens, TokenReader, type Complain, type IkeToken } from './parse-ike-tokens.js';

export interface PresharedReading {
  readonly keys: readonly PresharedKey[];
  readonly problems: readonly Problem[];
}

const FIELDS: readonly string[] = ['localidtype', 'localid', 'remoteidtype', 'remoteid', 'key', 'ike_mode'];
const NAME_TYPES: readonly string[] = ['fqdn', 'domain', 'domainname', 'user_fqdn', 'mailbox', 'prefix', 'dns', 'mbox'];

export function parseIkePreshared(text: string, file: string): PresharedReading {
  const problems: Problem[] = [];
  const complain: Complain = (code, at, what, todo) => problems.push({ code, severity: 'error', what, at, todo });
  const { tokens, unclosed, end } = readTokens(text, file);
  if (unclosed !== undefined) complain('PSK_UNCLOSED', unclosed.at, 'a quote or bracket is never closed', 'close it');
  const reader = new TokenReader(tokens, end);
  const keys: PresharedKey[] = [];
  while (reader.next !== undefined) {
    const { at } = reader;
    if (reader.take()?.kind !== 'open') {
      complain('PSK_SHAPE', at, 'keys are written in blocks', 'write { localidtype IP … key … }');
      continue;
    }
    const fields = readBlock(reader, at, complain);
    const key = fields && keyOf(fields, at, complain);
    if (key !== undefined) keys.push(key);
  }
  checkPairs(keys, complain);
  return { keys, problems };
}

type Fields = ReadonlyMap<string, IkeToken>;

function readBlock(reader: TokenReader, start: SourcePosition, complain: Complain): Fields | undefined {
  const fields = new Map<string, IkeToken>();
  while (reader.takeIf('close') === undefined) {
    const name = reader.takeIf('word');
    const value = reader.takeValue();
    if (name === undefined || value === undefined) {
      if (reader.next === undefined) complain('PSK_UNCLOSED', start, 'the block is not closed', 'write } after it');
      else {
        complain('PSK_SHAPE', reader.at, 'a block is pairs of names and values', 'write a value after each name');
        reader.skipBlock();
      }
      return undefined;
    }
    const key = name.text.toLowerCase();
    if (!FIELDS.includes(key)) complain('PSK_UNKNOWN_NAME', name.at, 'unknown name', `use ${FIELDS.join(', ')}`);
    else if (fields.has(key)) complain('PSK_TWICE', name.at, `${key} is given twice`, 'keep one of them');
    else fields.set(key, value);
  }
  return fields;
}

function keyOf(fields: Fields, at: SourcePosition, complain: Complain): PresharedKey | undefined {
  const local = identityOf('local', fields, at, complain);
  const remote = identityOf('remote', fields, at, complain);
  const material = fields.get('key');
  if (material === undefined) {
    complain('PSK_KEY_MISSING', at, 'the block has no key', 'add key and hexadecimal digits');
    return undefined;
  }
  const key = presharedBytes(material);
  if (key === undefined) {
    complain('PSK_KEY', material.at, 'the key is not made of hexadecimal digits', 'write the key in hexadecimal');
  }
  if (local === undefined || remote === undefined || key === undefined) return undefined;
  return { local, remote, key: key.secret, bits: key.bits, mode: fields.get('ike_mode')?.text, at };
}

function identityOf(
  end: 'local' | 'remote',
  fields: Fields,
  at: SourcePosition,
  complain: Complain,
): IkeIdentity | undefined {
  const type = fields.get(`${end}idtype`);
  const id = fields.get(`${end}id`);
  if (type === undefined || id === undefined) {
    complain('PSK_ID_MISSING', at, `the block has no ${end} identity`, `add ${end}idtype IP and ${end}id`);
    return undefined;
  }
  const idType = type.text.toLowerCase();
  if (idType === 'ip' || idType === 'ipv4' || idType === 'ipv6') {
    const prefix = parsePrefix(id.text);
    if (prefix !== undefined) return { type: 'ip', prefix };
    complain('PSK_ADDRESS', id.at, 'not an address; names are not allowed here', 'write a numeric address');
    return undefined;
  }
  if (NAME_TYPES.includes(idType)) return { type: 'name', idType, text: id.text };
  complain('PSK_ID_TYPE', type.at, 'unknown identity type', 'use IP');
  return undefined;
}

/** Digits, `0x…`, `…/bits`, or a quoted secret in plain text. */
function presharedBytes({ kind, text }: IkeToken): { readonly secret: Secret; readonly bits: number } | undefined {
  if (kind === 'string') {
    const secret = Secret.fromText(text);
    return secret.bits === 0 ? undefined : { secret, bits: secret.bits };
  }
  const [, digits, length] = /^(?:0[xX])?([0-9a-fA-F]+)(?:\/(\d+))?$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const bits = length === undefined ? Math.ceil(digits.length / 2) * 8 : Number(length);
  if (bits === 0 || bits > digits.length * 4 + (length === undefined ? 4 : 0)) return undefined;
  const kept = digits.slice(0, Math.ceil(bits / 4));
  return { secret: Secret.fromHex(kept.length % 2 === 0 ? kept : `${kept}0`), bits };
}

/** The daemon picks a key by the two identities: of two with the same ones the second is never used. */
function checkPairs(keys: readonly PresharedKey[], complain: Complain): void {
  const seen = new Set<string>();
  for (const { local, remote, mode, at } of keys) {
    const name = JSON.stringify([local, remote, mode], (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
    if (seen.has(name)) complain('PSK_PAIR_TWICE', at, 'a block before this one has the same identities', 'keep one');
    seen.add(name);
  }
}
