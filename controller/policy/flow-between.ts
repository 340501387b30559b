/**
 * What becomes of a flow on its way from one host to another: the sender's outbound rule against the receiver's
 * inbound rule. One way only; a connection needs both. SAs are taken to exist wherever both ends could agree on one.
 *
 * ICMP is judged by the rules, which is what a raw socket gets; a host answers pings itself without asking them
 * (`icmp_accept_clear_messages`). IKE's own ports bypass every rule.
 */

import { formatAddress, type Address } from '../model/address.js';
import type { Packet } from '../model/packet.js';
import type { LoadedRule, Protection, Transform } from '../model/policy.js';
import { ALGORITHMS } from './algorithms.js';
import {
  decideInbound,
  decideOutbound,
  findRule,
  isDoubtful,
  protectionsOf,
  type InboundRefusal,
} from './match-flow.js';
import { ICMP, ICMP6, TCP, UDP } from './match-selector.js';

export interface HostPolicy {
  readonly rules: readonly LoadedRule[];
  readonly addresses: readonly Address[];
}

export interface Flow {
  readonly source: Address;
  readonly destination: Address;
  readonly ulp: 'tcp' | 'udp' | 'icmp' | 'ipv6-icmp' | number;
  /** Destination port. Left out, a port that no rule names. */
  readonly port?: number | undefined;
  /** Left out, a port that no rule names. */
  readonly sourcePort?: number | undefined;
}

export interface FlowVerdict {
  readonly kind: 'clear' | 'protected' | 'refused';
  /** Why it is refused, for a person to read. */
  readonly reason?: string;
  /** The rules that decide; absent where none matches. */
  readonly sender?: LoadedRule;
  readonly receiver?: LoadedRule;
  /** Whether a rule is of the kind that behaves by what a host had loaded before. */
  readonly doubtful: boolean;
}

type Policy = HostPolicy | null | undefined;

const IKE_PORTS = [500, 4500];

/** `null` or `undefined` for an end without any IPsec policy. */
export function flowBetween(sender: Policy, receiver: Policy, flow: Flow): FlowVerdict {
  const sending = sender?.rules ?? [];
  const receiving = receiver?.rules ?? [];
  const { out, into } = packetsOf(flow, [...sending, ...receiving]);
  if (out.protocol === UDP && IKE_PORTS.includes(out.remotePort ?? 0)) return { kind: 'clear', doubtful: false };
  const left = decideOutbound(sending, out);
  const receiverRule = findRule(receiving, 'in', into);
  const ends = {
    ...(left.rule && { sender: left.rule }),
    ...(receiverRule && { receiver: receiverRule }),
    doubtful: left.doubtful || isDoubtful(receiverRule),
  };
  const refused = (reason: string): FlowVerdict => ({ kind: 'refused', reason, ...ends });
  if (left.verdict === 'drop') return refused(`the sender's own rule drops it: ${left.rule?.text ?? ''}`);
  if (left.verdict === 'clear') {
    const arrived = decideInbound(receiving, into, { kind: 'clear' });
    if (arrived.verdict === 'accept') return { kind: 'clear', ...ends };
    return refused(`leaves in the clear, and ${refusalText(arrived.why)}: ${receiverRule?.text ?? ''}`);
  }
  const destination = formatAddress(flow.destination);
  if (receiver === null || receiver === undefined) {
    return refused(`must be protected, and ${destination} has no IPsec policy to agree on an SA with`);
  }
  if (receiverRule === undefined) {
    return refused(`arrives protected at ${destination}, where no rule asks for protection`);
  }
  if (canAgree(left.wants, protectionsOf(left.rule), protectionsOf(receiverRule)))
    return { kind: 'protected', ...ends };
  if (protectionsOf(receiverRule).length === 0) {
    const expects =
      receiverRule.actions[0]?.kind === 'discard' ? 'the receiver drops it' : 'the receiver expects it clear';
    return refused(`leaves protected, and ${expects}: ${receiverRule.text}`);
  }
  return refused(`the ends have no protection in common: ${left.rule?.text ?? ''} against ${receiverRule.text}`);
}

function refusalText(why: InboundRefusal | undefined): string {
  return why === 'drop-rule' ? 'the receiver drops it' : 'the receiver wants it protected';
}

/** The flow as the sender and as the receiver see it. */
function packetsOf(flow: Flow, rules: readonly LoadedRule[]): { readonly out: Packet; readonly into: Packet } {
  const { source, destination } = flow;
  const v4 = source.family === 4;
  const protocol = protocolOf(flow);
  if (protocol === ICMP || protocol === ICMP6) {
    const icmp = { protocol, icmpType: v4 ? 8 : 128, icmpCode: 0 };
    return {
      out: { local: source, remote: destination, ...icmp },
      into: { local: destination, remote: source, ...icmp },
    };
  }
  const free = unnamedPort(rules);
  const from = flow.sourcePort ?? free;
  const to = flow.port ?? free;
  return {
    out: { local: source, remote: destination, protocol, localPort: from, remotePort: to },
    into: { local: destination, remote: source, protocol, localPort: to, remotePort: from },
  };
}

function protocolOf({ ulp, source }: Flow): number {
  switch (ulp) {
    case 'tcp':
      return TCP;
    case 'udp':
      return UDP;
    case 'icmp':
    case 'ipv6-icmp':
      return source.family === 4 ? ICMP : ICMP6;
    default:
      return ulp;
  }
}

const FIRST_DYNAMIC_PORT = 49152;

/** A port of the dynamic range (RFC 6335 §6) that no rule names, so that only rules for any port match. */
function unnamedPort(rules: readonly LoadedRule[]): number {
  const named = new Set(rules.flatMap(({ selector }) => [selector.localPort, selector.remotePort]));
  let port = FIRST_DYNAMIC_PORT;
  while (named.has(port)) port++;
  return port;
}

/**
 * Whether SAs can exist that the sender takes and the receiver accepts. The sender wants ESP and AH by the sum of its
 * alternatives, each from whichever suits; the receiver needs all of it in one of its own.
 */
function canAgree(
  wants: readonly ('esp' | 'ah')[],
  sender: readonly Protection[],
  receiver: readonly Protection[],
): boolean {
  const esp = wants.includes('esp');
  const ah = wants.includes('ah');
  return receiver.some(
    (one) =>
      (one.esp !== undefined) === esp &&
      (one.ah !== undefined) === ah &&
      (!esp || sender.some((other) => espAgrees(other, one))) &&
      (!ah || sender.some((other) => overlap(other.ah, one.ah))),
  );
}

/** Integrity that one end leaves open is the other's to choose. */
function espAgrees({ esp: a }: Protection, { esp: b }: Protection): boolean {
  if (a === undefined || b === undefined || !overlap(a.encr, b.encr)) return false;
  return a.auth === undefined || b.auth === undefined || overlap(a.auth, b.auth);
}

/** The same algorithm, and a key length that it has and both accept. */
function overlap(a: Transform | undefined, b: Transform | undefined): boolean {
  if (a === undefined || b === undefined || a.algorithm !== b.algorithm) return false;
  const least = Math.max(a.minBits, b.minBits);
  const most = Math.min(a.maxBits, b.maxBits);
  const known = ALGORITHMS.find(({ name }) => name === a.algorithm);
  if (known === undefined) return false;
  if (known.stepBits === 0) return least <= known.minBits && known.minBits <= most;
  const first = known.minBits + Math.ceil((least - known.minBits) / known.stepBits) * known.stepBits;
  return first <= most;
}
