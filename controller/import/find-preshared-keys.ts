/** The keys of an ike.preshared file with their places in the text. */

import { type Address, formatAddress } from '../model/address.js';
import type { IkeIdentity, PresharedKey } from '../model/ike.js';
import { parseIkePreshared } from '../keys/parse-ike-preshared.js';
import { type IkeToken, readTokens } from '../keys/parse-ike-tokens.js';
import { hexKey, quotedKey, type WrittenKey } from './key-notation.js';
import { textPlaces } from './text-places.js';

export interface FoundPresharedKey extends WrittenKey {
  /** The two addresses it is for; absent where an identity is a name or a whole network. */
  readonly pair?: { readonly local: Address; readonly remote: Address };
}

/** Every key, or why the file cannot be used. No reason repeats a value. */
export function findPresharedKeys(
  text: string,
): { readonly keys: readonly FoundPresharedKey[] } | { readonly refused: string } {
  const file = '/etc/inet/secret/ike.preshared';
  const { keys, problems } = parseIkePreshared(text, file);
  const [problem] = problems.filter(({ severity }) => severity === 'error');
  if (problem !== undefined) return { refused: `line ${problem.at?.line ?? 1}: ${problem.what}` };
  const byPlace = new Map(keys.map((key) => [`${key.at.line}:${key.at.column}`, key]));
  const places = textPlaces(text);
  const found: FoundPresharedKey[] = [];
  for (const { open, value } of keyTokens(readTokens(text, file).tokens)) {
    const key = byPlace.get(`${open.at.line}:${open.at.column}`);
    if (key === undefined) continue;
    const at = places.offset(value.at.line, value.at.column);
    const written =
      value.kind === 'string' ? quotedKey(rawQuote(text, at), at, key.key) : hexKey(value.text, at, key.key);
    found.push({ ...written, ...pairOf(key) });
  }
  return { keys: found };
}

/** The value behind each name `key`, with the bracket that opens its block. */
function keyTokens(tokens: readonly IkeToken[]): readonly { readonly open: IkeToken; readonly value: IkeToken }[] {
  const found: { open: IkeToken; value: IkeToken }[] = [];
  let open: IkeToken | undefined;
  let name: string | undefined;
  for (const token of tokens) {
    if (token.kind === 'open') {
      open = token;
      name = undefined;
    } else if (token.kind === 'close') open = undefined;
    else if (name === undefined) name = token.text.toLowerCase();
    else {
      if (open !== undefined && name === 'key') found.push({ open, value: token });
      name = undefined;
    }
  }
  return found;
}

function rawQuote(text: string, at: number): string {
  const quote = /"((?:[^"\\]|\\[\s\S])*)"/y;
  quote.lastIndex = at;
  return quote.exec(text)?.[1] ?? '';
}

function pairOf({ local, remote }: PresharedKey): Pick<FoundPresharedKey, 'pair'> {
  const [here, there] = [hostAddress(local), hostAddress(remote)];
  return here === undefined || there === undefined || here.family !== there.family
    ? {}
    : { pair: { local: here, remote: there } };
}

function hostAddress(identity: IkeIdentity): Address | undefined {
  if (identity.type !== 'ip') return undefined;
  const { address, length } = identity.prefix;
  return length === (address.family === 4 ? 32 : 128) ? address : undefined;
}

/** `10.0.1.11 10.0.2.21`: how a pair is looked up. */
export function pairName(local: Address, remote: Address): string {
  return `${formatAddress(local)} ${formatAddress(remote)}`;
}
