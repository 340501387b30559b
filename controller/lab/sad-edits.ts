/** Tables of SAs with some more, and with some less. */

import { deleteSa, getSa, insertSa, type Sad } from '../keys/kernel/sad.js';
import type { Address } from '../model/address.js';
import type { SecurityAssociation } from '../model/sa.js';

/** Whether an SPI of a type is taken at a destination. */
export function isThere(sad: Sad, type: number, spi: number, dst: Address): boolean {
  return getSa(sad, { type, spi, src: undefined, dst, inbound: false }).kind === 'done';
}

export function withSas(sad: Sad, sas: readonly SecurityAssociation[]): Sad {
  const draft = new Map(sad);
  for (const sa of sas) insertSa(draft, sa);
  return draft;
}

export function without(sad: Sad, sas: readonly SecurityAssociation[]): Sad {
  const draft = new Map(sad);
  for (const { type, spi, src, dst, inbound } of sas) {
    deleteSa(draft, { type, spi, src: src.address, dst: dst.address, inbound }, false);
  }
  return draft;
}
