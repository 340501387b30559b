/**
 * Flows that no link speaks of: those of the inventory's tests, what a stranger may reach of a host and what not. The stranger
 * is this machine where it reaches a host directly, else a host that has no link with it.
 */

import { sameAddress, prefixContains, hostPrefix, type Address } from '../model/address.js';
import type { FlowPeer, FlowTest, Host } from '../model/host.js';
import { CONTROLLER, type FlowKind, type ProbeSettings } from '../model/link-probe.js';
import type { LoadedRule } from '../model/policy.js';
import { conversationKind, NO_RULES, type Conversation, type EndRules, type Parties } from './flow-kind.js';
import {
  candidatePorts,
  plannedProbe,
  portTreated,
  type PlannedProbe,
  type ProbeEnd,
  type ProbeEnds,
} from './plan-probes.js';

/** How this machine sees a host to which it connects directly, without a jump host or a forwarded port. */
export interface Sight {
  readonly host: string;
  /** What its packets to the host leave with. */
  readonly source: Address;
  readonly destination: Address;
  /** That it answers there shows that the way is open. */
  readonly sshPort: number;
}

export interface OutsideInput {
  readonly ends: ProbeEnds;
  readonly sights: readonly Sight[];
  /** Hosts whose promises are tried. */
  readonly concerned: ReadonlySet<string>;
  readonly settings: ProbeSettings;
}

/** Tries of tests in one run: each connection is one more that a host must carry. */
const MOST_TESTS = 100;
/** Ports of a host that are to be open to strangers. */
const MOST_CLEAR = 2;
/** Hosts looked at to find one that another must refuse. */
const MOST_STRANGERS = 5;

interface Party {
  readonly name: string;
  readonly filed: EndRules;
  readonly address: Address;
}

/** Lines of `tests:` that this machine or a host at hand can play. Those that the rules do not bear out are told by the proof. */
export function planTestProbes(tests: readonly FlowTest[], input: OutsideInput): readonly PlannedProbe[] {
  const probes: PlannedProbe[] = [];
  for (const test of tests) {
    if (probes.length >= MOST_TESTS) break;
    const to = test.to.kind === 'host' ? input.ends.get(test.to.host) : undefined;
    if (to === undefined) continue;
    const from = test.from.kind === 'host' ? input.ends.get(test.from.host) : undefined;
    if (![from?.name, to.name].some((name) => name !== undefined && input.concerned.has(name))) continue;
    for (const pair of partiesOf(test, from, to, input.sights)) {
      const parties = {
        source: pair.from.address,
        destination: pair.to.address,
        client: pair.from.filed,
        server: pair.to.filed,
      };
      const asked = askedBy(test, parties, from ?? { rules: [] }, to, input.settings);
      if (asked === undefined || (asked.protocol === 'icmp' && pair.from.name === CONTROLLER)) continue;
      if (conversationKind(parties, asked) !== test.expect) continue;
      probes.push(
        plannedProbe(
          { from: pair.from, to: pair.to, source: parties.source, destination: parties.destination },
          asked,
          test.expect,
          'tests',
        ),
      );
    }
  }
  return probes;
}

function askedBy(
  { ulp, port, expect }: FlowTest,
  parties: Parties,
  from: Pick<ProbeEnd, 'rules'>,
  to: ProbeEnd,
  settings: ProbeSettings,
): Conversation | undefined {
  if (ulp === 'icmp' || ulp === 'ipv6-icmp') {
    // A host answers clear pings without asking its rules: that they are refused shows nothing (illumos ip(4P)).
    return expect === 'protected' ? { protocol: 'icmp' } : undefined;
  }
  if (ulp !== 'tcp' && ulp !== 6) return undefined;
  const chosen = port ?? portTreated(parties, expect, candidatePorts(from, to, settings));
  return chosen === undefined ? undefined : { protocol: 'tcp', port: chosen };
}

/** One pair of each family. */
function partiesOf(
  test: FlowTest,
  from: (ProbeEnd & { readonly filed: EndRules }) | undefined,
  to: ProbeEnd & { readonly filed: EndRules },
  sights: readonly Sight[],
): readonly { readonly from: Party; readonly to: Party }[] {
  const targets = addressesAsked(test.to, to);
  if (from !== undefined) {
    const sources = addressesAsked(test.from, from);
    return ([4, 6] as const).flatMap((family) => {
      const source = sources.find((one) => one.family === family);
      const target = targets.find((one) => one.family === family);
      if (source === undefined || target === undefined || sameAddress(source, target)) return [];
      return [{ from: { ...from, address: source }, to: { ...to, address: target } }];
    });
  }
  return sights.flatMap(({ host, source, destination }) => {
    if (host !== to.name || !holds(test.from, source)) return [];
    if (!targets.some((one) => sameAddress(one, destination))) return [];
    return [{ from: stranger(source), to: { ...to, address: destination } }];
  });
}

