/** The two ends of each link compared: what is wrong between them, with the lines on both sides and the flows concerned. */

import { formatAddress, type Address } from '../model/address.js';
import type { Link, LinkEnd } from '../model/host.js';
import type { Packet } from '../model/packet.js';
import type { LoadedRule } from '../model/policy.js';
import { endName } from '../keys/address-pairs.js';
import { joined } from '../policy/join-regions.js';
import { addressRange, samplePacket, type Region } from '../policy/region.js';
import { flowText, flowTexts, type AddressName } from '../policy/region-text.js';
import type { Traffic } from '../policy/traffic.js';
import { placeText, type HostPicture, type Place } from './host-picture.js';
import type { PairFault, PairVerdict } from './pair-fault.js';
import { flowProver, type AskFlows, type PairFlow } from './pair-flows.js';
import { usual } from './usual-region.js';

export interface FindingEnd {
  readonly host: string;
  /** The line concerned: of the policy, or of the file with the SA, IKE rule or key. */
  readonly place: Place;
  /** What decides the example there; absent where no rule matches. */
  readonly rule?: LoadedRule;
}

export interface PairFinding {
  readonly link: Link;
  readonly from: string;
  readonly to: string;
  readonly verdict: PairVerdict;
  readonly severity: 'error' | 'warning';
  /** Seen from the sender; disjoint. IKE's own ports are never among them. */
  readonly flows: readonly Region[];
  /** The same in words, a phrase for each set of addresses: `web1 → db1 tcp/80`. */
  readonly phrases: readonly string[];
  readonly example: Packet;
  readonly sender: FindingEnd;
  readonly receiver: FindingEnd;
  /** A sentence that names the ends, without flows and places. */
  readonly what: string;
  readonly todo: string;
}

export interface LinkReport {
  readonly link: Link;
  /** Everything between the two, both ways, each packet once. */
  readonly flows: readonly PairFlow[];
  readonly findings: readonly PairFinding[];
}

/** By name, hosts and the ends that are not ours alike. */
export type Pictures = ReadonlyMap<string, HostPicture>;

/** Findings about these links, in their order. A link with an end that has no picture is passed over. */
export function proveLinks(links: readonly Link[], pictures: Pictures): readonly PairFinding[] {
  const ask = flowProver();
  return links.flatMap((link) => linkReport(link, pictures, ask)?.findings ?? []);
}

/** `undefined` when one of its ends has no picture. Keep `ask` for all links of a fleet: it remembers. */
export function linkReport(link: Link, pictures: Pictures, ask: AskFlows = flowProver()): LinkReport | undefined {
  const [first, second] = link.ends.map((end) => linkSide(end, pictures));
  if (first === undefined || second === undefined) return undefined;
  const there: PairFlow[] = [];
  const back: PairFlow[] = [];
  const open: PairFlow[] = [];
  const pairs = addressPairs(first, second);
  const [a, b] = [first.picture, second.picture];
  let openPairs = 0;
  for (const { source, destination } of pairs) {
    const way = { sender: a, receiver: b, source, destination, keying: link.keying };
    const sent = ask(way);
    const turned = { sender: b, receiver: a, source: destination, destination: source, keying: link.keying };
    const answered = ask(turned);
    there.push(...sent);
    back.push(...answered);
    const exposed = exposedFlows([...sent, ...answered]);
    if (exposed.length > 0) openPairs++;
    open.push(...exposed);
  }
  const flows = [...there, ...back];
  const faulty = flows.flatMap((flow) => (flow.fault === undefined ? [] : [{ flow, fault: flow.fault }]));
  const fault = unprotected(link, a, b, openPairs === pairs.length ? 'error' : 'warning');
  const all = [...faulty, ...open.map((flow) => ({ flow, fault }))];
  return { link, flows, findings: all.length === 0 ? [] : grouped(link, all, namesOf([first, second])) };
}

interface LinkSide {
  readonly picture: HostPicture;
  readonly addresses: readonly Address[];
}

