/**
 * `add`, `update` and `update-pair`: the words after the SA type, read as ipseckey reads them.
 * What only the kernel can tell (key sizes, weak keys, lifetimes, duplicates) is not looked at.
 * Source: illumos ipseckey.c, doaddup().
 */

import { NO_ALGORITHM, SA_TYPE, type SaState } from '../model/sa.js';
import { ALGORITHMS, type AlgorithmKind } from '../policy/algorithms.js';
import { keywordOf, NUMBER_FIELDS, type Keyword } from './parse-key-keywords.js';
import { fileWord, SEGMENTATION_FAULT, ToolDies, type NoteBook } from './parse-key-notes.js';
import { cut, parseU64, requireNumber, type AddressLookup } from './parse-key-values.js';
import type { WordReader } from './parse-key-words.js';
import { emptyDraft, finishRequest, type Draft, type RequestCommand, type SaRequest } from './parse-sa-draft.js';
import {
  readAddress,
  readIdentity,
  readInnerAddress,
  readKeyField,
  readLimit,
  readNatAddress,
} from './parse-sa-fields.js';

export function parseSaRequest(
  command: RequestCommand,
  type: number,
  reader: WordReader,
  lookUp: AddressLookup,
): SaRequest {
  const draft = emptyDraft();
  for (let word = reader.take(); word !== undefined; word = reader.take()) {
    const keyword = keywordOf(word);
    if (keyword === undefined) reader.notes.error('unknown-extension', fileWord(word));
    else readExtension(draft, keyword, { word, command, type, reader, lookUp });
  }
  reader.notes.settle();
  return finishRequest(draft, command, type, reader.notes);
}

interface Context {
  readonly word: string;
  readonly command: RequestCommand;
  readonly type: number;
  readonly reader: WordReader;
  readonly lookUp: AddressLookup;
}

function readExtension(draft: Draft, keyword: Keyword, context: Context): void {
  const { reader } = context;
  const { notes } = reader;
  switch (keyword.kind) {
    case 'spi':
    case 'pair-spi':
    case 'replay':
    case 'state':
    case 'auth-alg':
    case 'encr-alg':
    case 'encap':
      draft.hasSa = true;
      readSaField(draft, keyword.kind, context);
      reader.take();
      return;
    case 'port':
    case 'inner-port':
    case 'nat-port':
    case 'protocol':
    case 'inner-protocol': {
      if (keyword.kind.startsWith('inner')) draft.tunnel = true;
      const { twice, bits } = NUMBER_FIELDS[keyword.field];
      if (draft.numbers[keyword.field] !== 0) return notes.error('given-twice', twice);
      draft.numbers[keyword.field] = cut(requireNumber(reader.next, notes), bits);
      reader.take();
      return;
    }
    case 'address':
      return readAddress(draft, keyword, reader, context.lookUp);
    case 'inner-address':
      return readInnerAddress(draft, keyword, reader, context.lookUp);
    case 'nat-address':
      return readNatAddress(draft, keyword.end, reader, context.lookUp);
    case 'key':
      return readKeyField(draft, keyword.which, reader);
    case 'identity':
      return readIdentity(draft, keyword.end, reader);
    case 'limit':
      return readLimit(draft, keyword, reader);
    case 'direction':
      // The tool writes through a pointer that only an SPI or an algorithm sets.
      if (!draft.hasSa) throw new ToolDies(SEGMENTATION_FAULT);
      draft[keyword.which] = true;
      return;
    case 'replay-value':
      if (draft.replayValue !== undefined) return notes.error('given-twice', 'replay value');
      draft.replayValue = cut(requireNumber(reader.next, notes), 32);
      reader.take();
      return;
    case 'reserved-bits':
      if (draft.keys.encryption !== undefined) notes.error('reserved-after-key');
      draft.reservedBits = cut(requireNumber(reader.next, notes), 32);
      reader.take();
      return;
    case 'label':
      reader.take();
      return notes.error('label-malformed');
    case 'refused':
      return notes.error('extension-refused', context.word);
  }
}

type SaField = 'spi' | 'pair-spi' | 'replay' | 'state' | 'auth-alg' | 'encr-alg' | 'encap';

const STATES: readonly SaState[] = ['larval', 'mature', 'dying', 'dead'];

function readSaField(draft: Draft, field: SaField, { reader, command, type }: Context): void {
  const { notes } = reader;
  const word = reader.next;
  switch (field) {
    case 'spi':
      if (draft.spi !== 0) return notes.error('given-twice', 'SPI value');
      draft.spi = cut(requireNumber(word, notes), 32);
      if (draft.spi === 0) notes.error('spi-zero');
      return;
    case 'pair-spi':
      if (command === 'update-pair') notes.error('pair-in-update-pair');
      if (draft.pairSpi !== undefined && draft.pairSpi !== 0) return notes.error('given-twice', 'pair SPI value');
      draft.pairSpi = cut(requireNumber(word, notes), 32);
      if (draft.pairSpi === 0) notes.error('spi-zero');
      return;
    case 'replay':
      if (draft.replayWindow !== 0) return notes.error('given-twice', 'replay window size');
      draft.replayWindow = cut(requireNumber(word, notes), 8);
      if (draft.replayWindow !== 0) notes.warn('replay-with-manual-keys');
      return;
    case 'state': {
      if (draft.state !== 'larval') return notes.error('given-twice', 'SA state');
      if (word === undefined) return notes.fatalAlone('end-before-state');
      const state = STATES.find((one) => one === word);
      if (state === undefined) notes.remark([{ code: 'unknown-state', values: [fileWord(word)] }]);
      draft.state = state ?? 'larval';
      draft.stateGiven = true;
      return;
    }
    case 'auth-alg':
      if (draft.auth !== 0) return notes.error('given-twice', 'auth algorithm');
      draft.auth = readAlgorithm('auth', word, notes);
      return;
    case 'encr-alg':
      if (type === SA_TYPE.ah) return notes.error('cipher-with-ah');
      if (draft.encr !== 0) return notes.error('given-twice', 'encryption algorithm');
      draft.encr = readAlgorithm('encr', word, notes);
      return;
    case 'encap':
      if (draft.encap) return notes.error('given-twice', 'encapsulation');
      if (word === undefined) throw new ToolDies(SEGMENTATION_FAULT);
      if (!word.startsWith('udp')) return notes.error('encap-not-udp');
      draft.encap = true;
      return;
  }
}

/** Names that ipsecalgs gives to number 0. */
const PSEUDO_NAMES = { auth: ['none', 'any'], encr: ['any'] } as const;

/** A name in any case, or a number up to 255. An unknown name is remarked on and counts as no algorithm. */
function readAlgorithm(kind: AlgorithmKind, word: string | undefined, notes: NoteBook): number {
  if (word === undefined) return notes.fatalAlone('end-of-command', 'an algorithm name');
  const name = word.toLowerCase();
  if (PSEUDO_NAMES[kind].some((one) => one === name)) return NO_ALGORITHM;
  const known = ALGORITHMS.find((one) => one.kind === kind && (one.name === name || one.aliases.includes(name)));
  if (known !== undefined) {
    if (known.combined) notes.remark([{ code: 'counter-mode', values: [known.name] }]);
    return known.number;
  }
  const number = parseU64(word);
  if (number !== undefined && number <= 255n) return Number(number);
  const what = kind === 'encr' ? 'encryption' : 'authentication';
  notes.remark([{ code: 'unknown-algorithm', values: [what, fileWord(word)] }]);
  return NO_ALGORITHM;
}