function addressesAsked(peer: FlowPeer, { addresses }: Pick<ProbeEnd, 'addresses'>): readonly Address[] {
  return peer.kind === 'host' && peer.address !== undefined ? [peer.address] : addresses;
}

function holds(peer: FlowPeer, address: Address): boolean {
  switch (peer.kind) {
    case 'address':
      return sameAddress(peer.address, address);
    case 'prefixes':
      return peer.prefixes.some((prefix) => prefixContains(prefix, hostPrefix(address)));
    case 'host':
    case 'external':
      return false;
  }
}

function stranger(address: Address): Party {
  return { name: CONTROLLER, filed: NO_RULES, address };
}

/**
 * What strangers must be refused, one flow a host, and what must be open to them. `linked`: whether two hosts have a link with
 * each other.
 */
export function planStrangerProbes(
  input: OutsideInput,
  linked: (one: string, other: string) => boolean,
): readonly PlannedProbe[] {
  const probes: PlannedProbe[] = [];
  for (const end of input.ends.values()) {
    if (!input.concerned.has(end.name)) continue;
    const sights = input.sights.filter(({ host }) => host === end.name);
    const own = sights.flatMap((sight) => ownProbes(sight, end, input.settings));
    probes.push(...own);
    if (own.some(({ expect }) => expect === 'refused')) continue;
    probes.push(...refusedByHost(end, input, linked));
  }
  return probes;
}

function ownProbes(
  { source, destination, sshPort }: Sight,
  to: ProbeEnd & { readonly filed: EndRules },
  settings: ProbeSettings,
): readonly PlannedProbe[] {
  const parties: Parties = { source, destination, client: NO_RULES, server: to.filed };
  const candidates = [...candidatePorts({ rules: [] }, to, settings)].filter((port) => port !== sshPort);
  const probe = (port: number, expect: FlowKind): PlannedProbe =>
    plannedProbe({ from: stranger(source), to, source, destination }, { protocol: 'tcp', port }, expect, 'policy');
  const refused = portTreated(parties, 'refused', candidates);
  const named = portsLetPass(to.rules, source);
  const open = candidates
    .filter((port) => named.has(port))
    .slice(0, MOST_CLEAR * 10)
    .filter((port) => conversationKind(parties, { protocol: 'tcp', port }) === 'clear')
    .slice(0, MOST_CLEAR);
  return [...(refused === undefined ? [] : [probe(refused, 'refused')]), ...open.map((port) => probe(port, 'clear'))];
}

/** Ports that a rule lets this stranger reach: where no rule speaks of them, nobody promised anything. */
function portsLetPass(rules: readonly LoadedRule[], source: Address): ReadonlySet<number> {
  return new Set(
    rules.flatMap(({ dir, selector: { remote, localPort }, actions }) => {
      const isMeant = remote === undefined || prefixContains(remote, hostPrefix(source));
      const passes = dir === 'in' && isMeant && actions.some(({ kind }) => kind === 'bypass');
      return passes && localPort !== undefined ? [localPort] : [];
    }),
  );
}

function refusedByHost(
  to: ProbeEnd & { readonly filed: EndRules },
  { ends, settings }: OutsideInput,
  linked: (one: string, other: string) => boolean,
): readonly PlannedProbe[] {
  let looked = 0;
  for (const from of ends.values()) {
    if (from.name === to.name || linked(from.name, to.name)) continue;
    if (looked++ >= MOST_STRANGERS) return [];
    for (const source of from.addresses) {
      const destination = to.addresses.find((one) => one.family === source.family);
      if (destination === undefined || sameAddress(source, destination)) continue;
      const parties: Parties = { source, destination, client: from.filed, server: to.filed };
      const port = portTreated(parties, 'refused', candidatePorts(from, to, settings));
      if (port === undefined) continue;
      return [plannedProbe({ from, to, source, destination }, { protocol: 'tcp', port }, 'refused', 'policy')];
    }
  }
  return [];
}

/** Names of hosts that have this address: what comes from it is not a stranger's. */
export function ownersOf(address: Address, hosts: readonly Host[]): readonly string[] {
  return hosts.filter(({ addresses }) => addresses.some((one) => sameAddress(one, address))).map(({ name }) => name);
}
