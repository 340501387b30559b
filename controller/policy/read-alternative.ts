/** Reads one `action {properties}` of an entry. What it decides about direction and style holds for the whole entry. */

import { algorithmNumbered, type AlgorithmKind } from './algorithms.js';
import { complain, type Forming, type Taken } from './forming.js';
import type { AlgorithmRequest, AlternativeRequest } from './entry.js';
import { lineOfWord, type RawAlternative } from './lex-entry.js';
import { readAlgorithm } from './read-algorithm.js';

/** Marks that the real program forgets to reset between alternatives. */
export interface Sticky {
  combined: boolean;
  bypassed: boolean;
}

interface Properties {
  unique: boolean;
  auth_algs?: AlgorithmRequest;
  encr_algs?: AlgorithmRequest;
  encr_auth_algs?: AlgorithmRequest;
}

const ALGORITHM_PROPERTIES = {
  auth_algs: { what: 'Authentication Algorithm', kind: 'auth' },
  encr_algs: { what: 'Encryption Algorithm', kind: 'encr' },
  encr_auth_algs: { what: 'ESP Authentication Algorithm', kind: 'auth' },
} as const satisfies Record<string, { what: string; kind: AlgorithmKind }>;

type AlgorithmProperty = keyof typeof ALGORITHM_PROPERTIES;

function isAlgorithmProperty(word: string): word is AlgorithmProperty {
  return Object.hasOwn(ALGORITHM_PROPERTIES, word);
}

/** `at` = place of the action among the entry's words, for messages. */
export function readAlternative(
  forming: Forming,
  raw: RawAlternative,
  at: number,
  sticky: Sticky,
): { readonly taken: Taken; readonly alternative?: AlternativeRequest } {
  const action = raw.action.text;
  if (!applyAction(forming, action, at)) return { taken: 'failed' };
  if (isClear(action)) sticky.bypassed = true;
  const properties: Properties = { unique: false };
  for (let i = 0; i < raw.properties.length; i += 2) {
    overwriteAh(properties, i / 2, raw.properties[i]?.text ?? '');
    const taken = readProperty(forming, properties, raw, i, at + 1, sticky);
    if (taken !== 'ok') return { taken };
  }
  const { auth_algs: ah, encr_algs: encr, encr_auth_algs: encrAuth, unique } = properties;
  const line = lineOfWord(forming.reader, at + 1 + raw.properties.length);
  if (sticky.combined && encrAuth !== undefined) {
    forming.messages.push(`ERROR: Rule on line ${line}: Combined mode and esp authentication not supported together.`);
    return { taken: 'failed' };
  }
  if (!sticky.combined && ah === undefined && encrAuth === undefined && !sticky.bypassed) {
    forming.messages.push(`DANGER:  Rule on line ${line} has encryption with no authentication.`);
  }
  const asked = ah !== undefined || encr !== undefined || encrAuth !== undefined;
  if (isClear(action)) {
    if (!forming.dirGiven) forming.messages.push('dir string not found for bypass policy');
    if (asked) forming.messages.push('Algorithms found for bypass policy');
    if (asked) return { taken: 'failed' };
    return { taken: 'ok', alternative: { kind: action === 'drop' ? 'discard' : 'bypass', unique } };
  }
  if (!asked) {
    forming.messages.push('No IPsec algorithms given');
    return { taken: 'failed' };
  }
  const cipher = encr ?? (encrAuth === undefined ? undefined : nullCipher());
  return {
    taken: 'ok',
    alternative: {
      kind: 'protect',
      unique,
      ...(ah && { ah }),
      ...(cipher && { encr: cipher }),
      ...(encrAuth && { encrAuth }),
    },
  };
}

/** The program has room for as many properties; the codes of further ones fall upon the AH request behind it. */
const PROPERTIES_KEPT = 5;
/** SPD_ATTR numbers of net/pfpolicy.h. */
const PROPERTY_CODES: Readonly<Record<string, number>> = {
  sa: 1,
  dir: 2,
  auth_algs: 0x102,
  encr_algs: 0x103,
  encr_auth_algs: 0x104,
};

