/** A collected host understood: its own addresses, the rules of its policy file, the keys of its key files, and what cannot be used. */

import { type Address, formatAddress, hostPrefix, parseAddress, prefixContains } from '../model/address.js';
import type { HostNames } from '../model/host.js';
import type { ManagedPath } from '../model/managed-file.js';
import type { LoadedRule } from '../model/policy.js';
import { parseIkeConfig } from '../keys/parse-ike-config.js';
import { hostLines } from '../policy/name-tables.js';
import { predictLoad } from '../policy/predict-load.js';
import { keyFileNames, namesOf } from '../render/host-names.js';
import { type CollectedHost, PATHS } from './collected-host.js';
import { findManualKeys, type FoundSa, type ManualKeys } from './find-manual-keys.js';
import { findPresharedKeys, type FoundPresharedKey, pairName } from './find-preshared-keys.js';

export interface HostReading {
  readonly host: CollectedHost;
  /** Texts as templates will write them. */
  readonly texts: ReadonlyMap<ManagedPath, string>;
  /** Names in its files, and what they stand for there. */
  readonly names: HostNames;
  /** Addresses that are its own, the one it is best known by first. */
  readonly own: readonly Address[];
  /** How many of them the host itself tells; the others are only called local in its files, which may be another host's. */
  readonly certain: number;
  /** Names it has for addresses. */
  readonly namesByAddress: ReadonlyMap<string, string>;
  readonly rules: readonly LoadedRule[];
  readonly manual: ManualKeys;
  readonly preshared: readonly FoundPresharedKey[];
  /** Its keys by the two addresses (`pairName`): the first SA of each direction, and whether there is a PSK. */
  readonly byPair: { readonly sas: ReadonlyMap<string, FoundSa>; readonly psks: ReadonlySet<string> };
  /** Files that our parsers refuse: they stay as they are and are not managed. */
  readonly refused: ReadonlyMap<ManagedPath, string>;
}

const NO_MANUAL_KEYS: ManualKeys = { sas: [], keys: [], spis: [] };

/** Hosts with addresses of their own only: what one host tells of itself counts before what the files of another say. */
export function settleAddresses(hosts: readonly HostReading[]): readonly HostReading[] {
  const owner = new Map<string, number>();
  const claim = (addresses: readonly Address[], host: number): void => {
    for (const address of addresses) {
      const text = formatAddress(address);
      if (!owner.has(text)) owner.set(text, host);
    }
  };
  for (const [i, { own, certain }] of hosts.entries()) claim(own.slice(0, certain), i);
  for (const [i, { own }] of hosts.entries()) claim(own, i);
  return hosts.map((host, i) => ({
    ...host,
    own: host.own.filter((address) => owner.get(formatAddress(address)) === i),
  }));
}

export function readHost(host: CollectedHost, texts: ReadonlyMap<ManagedPath, string>): HostReading {
  const hostsFile = withoutLoopback(hostLines(host.surroundings.hosts));
  const names = new Map([...namesUsed(texts, hostsFile), ...(host.names ?? [])]);
  const tables = namesOf({ names });
  const refused = new Map<ManagedPath, string>();
  const policy = texts.get(PATHS.policy);
  const load = policy === undefined ? undefined : predictLoad(policy, tables);
  if (load !== undefined && !load.accepted)
    refused.set(PATHS.policy, `ipsecconf would refuse it: ${load.messages.trim()}${unresolved(load.messages)}`);
  else if (load?.rules.length === 0) refused.set(PATHS.policy, 'it holds no rule');
  const keyFile = texts.get(PATHS.manualKeys);
  const manual = keyFile === undefined ? NO_MANUAL_KEYS : findManualKeys(keyFile, keyFileNames(tables));
  if ('refused' in manual) refused.set(PATHS.manualKeys, manual.refused);
  const secrets = texts.get(PATHS.presharedKeys);
  const preshared = secrets === undefined ? { keys: [] } : findPresharedKeys(secrets);
  if ('refused' in preshared) refused.set(PATHS.presharedKeys, preshared.refused);
  else if (secrets !== undefined && preshared.keys.length === 0) refused.set(PATHS.presharedKeys, 'it holds no key');
  const ikeLocals = readIke(texts.get(PATHS.ikeConfig), refused);
  const rules = load?.accepted === true ? load.rules : [];
  const keys = 'refused' in preshared ? [] : preshared.keys;
  const usable = 'refused' in manual ? NO_MANUAL_KEYS : manual;
  const addresses = ownAddresses(host, hostsFile, [
    ...keys.flatMap(({ pair }) => (pair === undefined ? [] : [pair.local])),
    ...ikeLocals,
    ...rules.flatMap(({ selector }) => oneAddress(selector.local)),
  ]);
  return {
    host,
    texts,
    names,
    ...addresses,
    namesByAddress: new Map(hostsFile.map(([name, address]) => [address, name] as const).toReversed()),
    rules,
    manual: usable,
    preshared: keys,
    byPair: {
      sas: new Map(usable.sas.toReversed().map((sa) => [pairName(sa.src, sa.dst), sa])),
      psks: new Set(keys.flatMap(({ pair }) => (pair === undefined ? [] : pairName(pair.local, pair.remote)))),
    },
    refused,
  };
}

