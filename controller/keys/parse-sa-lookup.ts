/** `get`, `delete` and `delete-pair`: what names an SA. Source: illumos ipseckey.c, dodelget(). */

import { keywordOf, NUMBER_FIELDS } from './parse-key-keywords.js';
import { fileWord, SEGMENTATION_FAULT, ToolDies } from './parse-key-notes.js';
import { cut, lookUpAddress, requireNumber, type AddressLookup, type NamedAddresses } from './parse-key-values.js';
import type { WordReader } from './parse-key-words.js';

export type LookupCommand = 'get' | 'delete' | 'delete-pair';

export interface SaLookup {
  readonly command: LookupCommand;
  readonly type: number;
  readonly spi: number;
  readonly src: NamedAddresses | undefined;
  /** `undefined`: the kernel will object, the tool does not. */
  readonly dst: NamedAddresses | undefined;
  readonly inbound: boolean;
}

export function parseSaLookup(
  command: LookupCommand,
  type: number,
  reader: WordReader,
  lookUp: AddressLookup,
): SaLookup {
  const { notes } = reader;
  const numbers = { srcPort: 0, dstPort: 0, protocol: 0 };
  const ends: { src?: NamedAddresses; dst?: NamedAddresses } = {};
  let spi: number | undefined;
  let inbound = false;
  for (let word = reader.take(); word !== undefined; word = reader.take()) {
    const keyword = keywordOf(word);
    if (keyword === undefined) notes.error('unknown-extension-lookup', fileWord(word));
    else if (keyword.kind === 'spi') {
      if (spi !== undefined) notes.error('given-twice', 'SPI value');
      else {
        spi = cut(requireNumber(reader.next, notes), 32);
        reader.take();
      }
    } else if (keyword.kind === 'port' || keyword.kind === 'protocol') {
      const field = keyword.field === 'srcPort' || keyword.field === 'dstPort' ? keyword.field : 'protocol';
      if (numbers[field] !== 0) notes.error('given-twice', NUMBER_FIELDS[field].twice);
      else {
        numbers[field] = cut(requireNumber(reader.next, notes), NUMBER_FIELDS[field].bits);
        reader.take();
      }
    } else if (keyword.kind === 'address') {
      const { end } = keyword;
      const name = end === 'src' ? 'source' : 'destination';
      if (ends[end] !== undefined) {
        notes.error('given-twice', end === 'src' ? 'source addr' : 'destination address');
        continue;
      }
      const found = lookUpAddress(reader.next, end === 'src' && keyword.v6only, lookUp, notes);
      if (found === undefined) notes.error('unknown-end', `${name} address`, fileWord(reader.next ?? ''));
      else {
        reader.take();
        ends[end] = found;
      }
    } else if (keyword.kind === 'direction') inbound ||= keyword.which === 'inbound';
    else notes.error('extension-refused-lookup', word, command);
  }
  notes.settle();
  if (spi === undefined) return notes.fatal('parameters-missing', command);
  // A destination port without any address: the tool writes through the source's null pointer.
  if (numbers.dstPort !== 0 && ends.dst === undefined && ends.src === undefined && numbers.srcPort === 0) {
    throw new ToolDies(SEGMENTATION_FAULT);
  }
  return { command, type: type & 0xff, spi, src: ends.src, dst: ends.dst, inbound };
}