/** A request that no algorithm can meet. */
const NEVER_MET = { minBits: 2 ** 31, maxBits: 0 };

/** The sixth property replaces the algorithm of an AH request before it, the eighth to tenth its key lengths. */
function overwriteAh(properties: Properties, place: number, word: string): void {
  const code = PROPERTY_CODES[word];
  const { auth_algs: ah } = properties;
  if (code === undefined || ah === undefined) return;
  if (place === PROPERTIES_KEPT) {
    const algorithm = algorithmNumbered('auth', code & 0xff);
    properties.auth_algs = algorithm === undefined ? { ...ah, ...NEVER_MET } : { ...ah, algorithm };
  } else if (place === PROPERTIES_KEPT + 2) {
    properties.auth_algs = { ...ah, minBits: ah.minBits - (ah.minBits % 0x10000) + code };
  } else if (place > PROPERTIES_KEPT + 2) {
    properties.auth_algs = { ...ah, ...NEVER_MET };
  }
}

function isClear(action: string): boolean {
  return action === 'bypass' || action === 'pass' || action === 'drop';
}

/** Integrity without a cipher is ESP with the null cipher. */
function nullCipher(): AlgorithmRequest | undefined {
  const algorithm = algorithmNumbered('encr', 11);
  return algorithm && { algorithm, minBits: 0, maxBits: 0 };
}

/** What the action says about direction. False when old-style `ipsec` lacks one. */
function applyAction(forming: Forming, action: string, at: number): boolean {
  if (action === 'apply') forming.directions = { in: false, out: true };
  if (action === 'permit') forming.directions = { in: true, out: false };
  if (action !== 'ipsec') return true;
  if (forming.style === 'old') {
    if (!forming.dirGiven) {
      complain(forming, 'Requires', 'Direction', at);
      return false;
    }
    if (forming.directions.in && !forming.directions.out) forming.swapped = true;
  }
  if (!forming.dirGiven) forming.directions = { in: true, out: true };
  return true;
}

function readProperty(
  forming: Forming,
  properties: Properties,
  raw: RawAlternative,
  i: number,
  base: number,
  sticky: Sticky,
): Taken {
  const word = raw.properties[i]?.text ?? '';
  const value = raw.properties[i + 1]?.text;
  if (isAlgorithmProperty(word)) {
    const { what, kind } = ALGORITHM_PROPERTIES[word];
    if (properties[word] !== undefined) return complain(forming, 'Duplicate', what, base + i);
    const read = value === undefined ? 'bad' : readAlgorithm(value, kind);
    if (read === 'crash') return 'crash';
    if (read === 'bad') return complain(forming, 'Bad', what, base + i + 1);
    if (read === 'none') return 'ok';
    properties[word] = read;
    if (word === 'encr_algs') sticky.combined = read.algorithm !== 'any' && read.algorithm.combined;
    return 'ok';
  }
  if (word === 'sa') {
    if (value === 'unique') properties.unique = true;
    return value === 'unique' || value === 'shared' ? 'ok' : complain(forming, 'Bad', 'SA', base + i + 1);
  }
  if (word === 'dir') return readOldDirection(forming, raw.action.text, value, base + i);
  forming.messages.push(`Invalid properties on line ${lineOfWord(forming.reader, base + i)}: ${word}`);
  return 'failed';
}

/** `dir` as a property: old style, `in` or `out` and nothing else. */
function readOldDirection(forming: Forming, action: string, value: string | undefined, at: number): Taken {
  if (forming.dirGiven) return complain(forming, 'Duplicate', 'Direction', at);
  if (forming.style === 'new') return complain(forming, 'Bad', 'Direction', at);
  forming.style = 'old';
  forming.dirGiven = true;
  if (value !== 'in' && value !== 'out') return complain(forming, 'Bad', 'Direction', at + 1);
  forming.directions = { in: value === 'in', out: value === 'out' };
  if (value === 'in' && action === 'apply') forming.messages.push('Direction in conflict with action');
  else if (value === 'out' && action === 'permit') forming.messages.push('Directionin conflict with action');
  else return 'ok';
  return 'failed';
}
