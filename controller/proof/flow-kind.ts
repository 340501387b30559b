/**
 * What both ends' rules make of a whole conversation: a client's first packet and the answer to it, from every port that a
 * client can have. SAs are taken to exist wherever both ends could agree on one.
 */

import type { Address } from '../model/address.js';
import type { FlowKind } from '../model/link-probe.js';
import type { LoadedRule } from '../model/policy.js';
import { encounter } from '../policy/encounter.js';
import { isDoubtful } from '../policy/match-flow.js';
import { TCP } from '../policy/match-selector.js';
import { addressRange, meet, mirrored, type Region } from '../policy/region.js';
import { indexRules, type RuleIndex } from '../policy/rule-index.js';
import { mirroredTraffic, trafficTo, type Traffic } from '../policy/traffic.js';
import { cellsWithin, CLIENT_PORTS } from './cells-within.js';

/** Of one end: its rules filed, or none for a machine without any policy. */
export type EndRules = RuleIndex;

export const NO_RULES: EndRules = indexRules([]);

/** A TCP connection to a port, or an echo request. */
export type Conversation = { readonly protocol: 'tcp'; readonly port: number } | { readonly protocol: 'icmp' };

/** `tcp/22`, `icmp` */
export function conversationText(asked: Conversation): string {
  return asked.protocol === 'tcp' ? `tcp/${asked.port}` : 'icmp';
}

export interface Parties {
  readonly source: Address;
  readonly destination: Address;
  readonly client: EndRules;
  readonly server: EndRules;
}

/**
 * `refused` where the first packet, or else the answer, does not pass. `undefined` where not all of it fares alike, one way is
 * protected and the other clear, or what a host had loaded before has a say.
 */
export function conversationKind(parties: Parties, asked: Conversation): FlowKind | undefined {
  const { source, destination, client, server } = parties;
  const { there, back } = trafficOf(asked, source.family);
  const sent = wayKind(client, server, source, destination, there);
  if (sent === 'refused' || sent === undefined) return sent;
  const answered = wayKind(server, client, destination, source, back);
  return answered === 'refused' || answered === sent ? answered : undefined;
}

function trafficOf(
  asked: Conversation,
  family: Address['family'],
): { readonly there: readonly Traffic[]; readonly back: readonly Traffic[] } {
  if (asked.protocol === 'icmp') {
    // Echo request and reply: RFC 792, RFC 4443 §4.
    const [request, reply] = family === 4 ? [8, 0] : [128, 129];
    const icmp = (type: number): Traffic => ({
      kind: 'icmp',
      type: { from: type, to: type },
      code: { from: 0, to: 0 },
    });
    return { there: [icmp(request)], back: [icmp(reply)] };
  }
  const there = trafficTo(family, TCP, asked.port).map((traffic): Traffic =>
    traffic.kind === 'ports' ? { ...traffic, local: CLIENT_PORTS } : traffic,
  );
  return { there, back: there.map(mirroredTraffic) };
}

/** One way: every packet of these between two addresses. */
function wayKind(
  sending: EndRules,
  receiving: EndRules,
  source: Address,
  destination: Address,
  traffics: readonly Traffic[],
): FlowKind | undefined {
  const kinds = new Set<FlowKind | undefined>();
  const rules = {
    out: sending.between('out', source, destination),
    in: receiving.between('in', destination, source),
  };
  for (const traffic of traffics) {
    const [local, remote] = [addressRange(source), addressRange(destination)];
    const box: Region = { family: source.family, local, remote, traffic };
    const arriving = cellsWithin(rules.in, 'in', mirrored(box));
    for (const leaving of cellsWithin(rules.out, 'out', box)) {
      for (const arrives of arriving) {
        if (meet(leaving.region, mirrored(arrives.region)) !== undefined) kinds.add(met(leaving.rule, arrives.rule));
      }
    }
  }
  const [kind, ...others] = kinds;
  return others.length === 0 ? kind : undefined;
}

function met(sender: LoadedRule | undefined, receiver: LoadedRule | undefined): FlowKind | undefined {
  const way = encounter(sender, receiver);
  if (way !== 'clear' && way !== 'agreed') return 'refused';
  if (isDoubtful(sender) || isDoubtful(receiver)) return undefined;
  return way === 'clear' ? 'clear' : 'protected';
}
