/**
 * Lines of `tests:` held against policies: exact over every address asked, every port a client can send from and, without a
 * port, every destination port. ICMP stands for an echo request; IKE's own ports bypass every rule and are left out.
 */

import type { Address } from '../model/address.js';
import type { FlowPeer, FlowTest, Host } from '../model/host.js';
import type { Packet } from '../model/packet.js';
import type { Family, LoadedRule } from '../model/policy.js';
import { encounter, type Encounter } from '../policy/encounter.js';
import { isDoubtful } from '../policy/match-flow.js';
import { ICMP, ICMP6, TCP, UDP } from '../policy/match-selector.js';
import {
  addressRange,
  cut,
  meet,
  mirrored,
  prefixRange,
  samplePacket,
  type AddressRange,
  type Region,
} from '../policy/region.js';
import { ALL_PORTS, trafficTo, type Traffic } from '../policy/traffic.js';
import { cellsWithin, CLIENT_PORTS } from './cells-within.js';

/** Rules that each host will have loaded, by host name; those handed over to ends that are not ours, by theirs. */
export type Policies = ReadonlyMap<string, readonly LoadedRule[]>;

/** A part of the flows of a test that is not treated as expected. */
export interface FlowTestFailure {
  readonly verdict: FlowTest['expect'];
  /** Seen from the sender; disjoint. */
  readonly regions: readonly Region[];
  readonly example: Packet;
  readonly why: Encounter | 'receiver-without-policy';
  /** The rules that decide; absent where none matches. */
  readonly sender?: LoadedRule;
  readonly receiver?: LoadedRule;
  /** As expected, but only by what the hosts happen to have loaded before. */
  readonly doubtful: boolean;
}

/** `'no-family'`: the two ends have no address family in common. Empty = the test holds. */
export function flowTestFailures(
  test: FlowTest,
  hosts: ReadonlyMap<string, Host>,
  policies: Policies,
): readonly FlowTestFailure[] | 'no-family' {
  const from = sideOf(test.from, hosts, policies);
  const to = sideOf(test.to, hosts, policies);
  const failures = new Map<string, FlowTestFailure & { regions: Region[] }>();
  let tried = 0;
  for (const source of from.addresses) {
    for (const target of to.addresses) {
      if (source.family !== target.family) continue;
      tried++;
      for (const box of boxesOf(test, source.family, source.range, target.range))
        for (const failure of failuresIn(box, from.rules, to.rules, test.expect)) {
          const key = [failure.why, failure.doubtful, failure.sender?.index, failure.receiver?.index].join();
          const known = failures.get(key);
          if (known === undefined) failures.set(key, { ...failure, regions: [...failure.regions] });
          else known.regions.push(...failure.regions);
        }
    }
  }
  return tried === 0 ? 'no-family' : [...failures.values()];
}

interface Side {
  /** `undefined` for an address without any policy that we know of. */
  readonly rules: readonly LoadedRule[] | undefined;
  readonly addresses: readonly { readonly family: Family; readonly range: AddressRange }[];
}

function sideOf(peer: FlowPeer, hosts: ReadonlyMap<string, Host>, policies: Policies): Side {
  const one = (address: Address): Side['addresses'][number] => ({
    family: address.family,
    range: addressRange(address),
  });
  switch (peer.kind) {
    case 'address':
      return { rules: undefined, addresses: [one(peer.address)] };
    case 'prefixes':
      return {
        rules: undefined,
        addresses: peer.prefixes.map((prefix) => ({ family: prefix.address.family, range: prefixRange(prefix) })),
      };
    case 'host': {
      const addresses = peer.address === undefined ? (hosts.get(peer.host)?.addresses ?? []) : [peer.address];
      return { rules: policies.get(peer.host) ?? [], addresses: addresses.map(one) };
    }
    case 'external':
      return { rules: policies.get(peer.name), addresses: peer.addresses.map(one) };
  }
}

const IKE_PORTS = [500, 4500];

function boxesOf(test: FlowTest, family: Family, local: AddressRange, remote: AddressRange): readonly Region[] {
  const boxes = trafficOf(test, family).map((traffic): Region => ({ family, local, remote, traffic }));
  return IKE_PORTS.flatMap((port) => trafficTo(family, UDP, port)).reduce<readonly Region[]>(
    (left, ike) => left.flatMap((box) => cut(box, { ...box, traffic: ike })),
    boxes,
  );
}

function trafficOf({ ulp, port }: FlowTest, family: Family): readonly Traffic[] {
  const protocol = protocolOf(ulp, family);
  if (protocol === ICMP || protocol === ICMP6) {
    const echo = family === 4 ? 8 : 128;
    return [{ kind: 'icmp', type: { from: echo, to: echo }, code: { from: 0, to: 0 } }];
  }
  return trafficTo(family, protocol, port).map((traffic) =>
    traffic.kind === 'ports' ? { ...traffic, local: CLIENT_PORTS } : traffic,
  );
}

function protocolOf(ulp: FlowTest['ulp'], family: Family): number {
  switch (ulp) {
    case 'tcp':
      return TCP;
    case 'udp':
      return UDP;
    case 'icmp':
    case 'ipv6-icmp':
      return family === 4 ? ICMP : ICMP6;
    default:
      return ulp;
  }
}

function failuresIn(
  box: Region,
  sending: readonly LoadedRule[] | undefined,
  receiving: readonly LoadedRule[] | undefined,
  expected: FlowTest['expect'],
): readonly FlowTestFailure[] {
  const leaving = sending === undefined ? [{ region: box, rule: undefined }] : cellsWithin(sending, 'out', box);
  const arriving = receiving === undefined ? undefined : cellsWithin(receiving, 'in', mirrored(box));
  const failures: FlowTestFailure[] = [];
  for (const { region, rule: sender } of leaving) {
    for (const { region: theirs, rule: receiver } of arriving ?? [{ region: mirrored(box), rule: undefined }]) {
      const met = meet(region, mirrored(theirs));
      if (met === undefined) continue;
      const way = encounter(sender, receiver);
      const verdict = way === 'clear' ? 'clear' : way === 'agreed' ? 'protected' : 'refused';
      const doubtful = verdict === expected && hangsOnHistory(verdict, sender, receiver);
      if (verdict === expected && !doubtful) continue;
      failures.push({
        verdict,
        regions: [asSaid(met)],
        example: samplePacket(met),
        why: receiving === undefined && way === 'protected-meets-no-rule' ? 'receiver-without-policy' : way,
        ...(sender && { sender }),
        ...(receiver && { receiver }),
        doubtful,
      });
    }
  }
  return failures;
}

/** An alternative that a host remembers may send clear what should be protected, or refuse clear packets. */
function hangsOnHistory(
  verdict: FlowTest['expect'],
  sender: LoadedRule | undefined,
  receiver: LoadedRule | undefined,
): boolean {
  if (verdict === 'refused') return false;
  return isDoubtful(sender) || (verdict === 'clear' && isDoubtful(receiver));
}

/** Nobody asked for the ports of clients: they are not said. */
function asSaid(region: Region): Region {
  const { traffic } = region;
  if (traffic.kind !== 'ports') return region;
  const { from, to } = traffic.local;
  const all = from === CLIENT_PORTS.from && to === CLIENT_PORTS.to;
  return all ? { ...region, traffic: { ...traffic, local: ALL_PORTS } } : region;
}
