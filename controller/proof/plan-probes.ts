/**
 * Which flows are tried on the wire to see that links do what the rules of both ends promise: for each pair of addresses and
 * each direction one that must work protected, and ones that must pass in the clear or be refused. Values only.
 */

import { formatAddress, sameAddress, type Address } from '../model/address.js';
import type { Link } from '../model/host.js';
import type { FlowKind, ProbedFlow, ProbeGap, ProbeSettings } from '../model/link-probe.js';
import type { LoadedRule } from '../model/policy.js';
import { indexRules } from '../policy/rule-index.js';
import { conversationKind, conversationText, type Conversation, type EndRules, type Parties } from './flow-kind.js';
import { muteProtocols } from './mute-protocols.js';

/** A host that can be asked to try something, and what it is to have loaded. */
export interface ProbeEnd {
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly rules: readonly LoadedRule[];
  /** The port of its SSH server as its peers see it; absent where that is not known. */
  readonly sshPort?: number;
}

/** One promise, and how it is tried. */
export interface PlannedProbe extends ProbedFlow {
  /** Unique in a plan. */
  readonly id: string;
  readonly sender: Address;
  readonly receiver: Address;
  readonly first: Conversation;
  /** Tried where the first brings no answer. */
  readonly second?: Conversation;
}

export interface ProbePlan {
  readonly probes: readonly PlannedProbe[];
  readonly gaps: readonly ProbeGap[];
}

/** Pairs of addresses that are tried of one link. */
const MOST_PAIRS = 4;
/** Ports looked at to find one that the rules treat as wanted. */
const MOST_CANDIDATES = 60;
/** The first port of the dynamic range, RFC 6335 §6: mostly nobody listens there, and a refusal is an answer too. */
const FREE_PORT = 49152;

/** Hosts whose rules are known, filed once. */
export class ProbeEnds {
  readonly #ends = new Map<string, ProbeEnd & { readonly filed: EndRules }>();

  constructor(ends: Iterable<ProbeEnd>) {
    for (const end of ends) this.#ends.set(end.name, { ...end, filed: indexRules(end.rules) });
  }

  get(name: string): (ProbeEnd & { readonly filed: EndRules }) | undefined {
    return this.#ends.get(name);
  }

  values(): Iterable<ProbeEnd & { readonly filed: EndRules }> {
    return this.#ends.values();
  }
}

/** Flows of one sender: more make a request that an agent refuses. */
const MOST_PER_SENDER = 60;

/** Each flow once, whoever asks for it; those that come first stay when one host would have to try too many. */
export function withinLimits(probes: readonly PlannedProbe[]): ProbePlan {
  const kept = new Map<string, PlannedProbe>();
  const bySender = new Map<string, number>();
  const leftOut = new Map<string, number>();
  for (const probe of probes) {
    if (kept.has(probe.id)) continue;
    const count = bySender.get(probe.from) ?? 0;
    bySender.set(probe.from, count + 1);
    if (count < MOST_PER_SENDER) kept.set(probe.id, probe);
    else leftOut.set(probe.from, (leftOut.get(probe.from) ?? 0) + 1);
  }
  const gaps = [...leftOut].map(([host, count]) => ({
    host,
    why: `${count} more ${count === 1 ? 'flow is' : 'flows are'} not tried from it: ${MOST_PER_SENDER} in one run are the most`,
  }));
  return { probes: [...kept.values()], gaps };
}

/** The protected flows of links, both directions of each. */
export function planLinkProbes(links: readonly Link[], ends: ProbeEnds, settings: ProbeSettings): ProbePlan {
  const probes: PlannedProbe[] = [];
  const gaps: ProbeGap[] = [];
  const probed = new Map<string, number>();
  const leftOut = new Map<string, number>();
  for (const link of links) {
    if (link.probes === 'off') {
      gaps.push({ link: link.id, why: 'its line of the inventory says probes: off' });
      continue;
    }
    const names = link.ends.map((end) => (end.kind === 'host' ? end.host : undefined));
    const external = link.ends.find((end) => end.kind === 'external');
    if (external !== undefined) {
      gaps.push({ link: link.id, why: `${external.name} is not ours: nobody there can be asked what arrived` });
      continue;
    }
    const [a, b] = names.map((name) => (name === undefined ? undefined : ends.get(name)));
    // Who is missing was told where it could not be reached.
    if (a === undefined || b === undefined) continue;
    const full = [a, b].find(({ name }) => (probed.get(name) ?? 0) >= settings.mostLinks);
    if (full !== undefined) {
      leftOut.set(full.name, (leftOut.get(full.name) ?? 0) + 1);
      continue;
    }
    for (const { name } of [a, b]) probed.set(name, (probed.get(name) ?? 0) + 1);
    const found = linkProbes(link, a, b, settings);
    probes.push(...found.probes);
    gaps.push(...found.gaps);
  }
  for (const [host, count] of leftOut) {
    const more = count === 1 ? 'one more link is' : `${count} more links are`;
    gaps.push({ host, why: `${more} not tried: settings.probes.links is ${settings.mostLinks}` });
  }
  return { probes, gaps };
}