/** Names that a host resolves by DNS are not known here. */
function unresolved(messages: string): string {
  if (!messages.includes('Could not resolve')) return '';
  return ' (names are looked up in its /etc/inet/hosts alone: add them there, or give `names:` to the host in an inventory and import --from it)';
}

/** Addresses that its IKE rules call local. */
function readIke(text: string | undefined, refused: Map<ManagedPath, string>): readonly Address[] {
  if (text === undefined) return [];
  const { config, problems } = parseIkeConfig(text, PATHS.ikeConfig);
  const [problem] = problems.filter(({ severity }) => severity === 'error');
  if (problem !== undefined) refused.set(PATHS.ikeConfig, `line ${problem.at?.line ?? 1}: ${problem.what}`);
  else if (config.rules.length === 0) refused.set(PATHS.ikeConfig, 'it holds no rule');
  return config.rules.flatMap(({ local }) =>
    local.flatMap((one) => (one.kind === 'prefix' ? oneAddress(one.prefix) : [])),
  );
}

/** The address of a prefix that holds no other. */
export function oneAddress(prefix: LoadedRule['selector']['local']): readonly Address[] {
  if (prefix === undefined || prefix.address.value === 0n) return [];
  return prefixContains(hostPrefix(prefix.address), prefix) ? [prefix.address] : [];
}

/** What the host says of itself, then what its files take for local; the address we came by where nothing else is known. */
function ownAddresses(
  { ssh, given, seen, surroundings }: CollectedHost,
  hostsFile: readonly (readonly [name: string, address: string])[],
  inFiles: readonly Address[],
): Pick<HostReading, 'own' | 'certain'> {
  const hostname = (seen.facts.get('hostname') ?? '').toLowerCase();
  const named = hostsFile.filter(([name]) => name.toLowerCase() === hostname).map(([, address]) => address);
  const reached = parseAddress(ssh.host);
  const certain = [...given, ...named.flatMap((text) => parseAddress(text) ?? []), ...surroundings.addresses];
  const all = [...certain, ...inFiles];
  return {
    own: distinct(all.length > 0 || reached === undefined ? all : [reached]),
    certain: distinct(certain).length,
  };
}

function distinct(addresses: readonly Address[]): readonly Address[] {
  return [...new Map(addresses.map((address) => [formatAddress(address), address])).values()];
}

function withoutLoopback(
  lines: readonly (readonly [string, readonly string[]])[],
): readonly (readonly [string, string])[] {
  return lines.flatMap(([name, [text = '']]) => {
    const address = parseAddress(text);
    if (address === undefined || isLoopback(address)) return [];
    return [[name, formatAddress(address)] as const];
  });
}

function isLoopback({ family, value }: Address): boolean {
  return family === 4 ? value >> 24n === 127n : value === 1n;
}

/** Of the host's names those that its policy and key files use. */
function namesUsed(
  texts: ReadonlyMap<ManagedPath, string>,
  hostsFile: readonly (readonly [name: string, address: string])[],
): HostNames {
  const words = new Set(
    [PATHS.policy, PATHS.manualKeys].flatMap((path) => (texts.get(path) ?? '').toLowerCase().split(/[\s{}/"]+/)),
  );
  const names = new Map<string, Address[]>();
  for (const [name, text] of hostsFile) {
    const address = parseAddress(text);
    if (address === undefined || !words.has(name.toLowerCase())) continue;
    const key = name.toLowerCase();
    names.set(key, [...(names.get(key) ?? []), address]);
  }
  return names;
}
