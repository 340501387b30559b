/**
 * The links that hosts have by what their files say: two ends whose rules protect what passes between them, and whose key
 * files hold keys for it. What the inventory has no words for is told and stays in the templates alone.
 */

import { type Address, formatAddress } from '../model/address.js';
import type { Keying, Suite } from '../model/host.js';
import type { LoadedRule } from '../model/policy.js';
import { findRule } from '../policy/match-flow.js';
import { TCP } from '../policy/match-selector.js';
import { pairName } from './find-preshared-keys.js';
import { externalNames } from './external-names.js';
import { type HostReading, oneAddress } from './host-reading.js';
import { isManualSuite, suiteOfRule, suiteOfSa } from './link-suite.js';

export interface FoundLink {
  readonly id: string;
  readonly keying: Keying;
  readonly suite: Suite;
  /** The imported host, and its peer: another one, or an end that is not ours. */
  readonly host: string;
  readonly peer: string;
  /** Of an end that is not ours. */
  readonly external: Address | undefined;
}

export interface FoundLinks {
  readonly links: readonly FoundLink[];
  /** The addresses each host has in the inventory, by name. */
  readonly addresses: ReadonlyMap<string, readonly Address[]>;
  /** By host: what could not be made a link, in words. */
  readonly notes: ReadonlyMap<string, readonly string[]>;
}

interface Pair {
  readonly local: Address;
  readonly remote: Address;
}

interface Candidate {
  readonly host: HostReading;
  readonly peer: HostReading | undefined;
  readonly peerName: string;
  readonly external: Address | undefined;
  readonly pairs: readonly Pair[];
}

export function findLinks(hosts: readonly HostReading[]): FoundLinks {
  const notes = new Map<string, string[]>();
  const note = (host: string, text: string): void => void notes.set(host, [...(notes.get(host) ?? []), text]);
  const judged = candidates(hosts).map((candidate) => ({ candidate, verdict: judge(candidate) }));
  let kept = judged.flatMap(({ candidate, verdict }) => {
    if (typeof verdict !== 'string') return [{ candidate, ...verdict }];
    note(candidate.host.host.name, `${candidate.peerName}: ${verdict}`);
    return [];
  });
  // A manual link needs an SA for every pair of addresses that its ends have, and dropping one may take addresses away.
  for (;;) {
    const addresses = addressesOf(
      hosts,
      kept.map(({ candidate }) => candidate),
    );
    const whole = kept.filter((link) => link.keying !== 'manual' || hasEverySa(link.candidate, link.suite, addresses));
    if (whole.length === kept.length) return { links: kept.map(asLink), addresses, notes };
    const stays = new Set(whole);
    for (const { candidate } of kept.filter((link) => !stays.has(link)))
      note(candidate.host.host.name, `${candidate.peerName}: ${INCOMPLETE}`);
    kept = whole;
  }
}

const INCOMPLETE =
  'the key files do not hold one SA of the same algorithms for each direction between all their addresses, so this is no link of the inventory';

function asLink({ candidate, keying, suite }: { candidate: Candidate; keying: Keying; suite: Suite }): FoundLink {
  const [host, peer] = [candidate.host.host.name, candidate.peerName];
  const id = host < peer ? `${host}--${peer}` : `${peer}--${host}`;
  return { id, keying, suite, host, peer, external: candidate.external };
}

/** Every two ends of which a rule or a key of an imported host speaks; each once. */
function candidates(hosts: readonly HostReading[]): readonly Candidate[] {
  const owner = new Map<string, HostReading>();
  for (const host of hosts)
    for (const address of host.own) if (!owner.has(formatAddress(address))) owner.set(formatAddress(address), host);
  const nameOf = externalNames(hosts);
  const places = new Map(hosts.map((host, i) => [host, i]));
  const place = (host: HostReading): number => places.get(host) ?? 0;
  const found = new Map<
    string,
    { host: HostReading; peer: HostReading | undefined; external: Address | undefined; pairs: Map<string, Pair> }
  >();
  for (const host of hosts) {
    for (const pair of [...spokenOf(host), ...betweenImported(host, hosts)]) {
      const peer = owner.get(formatAddress(pair.remote));
      if (peer === host) continue;
      const [first, second] = peer === undefined || place(host) < place(peer) ? [host, peer] : [peer, host];
      const mine = first === host ? pair : { local: pair.remote, remote: pair.local };
      const external = peer === undefined ? pair.remote : undefined;
      const key = `${first.host.name} ${second?.host.name ?? formatAddress(pair.remote)}`;
      const entry = found.get(key) ?? { host: first, peer: second, external, pairs: new Map<string, Pair>() };
      found.set(key, entry);
      entry.pairs.set(pairName(mine.local, mine.remote), mine);
    }
  }
  return [...found.values()].map(({ host, peer, external, pairs }) => ({
    host,
    peer,
    external,
    peerName: peer?.host.name ?? (external === undefined ? '' : nameOf(external)),
    pairs: [...pairs.values()],
  }));
}

