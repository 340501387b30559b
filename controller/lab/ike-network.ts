/**
 * The key daemons of a lab's hosts among each other: who has phase 1 with whom, and the SAs they agree on. Both daemons must run, with
 * rules for the two addresses, a transform and a preshared key in common, and with policies whose alternatives have a protection in
 * common (illumos ike.config(5), in.iked(8)). SAs then belong to the kernels: they outlive the daemons.
 */

import { randomBytes } from 'node:crypto';
import { outboundSa } from '../keys/kernel/sa-packets.js';
import { deleteSa, getSa, insertSa, type Sad } from '../keys/kernel/sad.js';
import { formatAddress, sameAddress, type Address } from '../model/address.js';
import type { IkeRule } from '../model/ike.js';
import type { Packet } from '../model/packet.js';
import type { LoadedRule } from '../model/policy.js';
import type { SecurityAssociation } from '../model/sa.js';
import { commonProtections } from '../policy/agree.js';
import { decideOutbound, findRule, protectionsOf } from '../policy/match-flow.js';
import { ICMP, ICMP6, SCTP, TCP, UDP } from '../policy/match-selector.js';
import { marksIn } from '../policy/remembered-actions.js';
import { indexRules, type RuleIndex } from '../policy/rule-index.js';
import { hostRules, type Spd } from '../policy/spd.js';
import { ikeAgreement, type IkeEnd } from '../proof/ike-agreement.js';
import { shelveIke } from '../proof/ike-shelf.js';
import { agreeOnSas, filedAt, phaseTwoLimits, shorter } from './negotiated-sas.js';
import type { NetworkHost } from './network-host.js';
import type { IkeDaemon } from './tools/in-iked.js';
import { Turns } from './tools/turns.js';

/** A phase 1 SA as one of its ends holds it. */
export interface PhaseOne {
  readonly local: Address;
  readonly remote: Address;
  /** Whether this end began. */
  readonly isInitiator: boolean;
  /** Hexadecimal digits of the cookies of initiator and responder. */
  readonly cookies: readonly [string, string];
  /** Milliseconds since 1970. */
  readonly endsAt: number;
}

/** Exchanges since the daemon started. */
export interface PhaseOneCounts {
  readonly initiated: number;
  readonly answered: number;
  readonly failed: number;
}

export interface IkeNetworkOptions {
  /** SAs are there as soon as a policy may want them, as packets cannot ask for them; else only packets of the simulation do. */
  readonly isEager: boolean;
  /** Whether packets get from one host to another. */
  readonly reaches?: (from: NetworkHost, to: NetworkHost) => boolean;
}

/** What one daemon knows, and forgets when it ends. */
interface Memory {
  readonly pid: number;
  readonly phaseOne: Map<string, PhaseOne>;
  counts: PhaseOneCounts;
}

/** Default of ike.config(5), as `ikeadm get defaults` tells it. */
const PHASE_ONE_SECONDS = 14_400;

export class IkeNetwork {
  readonly #hosts: NetworkHost[] = [];
  readonly #memories = new WeakMap<NetworkHost, Memory>();
  /** Two hosts have one negotiation at a time. */
  readonly #turns = new Map<string, Turns>();

  constructor(private readonly options: IkeNetworkOptions) {}

  join(host: NetworkHost): void {
    this.#hosts.push(host);
  }

  /** The host of an address. */
  hostOf(address: Address): NetworkHost | undefined {
    return this.#hosts.find(({ addresses }) => addresses.some((one) => sameAddress(one, address)));
  }

