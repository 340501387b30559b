/** What becomes of the traffic between two ends, there and back: the rules of both, the keys that carry it, and what to know. */

import type { Address } from '../model/address.js';
import type { LoadedRule } from '../model/policy.js';
import { commonProtections } from '../policy/agree.js';
import { samplePacket } from '../policy/region.js';
import { meetTraffic, type Traffic } from '../policy/traffic.js';
import { answeringTraffic, askedTraffic, type AskedFlow } from './asked-flow.js';
import type { Endpoint } from './endpoint.js';
import type { HostPicture, Place } from './host-picture.js';
import { transformText } from './ike-agreement.js';
import type { PairFault } from './pair-fault.js';
import { flowRegions } from './pair-findings.js';
import type { AskFlows, PairFlow, Security } from './pair-flows.js';
import { passedOver, type PassedOver } from './passed-over.js';
import { protectionWords } from './protection-words.js';
import { saText } from './sa-agreement.js';
import { trafficShare } from './traffic-share.js';
import { trafficWords } from './traffic-words.js';

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
  /** Of all that was asked about, from 0 to 1. */
  readonly share: number;
  readonly sender: ExplainedRule;
  readonly receiver: ExplainedRule;
  /** Protections that both rules allow. */
  readonly protections: readonly string[];
  readonly keys?: ExplainedKeys;
  readonly fault?: PairFault;
  readonly doubtful: boolean;
}

/** One way between two addresses; the greatest part first. */
export interface ExplainedWay {
  readonly from: string;
  readonly to: string;
  readonly source: Address;
  readonly destination: Address;
  readonly parts: readonly ExplainedPart[];
}

export interface Explanation {
  readonly there: readonly ExplainedWay[];
  readonly back: readonly ExplainedWay[];
}

/** Every pair of addresses of one family, in the order of the ends' addresses. */
export function explainFlow(from: Endpoint, to: Endpoint, flow: AskedFlow | undefined, ask: AskFlows): Explanation {
  const pairs = from.addresses.flatMap((source) =>
    to.addresses.filter(({ family }) => family === source.family).map((destination) => ({ source, destination })),
  );
  return {
    there: pairs.map(({ source, destination }) =>
      way(from.picture, to.picture, source, destination, flow && askedTraffic(flow, source.family), ask),
    ),
    back: pairs.map(({ source, destination }) =>
      way(to.picture, from.picture, destination, source, flow && answeringTraffic(flow, source.family), ask),
    ),
  };
}

function way(
  sender: HostPicture,
  receiver: HostPicture,
  source: Address,
  destination: Address,
  asked: readonly Traffic[] | undefined,
  ask: AskFlows,
): ExplainedWay {
  const { family } = source;
  const parts = ask({ sender, receiver, source, destination }).flatMap((flow): readonly ExplainedPart[] => {
    if (flow.ike && asked === undefined) return [];
    const traffics =
      asked === undefined
        ? flow.traffics
        : flow.traffics.flatMap((one) => asked.flatMap((other) => meetTraffic(one, other) ?? []));
    const [first] = traffics;
    if (first === undefined) return [];
    const inWords = trafficWords(traffics, family, asked);
    return [partOf(flow, inWords, traffics, first, sender, receiver)];
  });
  const sorted = parts.toSorted((a, b) => b.share - a.share);
  return { from: sender.name, to: receiver.name, source, destination, parts: sorted };
}

function partOf(
  flow: PairFlow,
  traffic: string,
  traffics: readonly Traffic[],
  first: Traffic,
  sender: HostPicture,
  receiver: HostPicture,
): ExplainedPart {
  const { kind, security, fault, doubtful } = flow;
  const [region] = flowRegions({ ...flow, traffics: [first] });
  const packet = region && samplePacket(region);
  const turned = packet && {
    ...packet,
    local: packet.remote,
    remote: packet.local,
    ...(packet.remotePort !== undefined && { localPort: packet.remotePort }),
    ...(packet.localPort !== undefined && { remotePort: packet.localPort }),
  };
  const end = (host: HostPicture, dir: 'in' | 'out', rule: LoadedRule | undefined): ExplainedRule => {
    const asked = dir === 'out' ? packet : turned;
    return {
      host: host.name,
      ...(rule && { text: rule.text, place: host.place('/etc/inet/ipsecinit.conf', rule.source.line) }),
      passedOver: asked === undefined ? [] : passedOver(host.loaded, dir, asked, rule),
    };
  };
  return {
    kind,
    traffic,
    share: trafficShare(traffics),
    sender: end(sender, 'out', flow.sender),
    receiver: end(receiver, 'in', flow.receiver),
    protections: kind === 'protected' ? commonProtections(flow.sender, flow.receiver).map(protectionWords) : [],
    ...(security && { keys: keysOf(security) }),
    ...(fault && { fault }),
    doubtful,
  };
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
