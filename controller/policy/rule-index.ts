/** A host's rules filed by remote address: those that two addresses can meet, in the order they are tried. */

import type { Address } from '../model/address.js';
import type { Direction, LoadedRule } from '../model/policy.js';
import { addressIndex, type AddressIndex } from './address-index.js';
import { rulesInOrder } from './partition.js';
import { prefixRange, type AddressRange } from './region.js';

export interface RuleIndex {
  /** Rules whose addresses meet packets between the two, whatever the traffic. */
  between(dir: Direction, local: Address, remote: Address): readonly LoadedRule[];
}

interface Filed {
  readonly rule: LoadedRule;
  readonly local: AddressRange | undefined;
}

export function indexRules(rules: readonly LoadedRule[]): RuleIndex {
  const tables = new Map<string, AddressIndex<Filed>>();
  const tableOf = (dir: Direction, family: Address['family']): AddressIndex<Filed> => {
    const key = `${dir}${family}`;
    const known = tables.get(key);
    if (known !== undefined) return known;
    const filed = rulesInOrder(rules, dir, family).map((rule): Filed => {
      const { local } = rule.selector;
      return { rule, local: local === undefined ? undefined : prefixRange(local) };
    });
    const table = addressIndex(filed, ({ rule: { selector } }) =>
      selector.remote === undefined ? undefined : [{ family, ...prefixRange(selector.remote) }],
    );
    tables.set(key, table);
    return table;
  };
  return {
    between: (dir, local, remote) =>
      local.family !== remote.family
        ? []
        : tableOf(dir, local.family)
            .at(remote)
            .filter((filed) => filed.local === undefined || within(filed.local, local.value))
            .map(({ rule }) => rule),
  };
}

function within({ from, to }: AddressRange, value: bigint): boolean {
  return from <= value && value <= to;
}
