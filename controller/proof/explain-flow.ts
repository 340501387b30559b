/** What becomes of the traffic between two ends, there and back: the rules of both, the keys that carry it, and what to know. */

import type { Address } from '../model/address.js';
import type { Packet } from '../model/packet.js';
import type { Direction, LoadedRule } from '../model/policy.js';
import { commonProtections } from '../policy/agree.js';
import { mirrored, samplePacket } from '../policy/region.js';
import { trafficText } from '../policy/region-text.js';
import { meetTraffic, type Traffic } from '../policy/traffic.js';
import { answeringTraffic, askedTraffic, type AskedFlow } from './asked-flow.js';
import type { Endpoint } from './endpoint.js';
import type { HostPicture, Place } from './host-picture.js';
import { transformText } from './ike-agreement.js';
import type { PairFault } from './pair-fault.js';
import { flowRegions } from './pair-findings.js';
import type { Way } from './pair-disagreement.js';
import type { AskFlows, PairFlow, Security } from './pair-flows.js';
import { passedOver, type PassedOver } from './passed-over.js';
import { protectionWords } from './protection-words.js';
import { saText } from './sa-agreement.js';
import { trafficShare } from './traffic-share.js';

export interface ExplainedRule {
  readonly host: string;
  /** As `ipsecconf -Ln` prints it; absent where no rule matches. */
  readonly text?: string;
  readonly place?: Place;
  /** Rules tried before it that do not match. */
  readonly passedOver: readonly PassedOver[];
}

/** What protects a part. Keys go by the name under which the store has them. */
export type ExplainedKeys =
  | { readonly kind: 'manual'; readonly sas: readonly { readonly text: string; readonly keys: readonly string[] }[] }
  | {
      readonly kind: 'ike';
      readonly labels: readonly [string, string];
      readonly phase1: string;
      readonly psk?: string;
    };

export interface ExplainedPart {
  readonly kind: PairFlow['kind'];
  readonly traffic: string;
  readonly sender: ExplainedRule;
  readonly receiver: ExplainedRule;
  /** Protections that both rules allow. */
  readonly protections: readonly string[];
  readonly keys?: ExplainedKeys;
  readonly fault?: PairFault;
  readonly doubtful: boolean;
}

/** All that goes one way and fares alike, whatever rules decide. */
export interface ExplainedSum {
  readonly kind: PairFlow['kind'];
  readonly traffic: string;
}

/** One way between two addresses; the greatest part, and the greatest sum, first. */
export interface ExplainedWay {
  readonly from: string;
  readonly to: string;
  readonly source: Address;
  readonly destination: Address;
  readonly sums: readonly ExplainedSum[];
  readonly parts: readonly ExplainedPart[];
}

export interface Explanation {
  readonly there: readonly ExplainedWay[];
  readonly back: readonly ExplainedWay[];
}

export interface ExplainQuestion {
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** Left out: everything between the two. */
  readonly flow: AskedFlow | undefined;
  /** Whether rules that do not match are wanted too. */
  readonly why: boolean;
}

/** Every pair of addresses of one family, in the order of the ends' addresses. */
export function explainFlow({ from, to, flow, why }: ExplainQuestion, ask: AskFlows): Explanation {
  const pairs = from.addresses.flatMap((source) =>
    to.addresses.filter(({ family }) => family === source.family).map((destination) => ({ source, destination })),
  );
  const way = (sender: HostPicture, receiver: HostPicture, pair: (typeof pairs)[number], asked?: readonly Traffic[]) =>
    explainWay({ sender, receiver, ...pair }, asked, why, ask);
  return {
    there: pairs.map((pair) => way(from.picture, to.picture, pair, flow && askedTraffic(flow, pair.source.family))),
    back: pairs.map(({ source, destination }) => {
      const pair = { source: destination, destination: source };
      return way(to.picture, from.picture, pair, flow && answeringTraffic(flow, source.family));
    }),
  };
}

function explainWay(way: Way, asked: readonly Traffic[] | undefined, why: boolean, ask: AskFlows): ExplainedWay {
  const { sender, receiver, source, destination } = way;
  const { family } = source;
  const flows = ask(way);
  // The key daemons' ports are told apart only where nothing else was asked about.
  const exactly =
    asked !== undefined && flows.filter((flow) => within(flow.traffics, asked).length > 0).every(isIkeFlow);
  const found = flows.flatMap((flow) => {
    const said = exactly ? flow.traffics : flow.inWords;
    const traffics = asked === undefined ? said : within(said, asked);
    return traffics.length === 0 || (flow.ike && !exactly) ? [] : [{ ...flow, traffics }];
  });
  const sorted = found.toSorted((a, b) => trafficShare(b.traffics) - trafficShare(a.traffics));
  const sums = new Map<PairFlow['kind'], Traffic[]>();
  for (const { kind, traffics } of sorted) sums.set(kind, [...(sums.get(kind) ?? []), ...traffics]);
  return {
    from: sender.name,
    to: receiver.name,
    source,
    destination,
    sums: [...sums]
      .toSorted(([, a], [, b]) => trafficShare(b) - trafficShare(a))
      .map(([kind, traffics]) => ({ kind, traffic: trafficText(traffics, family) })),
    parts: sorted.map((flow) => partOf(flow, trafficText(flow.traffics, family), way, why)),
  };
}

function within(some: readonly Traffic[], asked: readonly Traffic[]): readonly Traffic[] {
  return some.flatMap((one) => asked.flatMap((other) => meetTraffic(one, other) ?? []));
}

function isIkeFlow({ ike }: PairFlow): boolean {
  return ike;
}

function partOf(flow: PairFlow, traffic: string, { sender, receiver }: Way, why: boolean): ExplainedPart {
  const { kind, security, fault, doubtful } = flow;
  const end = (host: HostPicture, dir: Direction, rule: LoadedRule | undefined): ExplainedRule => {
    const packet = why ? examplePacket(flow, dir) : undefined;
    return {
      host: host.name,
      ...(rule && { text: rule.text, place: host.place('/etc/inet/ipsecinit.conf', rule.source.line) }),
      passedOver: packet === undefined ? [] : passedOver(host.loaded, dir, packet, rule),
    };
  };
  return {
    kind,
    traffic,
    sender: end(sender, 'out', flow.sender),
    receiver: end(receiver, 'in', flow.receiver),
    protections: kind === 'protected' ? commonProtections(flow.sender, flow.receiver).map(protectionWords) : [],
    ...(security && { keys: keysOf(security) }),
    ...(fault && { fault }),
    doubtful,
  };
}

/** As the host that has the rule sees it. */
function examplePacket(flow: PairFlow, dir: Direction): Packet | undefined {
  const [region] = flowRegions(flow);
  return region && samplePacket(dir === 'out' ? region : mirrored(region));
}

function keysOf(security: Security): ExplainedKeys {
  if (security.kind === 'manual') {
    const sas = security.sas.map((sa) => ({
      text: `${sa.kind.toUpperCase()} SA 0x${sa.spi.toString(16)}, ${saText(sa)}`,
      keys: sa.keys.flatMap((key) => key ?? []),
    }));
    return { kind: 'manual', sas };
  }
  const { sender, receiver, transform, psk } = security.agreement;
  return {
    kind: 'ike',
    labels: [sender.label, receiver.label],
    phase1: transformText(transform),
    ...(psk !== undefined && { psk }),
  };
}