  /** The policy, the SAs or the daemon of a host have changed. */
  async changed(host: NetworkHost): Promise<void> {
    if (!this.options.isEager || !canNegotiate(host)) return;
    for (const other of this.#hosts) {
      if (other === host || !canNegotiate(other)) continue;
      await this.#turn(host, other, async () => {
        await this.#settle(host, other);
        await this.#settle(other, host);
      });
    }
  }

  /** A packet needs SAs that are not there. Returns when they are, or when there is no agreement. */
  async acquire(host: NetworkHost, packet: Packet): Promise<void> {
    const other = this.hostOf(packet.remote);
    if (other === undefined || other === host) return;
    await this.#turn(host, other, () => this.#negotiate(host, other, packet));
  }

  phaseOne(host: NetworkHost): readonly PhaseOne[] {
    const now = host.now().getTime();
    return [...(this.#memory(host)?.phaseOne.values() ?? [])].filter(({ endsAt }) => endsAt > now);
  }

  counts(host: NetworkHost): PhaseOneCounts {
    return this.#memory(host)?.counts ?? NO_COUNTS;
  }

  /** Both ends forget: who flushes tells the other. */
  flushPhaseOne(host: NetworkHost): void {
    const memory = this.#memory(host);
    for (const { local, remote } of memory?.phaseOne.values() ?? []) {
      const other = this.hostOf(remote);
      if (other !== undefined && this.#reach(host, other)) this.#memory(other)?.phaseOne.delete(pairKey(remote, local));
    }
    memory?.phaseOne.clear();
  }

  /** SAs that daemons agreed on were deleted by hand at one end: its daemon tells the other, which deletes them too. */
  async deleted(host: NetworkHost, sas: readonly SecurityAssociation[]): Promise<void> {
    for (const sa of sas.filter(({ manager }) => manager !== undefined)) {
      const other = this.hostOf((sa.outbound ? sa.dst : sa.src).address);
      if (other === undefined || !canNegotiate(host) || !canNegotiate(other) || !this.#reach(host, other)) continue;
      await other.changeSas((sad) => without(sad, [sa]));
    }
  }

  #reach(from: NetworkHost, to: NetworkHost): boolean {
    const { reaches } = this.options;
    return reaches === undefined || (reaches(from, to) && reaches(to, from));
  }

  #turn(one: NetworkHost, other: NetworkHost, work: () => Promise<void>): Promise<void> {
    const key = [this.#hosts.indexOf(one), this.#hosts.indexOf(other)].sort((a, b) => a - b).join(' ');
    const turns = this.#turns.get(key) ?? new Turns();
    this.#turns.set(key, turns);
    return turns.take(work);
  }

  #memory(host: NetworkHost): Memory | undefined {
    const { daemon } = host;
    if (daemon === undefined) return undefined;
    const known = this.#memories.get(host);
    if (known?.pid === daemon.pid) return known;
    const fresh: Memory = { pid: daemon.pid, phaseOne: new Map(), counts: NO_COUNTS };
    this.#memories.set(host, fresh);
    return fresh;
  }

  /** Everything that `from` may want to send to `to`. */
  async #settle(from: NetworkHost, to: NetworkHost): Promise<void> {
    for (const local of from.addresses) {
      for (const remote of to.addresses) {
        for (const packet of samples(from.kernel.spd, local, remote)) await this.#negotiate(from, to, packet);
      }
    }
  }

  /** Only what is missing or wears out is agreed on: another packet may have asked for it a moment before. */
  async #negotiate(from: NetworkHost, to: NetworkHost, packet: Packet): Promise<void> {
    if (!canNegotiate(from) || !canNegotiate(to) || !this.#reach(from, to)) return;
    const rules = hostRules(from.kernel.spd);
    const fresh = [...from.kernel.sad.values()].filter((sa) => !from.isWorn(sa)).flatMap((sa) => outboundSa(sa) ?? []);
    const { verdict, rule } = decideOutbound(rules, packet, fresh, marksIn(from.kernel.remembered));
    if (verdict !== 'wait') return;
    const theirs = findRule(hostRules(to.kernel.spd), 'in', turned(packet));
    const [protection] = commonProtections(rule, theirs);
    const rulesOfIke = this.#phaseOne(from, to, packet.local, packet.remote);
    if (protection === undefined || rulesOfIke === undefined) return;
    const [ours, others] = rulesOfIke;
    const [mine, yours] = [phaseTwoLimits(ours.config, ours.rule), phaseTwoLimits(others.config, others.rule)];
    const agreed = agreeOnSas({
      local: packet.local,
      remote: packet.remote,
      protection,
      limits: shorter(mine, yours),
      // Where SAs are there before any packet, none is for one flow alone.
      ...(protection.unique && !this.options.isEager && { flow: packet }),
      isTaken: (type, spi, dst) => [from, to].some(({ kernel }) => isThere(kernel.sad, type, spi, dst)),
    });
    for (const [out, back] of agreed) {
      const at = (sa: SecurityAssociation, host: NetworkHost, direction: 'in' | 'out'): SecurityAssociation =>
        filedAt(sa, direction, host === from ? ours.manager : others.manager, host.now());
      // Each end can open what the other seals before that begins to.
      await to.changeSas((sad) => withSas(sad, [at(out, to, 'in')]));
      await from.changeSas((sad) => withSas(sad, [at(back, from, 'in'), at(out, from, 'out')]));
      await to.changeSas((sad) => withSas(sad, [at(back, to, 'out')]));
    }
  }

  /** The rules under which the two have phase 1, which they begin when they have none. */
  #phaseOne(
    from: NetworkHost,
    to: NetworkHost,
    local: Address,
    remote: Address,
  ): readonly [RuleInUse, RuleInUse] | undefined {
    const [asks, answers] = [this.#memory(from), this.#memory(to)];
    if (asks === undefined || answers === undefined || from.daemon === undefined || to.daemon === undefined) {
      return undefined;
    }
    const mine = asks.phaseOne.get(pairKey(local, remote));
    const theirs = answers.phaseOne.get(pairKey(remote, local));
    const now = from.now().getTime();
    const isUp = mine !== undefined && mine.endsAt > now && mine.cookies.join() === theirs?.cookies.join();
    const agreement = ikeAgreement(endOf(from.daemon), endOf(to.daemon), local, remote);
    if ('verdict' in agreement) {
      // Phase 1 that is up asks for no key again, but its rules must still be there.
      const [first] = endOf(from.daemon).ike.rules(local, remote);
      const [second] = endOf(to.daemon).ike.rules(remote, local);
      if (isUp && agreement.verdict === 'psk-mismatch' && first !== undefined && second !== undefined) {
        return inUse([from.daemon, first.label], [to.daemon, second.label]);
      }
      asks.counts = { ...asks.counts, failed: asks.counts.failed + 1 };
      return undefined;
    }
    if (!isUp) {
      const cookies = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')] as const;
      const seconds =
        agreement.transform.lifetimeSeconds ?? numberOf(from.daemon, 'p1_lifetime_secs') ?? PHASE_ONE_SECONDS;
      const until = { cookies, endsAt: now + seconds * 1000 };
      asks.phaseOne.set(pairKey(local, remote), { ...until, local, remote, isInitiator: true });
      answers.phaseOne.set(pairKey(remote, local), { ...until, local: remote, remote: local, isInitiator: false });
      asks.counts = { ...asks.counts, initiated: asks.counts.initiated + 1 };
      answers.counts = { ...answers.counts, answered: answers.counts.answered + 1 };
    }
    return inUse([from.daemon, agreement.sender.label], [to.daemon, agreement.receiver.label]);
  }
}

