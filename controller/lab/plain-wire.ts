/**
 * The network of a plain lab, for the packets of its hosts' simulated commands: what becomes of one is decided by the evaluator, from
 * the policies and SAs that are loaded on both machines, and the SAs it takes count it. Whoever is not of the lab is silent, but for the
 * lab's client, which has no policy.
 */

import { arrivalOf, opens, outboundSa } from '../keys/kernel/sa-packets.js';
import { sameAddress, type Address } from '../model/address.js';
import type { Packet } from '../model/packet.js';
import type { SecurityAssociation } from '../model/sa.js';
import { decideInbound, decideOutbound, type OutboundDecision } from '../policy/match-flow.js';
import { ICMP, ICMP6, TCP } from '../policy/match-selector.js';
import { marksIn } from '../policy/remembered-actions.js';
import { hostRules } from '../policy/spd.js';
import { IkeNetwork } from './ike-network.js';
import type { NetworkHost } from './network-host.js';
import { turned } from './sample-packets.js';

/** What came back of a try. */
export type WireAnswer = 'open' | 'closed' | 'silent';

export interface PlainWireOptions {
  /** Where SSH clients are. */
  readonly client?: Address | undefined;
}

const SSH_PORT = 22;

/** Bytes of a packet without options: an echo of 56 bytes, and a TCP segment without data. */
const ECHO_BYTES = 84;
const SEGMENT_BYTES = 40;

/** One packet on its way: the SAs that protect it, none for a clear one. */
type Sealed = readonly SecurityAssociation[];

export class PlainWire {
  readonly #cut = new Set<NetworkHost>();
  readonly #ports = new Map<NetworkHost, ReadonlySet<number>>();

  /** The key daemons, whose packets go by this wire too. */
  readonly ike = new IkeNetwork({ isEager: false, reaches: (from, to) => this.joins(from, to) });

  constructor(private readonly options: PlainWireOptions = {}) {}

  /** No packet gets to or from the host of an address, or all do again. */
  setCut(address: Address, isCut: boolean): void {
    const host = this.ike.hostOf(address);
    if (host === undefined) return;
    if (isCut) this.#cut.add(host);
    else this.#cut.delete(host);
  }

  /** Whether packets get from one host to the other and back, as far as the wire goes. */
  joins(one: NetworkHost, other: NetworkHost): boolean {
    return !this.#cut.has(one) && !this.#cut.has(other);
  }

  /** Where something listens at the host of an address besides its SSH service. */
  listen(address: Address, ports: readonly number[]): void {
    const host = this.ike.hostOf(address);
    if (host !== undefined) this.#ports.set(host, new Set(ports));
  }

  /** `source`: an address of the host. Echo requests get in clear whatever the policy: the kernel itself answers them. */
  async ping(host: NetworkHost, source: Address, destination: Address): Promise<'open' | 'silent'> {
    const [protocol, request, reply] = source.family === 4 ? [ICMP, 8, 0] : [ICMP6, 128, 129];
    const packet = { local: source, remote: destination, protocol, icmpType: request, icmpCode: 0 };
    const answer = await this.#exchange(host, packet, { ...packet, icmpType: reply }, (sealed) => sealed.length === 0);
    return answer === undefined ? 'silent' : 'open';
  }

  async connect(host: NetworkHost, source: TcpEnd, destination: TcpEnd): Promise<WireAnswer> {
    const packet: Packet = {
      local: source.address,
      remote: destination.address,
      protocol: TCP,
      localPort: source.port,
      remotePort: destination.port,
    };
    const answer = await this.#exchange(host, packet, packet, () => false);
    if (answer === undefined) return 'silent';
    if (answer === 'client') return 'closed';
    const isOpen = destination.port === SSH_PORT || this.#ports.get(answer)?.has(destination.port) === true;
    return isOpen ? 'open' : 'closed';
  }

