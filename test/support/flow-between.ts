/**
 * What becomes of a flow on its way from one host to another: the sender's outbound rule against the receiver's
 * inbound rule. One way only; a connection needs both. SAs are taken to exist wherever both ends could agree on one.
 *
 * ICMP is judged by the rules, which is what a raw socket gets; a host answers pings itself without asking them
 * (`icmp_accept_clear_messages`). IKE's own ports bypass every rule.
 *
 * A second judge, simpler than the product's own (controller/proof), that tests hold it against.
 */

import { formatAddress, type Address } from '../../controller/model/address.js';
import type { Packet } from '../../controller/model/packet.js';
import type { LoadedRule } from '../../controller/model/policy.js';
import { encounter } from '../../controller/policy/encounter.js';
import { findRule, isDoubtful } from '../../controller/policy/match-flow.js';
import { ICMP, ICMP6, TCP, UDP } from '../../controller/policy/match-selector.js';

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
  const senderRule = findRule(sending, 'out', out);
  const receiverRule = findRule(receiving, 'in', into);
  const ends = {
    ...(senderRule && { sender: senderRule }),
    ...(receiverRule && { receiver: receiverRule }),
    doubtful: isDoubtful(senderRule) || isDoubtful(receiverRule),
  };
  const refused = (reason: string): FlowVerdict => ({ kind: 'refused', reason, ...ends });
  const [left = '', right = ''] = [senderRule?.text, receiverRule?.text];
  const isProtected = senderRule?.actions.some(({ kind }) => kind === 'protect') === true;
  switch (encounter(senderRule, receiverRule)) {
    case 'clear':
      return { kind: 'clear', ...ends };
    case 'agreed':
      return { kind: 'protected', ...ends };
    case 'sender-drops':
      return refused(`the sender's own rule drops it: ${left}`);
    case 'receiver-drops':
      return refused(`leaves ${isProtected ? 'protected' : 'in the clear'}, and the receiver drops it: ${right}`);
    case 'clear-meets-protected':
      return refused(`leaves in the clear, and the receiver wants it protected: ${right}`);
    case 'protected-meets-bypass':
      return refused(`leaves protected, and the receiver expects it clear: ${right}`);
    case 'protected-meets-no-rule': {
      const destination = formatAddress(flow.destination);
      return refused(
        receiver === null || receiver === undefined
          ? `must be protected, and ${destination} has no IPsec policy to agree on an SA with`
          : `arrives protected at ${destination}, where no rule asks for protection`,
      );
    }
    case 'no-common-algorithm':
      return refused(`the ends have no protection in common: ${left} against ${right}`);
  }
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