const NO_COUNTS: PhaseOneCounts = { initiated: 0, answered: 0, failed: 0 };

function canNegotiate({ isOn, daemon, isOutOfStep }: NetworkHost): boolean {
  return isOn && daemon !== undefined && !isOutOfStep;
}

function pairKey(local: Address, remote: Address): string {
  return `${formatAddress(local)} ${formatAddress(remote)}`;
}

interface RuleInUse {
  readonly config: IkeDaemon['config'];
  readonly rule: IkeRule;
  readonly manager: NonNullable<SecurityAssociation['manager']>;
}

type Labelled = readonly [IkeDaemon, string];

function inUse(one: Labelled, other: Labelled): readonly [RuleInUse, RuleInUse] | undefined {
  const [first, second] = [ruleInUse(one), ruleInUse(other)];
  return first === undefined || second === undefined ? undefined : [first, second];
}

function ruleInUse([{ config }, label]: Labelled): RuleInUse | undefined {
  const index = config.rules.findIndex((rule) => rule.label === label);
  const rule = config.rules[index];
  return rule && { config, rule, manager: { cookie: index + 1, label } };
}

function numberOf({ config }: IkeDaemon, name: string): number | undefined {
  const value = config.globals.get(name);
  return typeof value === 'number' ? value : undefined;
}

