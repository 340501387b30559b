/** The IKE rules and preshared keys of one host, filed by the addresses they are for. Keys go by name. */

import type { Address } from '../model/address.js';
import type { IkeAddresses, IkeConfig, IkeIdentity, IkeRule, IkeTransform } from '../model/ike.js';
import { addressIndex, type FiledRange } from '../policy/address-index.js';
import { prefixRange } from '../policy/region.js';
import type { FileReadings } from '../render/read-files.js';
import type { NameKey } from './sa-shelf.js';

export interface FiledIkeRule {
  readonly label: string;
  /** Its own, or those of the whole file. */
  readonly transforms: readonly IkeTransform[];
  /** Group of phase 2; 0 = none. */
  readonly pfs: number;
  readonly localIdType: string | undefined;
  readonly line: number;
}

export interface FiledPsk {
  readonly key: string;
  readonly line: number;
}

export interface IkeShelf {
  /** Rules for these two addresses, in the order of the file. */
  rules(local: Address, remote: Address): readonly FiledIkeRule[];
  /** The key for exactly these two, else the first whose blocks of addresses hold them. */
  psk(local: Address, remote: Address): FiledPsk | undefined;
}

export function shelveIke({ ike, preshared }: FileReadings, nameKey: NameKey): IkeShelf {
  const rules = ike === undefined ? [] : ikeRules(ike.config);
  const filedRules = addressIndex(rules, ({ rule }) => rule.remote.map(rangeOf));
  const keys = (preshared?.keys ?? []).flatMap(({ local, remote, key, at }) => {
    const [from, to] = [identityRange(local), identityRange(remote)];
    if (from === undefined || to === undefined) return [];
    return [{ from, to, psk: { key: nameKey(key), line: at.line } }];
  });
  const filedKeys = addressIndex(keys, ({ to }) => [to]);
  return {
    rules: (local, remote) =>
      filedRules
        .at(remote)
        .filter(({ rule }) => rule.local.some((one) => holds(rangeOf(one), local)))
        .map(({ filed }) => filed),
    psk: (local, remote) => {
      const fitting = filedKeys.at(remote).filter(({ from }) => holds(from, local));
      const exact = fitting.find(({ from, to }) => from.from === from.to && to.from === to.to);
      return (exact ?? fitting[0])?.psk;
    },
  };
}

function ikeRules({
  globals,
  transforms,
  rules,
}: IkeConfig): readonly { readonly rule: IkeRule; readonly filed: FiledIkeRule }[] {
  const pfs = globals.get('p2_pfs');
  return rules.map((rule) => ({
    rule,
    filed: {
      label: rule.label,
      transforms: rule.transforms.length === 0 ? transforms : rule.transforms,
      pfs: rule.p2Pfs ?? (typeof pfs === 'number' ? pfs : 0),
      localIdType: rule.localIdType,
      line: rule.at.line,
    },
  }));
}

function rangeOf(addresses: IkeAddresses): FiledRange {
  if (addresses.kind === 'prefix') {
    return { family: addresses.prefix.address.family, ...prefixRange(addresses.prefix) };
  }
  const { from, to } = addresses;
  return { family: from.family, from: from.value, to: to.value };
}

function identityRange(identity: IkeIdentity): FiledRange | undefined {
  if (identity.type !== 'ip') return undefined;
  return { family: identity.prefix.address.family, ...prefixRange(identity.prefix) };
}

function holds({ family, from, to }: FiledRange, address: Address): boolean {
  return family === address.family && from <= address.value && address.value <= to;
}