  /** Who answered, when the answer got back; `reply` is the answer as the host that asked sees it. */
  async #exchange(
    host: NetworkHost,
    packet: Packet,
    reply: Packet,
    isExcused: (sealed: Sealed) => boolean,
  ): Promise<NetworkHost | 'client' | undefined> {
    if (host.addresses.some((one) => sameAddress(one, packet.remote))) return host;
    if (!host.isOn || this.#cut.has(host)) return undefined;
    const bytes = packet.protocol === TCP ? SEGMENT_BYTES : ECHO_BYTES;
    const sealed = await this.#send(host, packet, bytes);
    if (sealed === undefined) return undefined;
    const { client } = this.options;
    if (client !== undefined && sameAddress(client, packet.remote)) {
      return sealed.length === 0 && accepts(host, reply, []) ? 'client' : undefined;
    }
    const other = this.ike.hostOf(packet.remote);
    if (other === undefined || !other.isOn || this.#cut.has(other)) return undefined;
    await other.age();
    const opened = openedAt(other, sealed);
    if (opened === undefined) return undefined;
    for (const sa of opened) other.count(sa, bytes);
    if (!isExcused(opened) && !accepts(other, turned(packet), opened)) return undefined;
    // An answer goes the way that what it answers came.
    const back =
      sealed.length === 0 ? this.#plainly(other, turned(reply), packet) : await this.#send(other, turned(reply), bytes);
    const arrived = back && openedAt(host, back);
    for (const sa of arrived ?? []) host.count(sa, bytes);
    return arrived !== undefined && accepts(host, reply, arrived) ? other : undefined;
  }

  /** The answer to a clear packet: an echo, or the refusal of a connection, is clear itself; a connection goes by the policy. */
  #plainly(other: NetworkHost, reply: Packet, { protocol, remotePort = 0 }: Packet): Sealed | undefined {
    const isListening = remotePort === SSH_PORT || this.#ports.get(other)?.has(remotePort) === true;
    if (protocol !== TCP || !isListening) return [];
    return decide(other, reply, []).verdict === 'clear' ? [] : undefined;
  }

  /** The SAs that a packet leaves by; none when it leaves clear, `undefined` when it does not leave. */
  async #send(host: NetworkHost, packet: Packet, bytes: number): Promise<Sealed | undefined> {
    await host.age();
    const chosen = choose(host, packet);
    const isShort = chosen.verdict === 'wait' || chosen.sas.some((sa) => host.isWorn(sa));
    if (isShort) await this.ike.acquire(host, packet);
    const { verdict, sas } = isShort ? choose(host, packet) : chosen;
    if (verdict === 'clear') return [];
    if (verdict !== 'protect') return undefined;
    for (const sa of sas) host.count(sa, bytes);
    return sas;
  }
}

/** One end of a TCP connection. */
export interface TcpEnd {
  readonly address: Address;
  readonly port: number;
}

function choose(host: NetworkHost, packet: Packet): Pick<OutboundDecision, 'verdict'> & { readonly sas: Sealed } {
  const all = [...host.kernel.sad.values()].filter((sa) => sa.outbound);
  const { verdict, used } = decide(host, packet, all);
  const sas = [used.esp, used.ah].flatMap((place) => (place === undefined ? [] : (usable(all)[place] ?? [])));
  return { verdict, sas };
}

function decide(host: NetworkHost, packet: Packet, sas: Sealed): OutboundDecision {
  const { spd, remembered } = host.kernel;
  const outbound = usable(sas).flatMap((sa) => outboundSa(sa, sa.used || host.isUsed(sa)) ?? []);
  return decideOutbound(hostRules(spd), packet, outbound, marksIn(remembered));
}

function usable(sas: Sealed): Sealed {
  return sas.filter((sa) => outboundSa(sa) !== undefined);
}

/** The receiver's own SAs for what came by the sender's; `undefined` when it cannot open it. */
function openedAt({ kernel }: NetworkHost, sealed: Sealed): Sealed | undefined {
  const own = sealed.flatMap(
    (sa) =>
      [...kernel.sad.values()].find(
        (one) =>
          one.inbound &&
          !one.dead &&
          one.type === sa.type &&
          one.spi === sa.spi &&
          sameAddress(one.dst.address, sa.dst.address) &&
          opens(one, sa),
      ) ?? [],
  );
  return own.length === sealed.length ? own : undefined;
}

function accepts({ kernel }: NetworkHost, packet: Packet, opened: Sealed): boolean {
  const { spd, remembered } = kernel;
  return decideInbound(hostRules(spd), packet, arrivalOf(opened), marksIn(remembered)).verdict === 'accept';
}
