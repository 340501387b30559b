/** The SAs of an ipseckeys file, with the places of their keys and SPIs in the text. */

import type { Address } from '../model/address.js';
import { SA_TYPE } from '../model/sa.js';
import { Secret } from '../model/secret.js';
import { readKeyCommand } from '../keys/parse-ipseckeys.js';
import { type KeyWord, splitKeyLines } from '../keys/parse-key-lines.js';
import type { AddressLookup } from '../keys/parse-key-values.js';
import type { SaRequest } from '../keys/parse-sa-draft.js';
import { parseIpseckeys } from '../keys/parse-ipseckeys.js';
import { algorithmNumbered } from '../policy/algorithms.js';
import { hexKey, type WrittenKey } from './key-notation.js';
import { textPlaces } from './text-places.js';

/** One `add` of ESP between two addresses in transport mode: what a link's manual SA can be. */
export interface FoundSa {
  readonly src: Address;
  readonly dst: Address;
  readonly spi: number;
  /** In the words of ipsecalgs, with the length of the key where there is a choice. */
  readonly encr: string;
  readonly encrAuth: string | undefined;
  readonly encrKey: Secret | undefined;
  readonly authKey: Secret | undefined;
}

export interface FoundManualKey extends WrittenKey {
  readonly part: 'encr' | 'auth';
  /** Absent where it belongs to no SA that a link could have. */
  readonly sa?: FoundSa;
}

/** An SPI whose notation a template can repeat. */
export interface WrittenSpi {
  readonly from: number;
  readonly to: number;
  readonly decimal: boolean;
  readonly sa: FoundSa;
}

export interface ManualKeys {
  readonly sas: readonly FoundSa[];
  readonly keys: readonly FoundManualKey[];
  readonly spis: readonly WrittenSpi[];
}

/** Every key, or why the file cannot be used. No reason repeats a value. */
export function findManualKeys(text: string, lookUp: AddressLookup): ManualKeys | { readonly refused: string } {
  const { commands, problems } = parseIpseckeys(text, '/etc/inet/secret/ipseckeys', lookUp);
  const [problem] = problems.filter(({ severity }) => severity === 'error');
  if (problem !== undefined) return { refused: `line ${problem.at?.line ?? 1}: ${problem.what}` };
  if (!commands.some(({ command }) => command.kind === 'request')) return { refused: 'it adds no SA' };
  const places = textPlaces(text);
  const sas: FoundSa[] = [];
  const keys: FoundManualKey[] = [];
  const spis: WrittenSpi[] = [];
  for (const { words } of splitKeyLines(text).commands) {
    const { command } = readKeyCommand(words, 'file', lookUp);
    const request = command.kind === 'request' ? command.request : undefined;
    const sa = request === undefined ? undefined : plainSa(request);
    if (sa !== undefined) sas.push(sa);
    for (const [i, { text: name }] of words.entries()) {
      const value = words[i + 1];
      if (value === undefined) continue;
      const at = places.offset(value.line, value.column);
      const part = name === 'encrkey' ? 'encr' : name === 'authkey' ? 'auth' : undefined;
      if (part !== undefined) {
        const material = part === 'encr' ? request?.message.encrKey : request?.message.authKey;
        const key = hexKey(value.text, at, material?.secret ?? wordAsKey(value));
        keys.push({ ...key, part, ...(sa === undefined ? {} : { sa }) });
      } else if (name === 'spi' && sa !== undefined) {
        const decimal = value.text === String(sa.spi);
        if (decimal || value.text === `0x${sa.spi.toString(16)}`)
          spis.push({ from: at, to: at + value.text.length, decimal, sa });
      }
    }
  }
  return { sas, keys, spis };
}

function wordAsKey({ text }: KeyWord): Secret {
  const digits = text.replace(/^0x|\/.*$/gi, '');
  if (!/^[0-9a-f]+$/i.test(digits)) return Secret.fromText(text);
  return Secret.fromHex(digits.length % 2 === 0 ? digits : `${digits}0`);
}

/** SPIs up to 255 are reserved (RFC 4303 §2.1): the key store has no place for them. */
function plainSa({ command, message, src, dst }: SaRequest): FoundSa | undefined {
  const [from, to] = [src?.addresses, dst.addresses];
  if (command !== 'add' || message.type !== SA_TYPE.esp || message.inner !== undefined || message.spi < 256)
    return undefined;
  if (from?.length !== 1 || to.length !== 1 || from[0].family !== to[0].family) return undefined;
  const [encr, auth] = [algorithmNumbered('encr', message.encr), algorithmNumbered('auth', message.auth)];
  if (encr === undefined || (message.auth !== 0 && auth === undefined)) return undefined;
  const bits = (message.encrKey?.secret.bits ?? 0) - encr.saltBits;
  const [name = encr.name] = encr.aliases;
  return {
    src: from[0],
    dst: to[0],
    spi: message.spi,
    encr: encr.stepBits > 0 ? `${encr.combined ? encr.name : name}(${bits})` : encr.name,
    encrAuth: auth?.name,
    encrKey: message.encrKey?.secret,
    authKey: message.authKey?.secret,
  };
}