/** What a daemon holds, in the words of the proof. */
function endOf(daemon: IkeDaemon): IkeEnd {
  const known = ends.get(daemon);
  if (known !== undefined) return known;
  const { config, preshared } = daemon;
  const read = { ike: { config, problems: [] }, preshared: { keys: preshared, problems: [] } };
  const end: IkeEnd = {
    name: String(daemon.pid),
    ike: shelveIke(read, (key) => key.fingerprint('')),
    place: (path) => ({ path }),
  };
  ends.set(daemon, end);
  return end;
}

const ends = new WeakMap<IkeDaemon, IkeEnd>();

function indexOf(spd: Spd): RuleIndex {
  const known = indexes.get(spd);
  if (known !== undefined) return known;
  const index = indexRules(hostRules(spd));
  indexes.set(spd, index);
  return index;
}

const indexes = new WeakMap<Spd, RuleIndex>();

/** For each rule that protects packets between the two, one that it decides about. */
function samples(spd: Spd, local: Address, remote: Address): readonly Packet[] {
  const near = indexOf(spd).between('out', local, remote);
  return near
    .filter((rule) => protectionsOf(rule).length > 0)
    .flatMap((rule) => protocolsOf(rule, local).map((protocol) => sample(rule, protocol, local, remote)))
    .filter((packet, at, all) => {
      const rule = findRule(near, 'out', packet);
      return all.findIndex((other) => findRule(near, 'out', other) === rule) === at && protectionsOf(rule).length > 0;
    });
}

function protocolsOf({ selector }: LoadedRule, { family }: Address): readonly number[] {
  return selector.protocol === undefined ? [TCP, UDP, family === 4 ? ICMP : ICMP6] : [selector.protocol];
}

/** Ports that no rule is likely to name. */
const SOME_PORTS = { local: 40_001, remote: 40_002 };

const ECHO_REQUEST = { 4: 8, 6: 128 } as const;

function sample({ selector }: LoadedRule, protocol: number, local: Address, remote: Address): Packet {
  if (protocol === ICMP || protocol === ICMP6) {
    const icmpType = selector.icmpType?.from ?? ECHO_REQUEST[local.family];
    return { local, remote, protocol, icmpType, icmpCode: selector.icmpCode?.from ?? 0 };
  }
  if (![TCP, UDP, SCTP].includes(protocol)) return { local, remote, protocol };
  const { localPort = SOME_PORTS.local, remotePort = SOME_PORTS.remote } = selector;
  return { local, remote, protocol, localPort, remotePort };
}

/** As the other end sees it. */
export function turned(packet: Packet): Packet {
  const { local, remote, localPort, remotePort } = packet;
  return {
    ...packet,
    local: remote,
    remote: local,
    ...(remotePort !== undefined && { localPort: remotePort }),
    ...(localPort !== undefined && { remotePort: localPort }),
  };
}

function isThere(sad: Sad, type: number, spi: number, dst: Address): boolean {
  return getSa(sad, { type, spi, src: undefined, dst, inbound: false }).kind === 'done';
}

function withSas(sad: Sad, sas: readonly SecurityAssociation[]): Sad {
  const draft = new Map(sad);
  for (const sa of sas) insertSa(draft, sa);
  return draft;
}

export function without(sad: Sad, sas: readonly SecurityAssociation[]): Sad {
  const draft = new Map(sad);
  for (const { type, spi, src, dst, inbound } of sas) {
    deleteSa(draft, { type, spi, src: src.address, dst: dst.address, inbound }, false);
  }
  return draft;
}