type Filed = NonNullable<ReturnType<ProbeEnds['get']>>;

function linkProbes(link: Link, a: Filed, b: Filed, settings: ProbeSettings): ProbePlan {
  const pairs = a.addresses.flatMap((one) =>
    b.addresses
      .filter((other) => other.family === one.family && !sameAddress(one, other))
      .map((other) => ({ one, other })),
  );
  const gaps: ProbeGap[] = [];
  if (pairs.length > MOST_PAIRS)
    gaps.push({ link: link.id, why: `only ${MOST_PAIRS} of its ${pairs.length} pairs of addresses are tried` });
  const probes = pairs.slice(0, MOST_PAIRS).flatMap(({ one, other }) =>
    [
      { from: a, to: b, source: one, destination: other },
      { from: b, to: a, source: other, destination: one },
    ].flatMap((way) => protectedProbe(link, way, settings) ?? []),
  );
  const mute = muteProtocols(a.filed, b.filed, pairs);
  const nothing = probes.length === 0 ? 'the rules of its ends protect no TCP connection and no ping between them' : '';
  const unheard = mute.length === 0 ? '' : `${mute.join(' and ')} is not tried: nothing has to answer it`;
  const why = [nothing, unheard].filter((text) => text !== '').join('; ');
  if (why !== '') gaps.push({ link: link.id, why });
  return { probes, gaps };
}

interface Way {
  readonly from: Filed;
  readonly to: Filed;
  readonly source: Address;
  readonly destination: Address;
}

function protectedProbe(link: Link, way: Way, settings: ProbeSettings): PlannedProbe | undefined {
  const { from, to, source, destination } = way;
  const parties = { source, destination, client: from.filed, server: to.filed };
  const port = portTreated(parties, 'protected', candidatePorts(from, to, settings));
  const echo: Conversation = { protocol: 'icmp' };
  const pings = conversationKind(parties, echo) === 'protected';
  const tcp: Conversation | undefined = port === undefined ? undefined : { protocol: 'tcp', port };
  const first = tcp ?? (pings ? echo : undefined);
  if (first === undefined) return undefined;
  return {
    ...plannedProbe(way, first, 'protected', 'policy'),
    link: link.id,
    ...(tcp !== undefined && pings && { second: echo }),
  };
}

export function plannedProbe(
  {
    from,
    to,
    source,
    destination,
  }: { from: { name: string }; to: { name: string }; source: Address; destination: Address },
  first: Conversation,
  expect: FlowKind,
  because: ProbedFlow['because'],
): PlannedProbe {
  const flow = conversationText(first);
  const [sender, receiver] = [formatAddress(source), formatAddress(destination)];
  return {
    id: `${from.name} ${to.name} ${sender} ${receiver} ${flow}`,
    from: from.name,
    to: to.name,
    source: sender,
    destination: receiver,
    sender: source,
    receiver: destination,
    flow,
    expect,
    because,
    first,
  };
}

/** The first of these ports that the rules treat so. */
export function portTreated(parties: Parties, kind: FlowKind, ports: Iterable<number>): number | undefined {
  let looked = 0;
  for (const port of ports) {
    if (looked++ >= MOST_CANDIDATES) return undefined;
    if (conversationKind(parties, { protocol: 'tcp', port }) === kind) return port;
  }
  return undefined;
}

/** Ports of a host worth a try, the ones most likely to answer first: each once. */
export function candidatePorts(
  from: { readonly rules: readonly LoadedRule[] },
  to: Pick<ProbeEnd, 'rules' | 'sshPort'>,
  settings: Pick<ProbeSettings, 'ports'>,
): ReadonlySet<number> {
  const named = (rules: readonly LoadedRule[], side: 'localPort' | 'remotePort'): readonly number[] =>
    rules.flatMap(({ dir, selector }) => {
      const port = (dir === 'in') === (side === 'localPort') ? selector[side] : undefined;
      return port === undefined ? [] : [port];
    });
  return new Set([
    ...settings.ports,
    ...(to.sshPort === undefined ? [] : [to.sshPort]),
    FREE_PORT,
    ...named(to.rules, 'localPort'),
    ...named(from.rules, 'remotePort'),
  ]);
}