function linkSide(end: LinkEnd, pictures: Pictures): LinkSide | undefined {
  const picture = pictures.get(endName(end));
  return picture && { picture, addresses: end.kind === 'external' ? end.addresses : picture.addresses };
}

function addressPairs(from: LinkSide, to: LinkSide): readonly { source: Address; destination: Address }[] {
  return from.addresses.flatMap((source) =>
    to.addresses
      // What a host sends to itself is never encrypted.
      .filter(({ family, value }) => family === source.family && value !== source.value)
      .map((destination) => ({ source, destination })),
  );
}

/** An end with one address of a family goes by its name. */
function namesOf(sides: readonly LinkSide[]): AddressName {
  const names = new Map<string, string>();
  for (const { picture, addresses } of sides) {
    for (const address of addresses) {
      const alone = addresses.filter(({ family }) => family === address.family).length === 1;
      if (alone) names.set(formatAddress(address), picture.name);
    }
  }
  return (address) => names.get(formatAddress(address));
}

interface Faulty {
  readonly flow: PairFlow;
  readonly fault: PairFault;
}

/** One finding for all flows that fail for the same reason at the same lines. */
function grouped(link: Link, faulty: readonly Faulty[], nameOf: AddressName): readonly PairFinding[] {
  const groups = new Map<string, [Faulty, ...Faulty[]]>();
  for (const one of faulty) {
    const { verdict, what, sender, receiver } = one.fault;
    const key = [one.flow.from, verdict, what, placeText(sender), placeText(receiver)].join('\n');
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [one]);
    else known.push(one);
  }
  return [...groups.values()].map((group) => findingOf(link, group, nameOf));
}

function findingOf(link: Link, group: readonly [Faulty, ...Faulty[]], nameOf: AddressName): PairFinding {
  const samples = group.flatMap((one) => flowRegions(one.flow).map((region) => ({ ...one, region })));
  const [first, ...others] = samples;
  if (first === undefined) throw new Error('a finding about no packet');
  const known = others.reduce((best, one) => (usual(one.region) > usual(best.region) ? one : best), first);
  const { flow, fault } = known;
  const { from, to } = flow;
  return {
    link,
    from,
    to,
    verdict: fault.verdict,
    severity: fault.severity,
    flows: joined(samples.map(({ region }) => region)),
    phrases: flowTexts(
      group.flatMap((one) => regionsOf(one.flow, one.flow.inWords)),
      nameOf,
    ).map(flowText),
    example: samplePacket(known.region),
    sender: { host: from, place: fault.sender, ...(flow.sender && { rule: flow.sender }) },
    receiver: { host: to, place: fault.receiver, ...(flow.receiver && { rule: flow.receiver }) },
    what: fault.what,
    todo: fault.todo,
  };
}

function regionsOf({ source, destination }: PairFlow, traffics: readonly Traffic[]): readonly Region[] {
  const [local, remote] = [addressRange(source), addressRange(destination)];
  return traffics.map((traffic) => ({ family: source.family, local, remote, traffic }));
}

/** The flow's packets, seen from the sender. */
export function flowRegions(flow: PairFlow): readonly Region[] {
  return regionsOf(flow, flow.traffics);
}

/** What passes in the clear between two addresses of a link where nothing is protected, or lost by mistake: fail-open. */
function exposedFlows(between: readonly PairFlow[]): readonly PairFlow[] {
  if (between.some(({ kind, fault }) => kind === 'protected' || fault !== undefined)) return [];
  return between.filter(({ kind, ike }) => kind === 'clear' && !ike);
}

/** A link promises protection. All of its pairs of addresses without any: an error; some: a warning. */
function unprotected(link: Link, one: HostPicture, other: HostPicture, severity: PairFault['severity']): PairFault {
  const policy = '/etc/inet/ipsecinit.conf';
  return {
    verdict: 'missing-end',
    severity,
    what: `neither ${one.name} nor ${other.name} protects anything between these addresses, which link ${link.id} joins`,
    todo: 'give both ends the rules for this link, or take the link away',
    sender: one.place(policy),
    receiver: other.place(policy),
  };
}
