/** What the evaluator of the policy brain says of packets between two hosts. Knows nothing of nftables but the tag that names an SA. */

import { wireTag, type WireTag } from '../../../../controller/lab/enforce/filter/wire-tag.js';
import type { Arrival, OutboundSa, Packet, SaBinding } from '../../../../controller/model/packet.js';
import { sameAddress } from '../../../../controller/model/address.js';
import type { LoadedRule } from '../../../../controller/model/policy.js';
import { SA_TYPE, type SecurityAssociation } from '../../../../controller/model/sa.js';
import type { Secret } from '../../../../controller/model/secret.js';
import { algorithmNumbered } from '../../../../controller/policy/algorithms.js';
import { decideLatched } from '../../../../controller/policy/decide-latched.js';
import { decideInbound, decideOutbound } from '../../../../controller/policy/match-flow.js';
import { bindingAgrees } from '../../../../controller/policy/match-sa.js';
import type { MarksOf } from '../../../../controller/policy/remembered-actions.js';

export interface Book {
  readonly text: string;
  readonly rules: readonly LoadedRule[];
  readonly marksOf: MarksOf;
}

/** A host as the evaluator sees it: `owners` says which SAs a flow took for its own, or were used. */
export interface Side {
  readonly book: Book;
  readonly sas: readonly SecurityAssociation[];
  readonly owners: Map<SecurityAssociation, string>;
}

/** How a packet leaves; none of both: in the clear. */
export interface Sent {
  readonly sas: readonly SecurityAssociation[];
  readonly tag: WireTag | undefined;
}

const CLEAR: Sent = { sas: [], tag: undefined };

function sentWith(sas: readonly SecurityAssociation[]): Sent {
  return { sas, tag: wireTag(sas) };
}

const PORTED = [6, 17, 132];

function flowOf({ local, remote, protocol, localPort = 0, remotePort = 0 }: Packet): string {
  const ports = PORTED.includes(protocol) ? `${localPort} ${remotePort}` : '';
  return `${local.value} ${remote.value} ${protocol} ${ports}`;
}

function nameOf(kind: 'auth' | 'encr', number: number): string {
  return algorithmNumbered(kind, number)?.name ?? `unknown ${number}`;
}

function outboundSa(sa: SecurityAssociation, used: boolean): OutboundSa {
  const { src, dst, protocol } = sa;
  const bound = src.port !== 0 || dst.port !== 0 || protocol !== 0;
  const auth = sa.auth === 0 ? {} : { auth: nameOf('auth', sa.auth), authBits: sa.authKey?.bits ?? 0 };
  return {
    ...(sa.type === SA_TYPE.ah
      ? { ah: { auth: nameOf('auth', sa.auth), bits: sa.authKey?.bits ?? 0 } }
      : { esp: { encr: nameOf('encr', sa.encr), bits: sa.encrKey?.bits ?? 0, ...auth } }),
    ...(src.address.value !== 0n && { source: src.address }),
    destination: dst.address,
    used,
    ...(bound && { binding: { localPort: src.port, remotePort: dst.port, protocol } }),
  };
}

/** `undefined`: nothing leaves. Takes SAs for a flow's own where the rule says `unique`. */
export function leaves(side: Side, packet: Packet, book = side.book): Sent | undefined {
  const flow = flowOf(packet);
  const all = side.sas.filter(({ outbound }) => outbound);
  const offered = all.map((sa) => {
    const owner = side.owners.get(sa) ?? (sa.used ? 'used' : undefined);
    return outboundSa(sa, owner !== undefined && owner !== flow);
  });
  const decision = decideOutbound(book.rules, packet, offered, book.marksOf);
  if (decision.verdict === 'clear') return CLEAR;
  if (decision.verdict === 'drop') return undefined;
  const unique = decision.rule !== undefined && book.marksOf(decision.rule).unique;
  const taken: SecurityAssociation[] = [];
  for (const kind of decision.wants) {
    const place = decision.used[kind];
    const sa = place === undefined ? undefined : all[place];
    if (sa === undefined) return undefined;
    taken.push(sa);
    if (unique) own(side, sa, flow);
  }
  for (const sa of taken) own(side, sa, 'used');
  return sentWith(taken);
}