/** Pairs of single addresses in rules, PSKs and SAs. */
function spokenOf({ own, rules, preshared, manual }: HostReading): readonly Pair[] {
  const mine = new Set(own.map(formatAddress));
  const isMine = (address: Address): boolean => mine.has(formatAddress(address));
  const fromRules = rules.filter(protects).flatMap(({ selector }) =>
    oneAddress(selector.remote).flatMap((remote) => {
      const locals =
        selector.local === undefined
          ? own.filter(({ family }) => family === remote.family).slice(0, 1)
          : oneAddress(selector.local);
      return locals.map((local) => ({ local, remote }));
    }),
  );
  const fromSas = manual.sas.flatMap(({ src, dst }) => {
    if (isMine(src) === isMine(dst)) return [];
    return isMine(src) ? [{ local: src, remote: dst }] : [{ local: dst, remote: src }];
  });
  return [...preshared.flatMap(({ pair }) => pair ?? []), ...fromSas, ...fromRules];
}

/** A rule for many addresses may protect what passes to another imported host. */
function betweenImported({ host, own, rules }: HostReading, hosts: readonly HostReading[]): readonly Pair[] {
  if (!rules.some((rule) => protects(rule) && oneAddress(rule.selector.remote).length === 0)) return [];
  const [local] = own;
  if (local === undefined) return [];
  return hosts.flatMap((other) => {
    const remote = other.own.find(({ family }) => family === local.family);
    if (other.host === host || remote === undefined) return [];
    return protectedBoth(rules, { local, remote }) === undefined ? [] : [{ local, remote }];
  });
}

function protects(rule: LoadedRule): boolean {
  return rule.tunnel === undefined && rule.actions.some(({ kind }) => kind === 'protect');
}

/** The outbound rule for what no rule names by port, when both directions are protected. */
function protectedBoth(rules: readonly LoadedRule[], { local, remote }: Pair): LoadedRule | undefined {
  // Ports that hardly a rule names: a link speaks of the traffic in general.
  const packet = { local, remote, protocol: TCP, localPort: 65_000, remotePort: 65_001 };
  const [out, into] = [findRule(rules, 'out', packet), findRule(rules, 'in', packet)];
  return out !== undefined && into !== undefined && protects(out) && protects(into) ? out : undefined;
}

/** How the two are keyed, or why they are no link. */
function judge({ host, peer, pairs }: Candidate): { readonly keying: Keying; readonly suite: Suite } | string {
  const guarded = pairs.flatMap((pair) => {
    const rule = protectedBoth(host.rules, pair);
    const back =
      peer === undefined || protectedBoth(peer.rules, { local: pair.remote, remote: pair.local }) !== undefined;
    return rule !== undefined && back ? [{ pair, rule }] : [];
  });
  const [first] = guarded;
  if (first === undefined)
    return 'there are keys or rules for it, but not all that passes between the two is protected';
  const ends = peer === undefined ? [host] : [host, peer];
  const [there, back] = [pairName(first.pair.local, first.pair.remote), pairName(first.pair.remote, first.pair.local)];
  const held = ends.map(({ byPair }) => byPair);
  const sa = held[0]?.sas.get(there) ?? held[0]?.sas.get(back);
  if (sa !== undefined && held.every(({ sas }) => sas.has(there) || sas.has(back))) {
    const suite = suiteOfSa(sa);
    return suite !== undefined && isManualSuite(suite) ? { keying: 'manual', suite } : NO_WORDS;
  }
  if (held.every(({ psks }) => psks.has(there) || psks.has(back)) && ends.every(usesIke)) {
    const suite = suiteOfRule(first.rule);
    return suite === undefined ? NO_WORDS : { keying: 'ike-psk', suite };
  }
  return 'it is protected, but the files hold no keys that a link has: none at all, certificates, or keys at one end only';
}

const NO_WORDS = 'it is protected by algorithms that links of the inventory cannot name (AH, or ESP without integrity)';

function usesIke({ texts, refused }: HostReading): boolean {
  return (
    texts.has('/etc/inet/ike/config') &&
    !refused.has('/etc/inet/ike/config') &&
    !refused.has('/etc/inet/secret/ike.preshared')
  );
}

/** Those that links use, in the order the host is known by; where there is none, its first. */
function addressesOf(
  hosts: readonly HostReading[],
  kept: readonly Candidate[],
): ReadonlyMap<string, readonly Address[]> {
  const used = new Set(
    kept.flatMap(({ pairs }) => pairs.flatMap(({ local, remote }) => [formatAddress(local), formatAddress(remote)])),
  );
  const taken = new Set<string>();
  return new Map(
    hosts.map(({ host, own }) => {
      const free = own.filter((address) => !taken.has(formatAddress(address)));
      const linked = free.filter((address) => used.has(formatAddress(address)));
      const mine = linked.length > 0 ? linked : free.slice(0, 1);
      for (const address of mine) taken.add(formatAddress(address));
      return [host.name, mine] as const;
    }),
  );
}

function hasEverySa(
  { host, peer, peerName, external }: Candidate,
  suite: Suite,
  addresses: ReadonlyMap<string, readonly Address[]>,
): boolean {
  const here = addresses.get(host.host.name) ?? [];
  const there = external === undefined ? (addresses.get(peerName) ?? []) : [external];
  const ends = peer === undefined ? [host] : [host, peer];
  const has = (end: HostReading, from: Address, to: Address): boolean => {
    const sa = end.byPair.sas.get(pairName(from, to));
    const found = sa === undefined ? undefined : suiteOfSa(sa);
    return found !== undefined && found.encr === suite.encr && found.encrAuth === suite.encrAuth;
  };
  return here.every((a) =>
    there
      .filter(({ family }) => family === a.family)
      .every((b) => ends.every((end) => has(end, a, b) && has(end, b, a))),
  );
}
