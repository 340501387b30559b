/**
 * The key daemons of a lab's hosts among each other: who has phase 1 with whom, and the SAs they agree on. Both daemons must run, with
 * rules for the two addresses, a transform and a preshared key in common, and with policies whose alternatives have a protection in
 * common (illumos ike.config(5), in.iked(8)). SAs then belong to the kernels: they outlive the daemons.
 */

import { outboundSa } from '../keys/kernel/sa-packets.js';
import { sameAddress, type Address } from '../model/address.js';
import type { Packet } from '../model/packet.js';
import type { SecurityAssociation } from '../model/sa.js';
import { commonProtections } from '../policy/agree.js';
import { decideOutbound, findRule } from '../policy/match-flow.js';
import { marksIn } from '../policy/remembered-actions.js';
import { hostRules } from '../policy/spd.js';
import { agreeOnSas, filedAt, phaseTwoLimits, shorter } from './negotiated-sas.js';
import type { NetworkHost } from './network-host.js';
import { PhaseOneTable, type PhaseOne, type PhaseOneCounts } from './phase-one.js';
import { isThere, without, withSas } from './sad-edits.js';
import { samples, turned } from './sample-packets.js';
import { Turns } from './tools/turns.js';

export interface IkeNetworkOptions {
  /** SAs are there as soon as a policy may want them, as packets cannot ask for them; else only packets of the simulation do. */
  readonly isEager: boolean;
  /** Whether packets get from one host to another. */
  readonly reaches?: (from: NetworkHost, to: NetworkHost) => boolean;
}

export class IkeNetwork {
  readonly #hosts: NetworkHost[] = [];
  readonly #phaseOnes = new PhaseOneTable();
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
    return this.#phaseOnes.of(host);
  }

  counts(host: NetworkHost): PhaseOneCounts {
    return this.#phaseOnes.counts(host);
  }

  /** Both ends forget: who flushes tells the other. */
  flushPhaseOne(host: NetworkHost): void {
    this.#phaseOnes.flush(host, (remote) => {
      const other = this.hostOf(remote);
      return other !== undefined && this.#reach(host, other) ? other : undefined;
    });
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
    const rulesOfIke = this.#phaseOnes.between(from, to, packet.local, packet.remote);
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
}

function canNegotiate({ isOn, daemon, isOutOfStep }: NetworkHost): boolean {
  return isOn && daemon !== undefined && !isOutOfStep;
}