function own({ owners }: Side, sa: SecurityAssociation, by: string): void {
  if (!owners.has(sa) && !sa.used) owners.set(sa, by);
}

/** An answer to an echo request: clear when that came clear, else with SAs of the same algorithms (reference: icmp_accept_clear_messages). */
export function answers(side: Side, packet: Packet, came: Sent): Sent | undefined {
  if (came.sas.length === 0) return CLEAR;
  const taken: SecurityAssociation[] = [];
  for (const like of came.sas) {
    const suiting = side.sas
      .filter((sa) => sa.outbound && sa.type === like.type && sa.encr === like.encr)
      .filter((sa) => (like.type === SA_TYPE.esp && like.auth === 0) || sa.auth === like.auth)
      .filter(
        ({ dst, src }) =>
          sameAddress(dst.address, packet.remote) &&
          (src.address.value === 0n || sameAddress(src.address, packet.local)),
      )
      .filter((sa) => bindingAgrees(outboundSa(sa, false).binding, packet))
      .toReversed();
    const chosen = suiting.find(({ src }) => src.address.value !== 0n) ?? suiting[0];
    if (chosen === undefined) return undefined;
    taken.push(chosen);
  }
  for (const sa of taken) own(side, sa, 'used');
  return sentWith(taken);
}

/** Whether the host can take the protection off. */
export function opens(side: Side, packet: Packet, { sas }: Sent): boolean {
  return sas.every((sa) => counterpart(side, packet, sa) !== undefined);
}

function counterpart(side: Side, packet: Packet, sent: SecurityAssociation): SecurityAssociation | undefined {
  return side.sas.find(
    (sa) =>
      sa.inbound &&
      sa.type === sent.type &&
      sa.spi === sent.spi &&
      sameAddress(sa.dst.address, packet.local) &&
      (sa.src.address.value === 0n || sameAddress(sa.src.address, packet.remote)) &&
      sa.auth === sent.auth &&
      sa.encr === sent.encr &&
      sameKey(sa.authKey, sent.authKey) &&
      sameKey(sa.encrKey, sent.encrKey),
  );
}

function sameKey(a: { readonly secret: Secret } | undefined, b: { readonly secret: Secret } | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.secret.equals(b.secret);
}

/** Whether the packet gets in. `latched`: at a socket that connected while that policy was in force. `about`: the packet that an error quotes. */
export function entersAt(side: Side, packet: Packet, sent: Sent, latched?: Book, about = packet): boolean {
  if (!opens(side, packet, sent)) return false;
  const arrival = arrivalOf(packet, sent);
  const book = latched ?? side.book;
  const decision =
    latched === undefined
      ? decideInbound(book.rules, about, arrival, book.marksOf)
      : decideLatched(book.rules, about, arrival, book.marksOf);
  return decision.verdict === 'accept';
}

function arrivalOf(packet: Packet, { sas }: Sent): Arrival {
  if (sas.length === 0) return { kind: 'clear' };
  const esp = sas.find(({ type }) => type === SA_TYPE.esp);
  const ah = sas.find(({ type }) => type === SA_TYPE.ah);
  const bindings = sas.map(({ src, dst, protocol }): SaBinding => ({
    localPort: dst.port,
    remotePort: src.port,
    protocol,
  }));
  const binding = bindings.find((one) => !bindingAgrees(one, packet)) ?? bindings[0];
  return {
    kind: 'protected',
    ...(esp && { esp: { encr: nameOf('encr', esp.encr), ...(esp.auth !== 0 && { auth: nameOf('auth', esp.auth) }) } }),
    ...(ah && { ah: nameOf('auth', ah.auth) }),
    ...(binding && { binding }),
  };
}
