/** Names for a file that is read away from its host: whatever looks like a name is taken to be known there. */

import type { NameTables } from '../name-tables.js';
import { STOCK_NAMES } from '../stock-names.js';

/** A table that knows every name besides its own. */
class AnyName<Value> extends Map<string, Value> {
  constructor(
    known: Iterable<readonly [string, Value]>,
    private readonly standIn: Value,
  ) {
    super(known);
  }

  override get(name: string): Value | undefined {
    return super.get(name) ?? (looksLikeName(name) ? this.standIn : undefined);
  }
}

/** A letter somewhere and no number of C; `10.0.0.300` and `0x1` are mistakes, not names. */
function looksLikeName(word: string): boolean {
  return /^[\p{L}\p{N}_*+.-]*\p{L}[\p{L}\p{N}_*+.-]*$/u.test(word) && !/^0x/i.test(word);
}

export const TOLERANT_NAMES: NameTables = {
  ...STOCK_NAMES,
  hosts: new AnyName(STOCK_NAMES.hosts, [{ family: 4 as const, value: 1n }]),
  services: new AnyName(STOCK_NAMES.services, 1),
  protocols: new AnyName(STOCK_NAMES.protocols, 255),
};
