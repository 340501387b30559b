/** Who has phase 1 with whom, as each of the two daemons holds it, and under which of their rules. Forgotten when a daemon ends. */

import { randomBytes } from 'node:crypto';
import { formatAddress, type Address } from '../model/address.js';
import { IKE_DEFAULTS, type IkeRule } from '../model/ike.js';
import type { SecurityAssociation } from '../model/sa.js';
import { ikeAgreement, type IkeEnd } from '../proof/ike-agreement.js';
import { shelveIke } from '../proof/ike-shelf.js';
import type { NetworkHost } from './network-host.js';
import type { IkeDaemon } from './tools/in-iked.js';

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

/** What one daemon knows, and forgets when it ends. */
interface Memory {
  readonly pid: number;
  readonly phaseOne: Map<string, PhaseOne>;
  counts: PhaseOneCounts;
}

/** A rule of one end, with the mark that its SAs get. */
export interface RuleInUse {
  readonly config: IkeDaemon['config'];
  readonly rule: IkeRule;
  readonly manager: NonNullable<SecurityAssociation['manager']>;
}

export class PhaseOneTable {
  readonly #memories = new WeakMap<NetworkHost, Memory>();

  of(host: NetworkHost): readonly PhaseOne[] {
    const now = host.now().getTime();
    return [...(this.#memory(host)?.phaseOne.values() ?? [])].filter(({ endsAt }) => endsAt > now);
  }

  counts(host: NetworkHost): PhaseOneCounts {
    return this.#memory(host)?.counts ?? NO_COUNTS;
  }

  /** One end forgets all; `peerAt` answers the other end where it can be told, which then forgets too. */
  flush(host: NetworkHost, peerAt: (remote: Address) => NetworkHost | undefined): void {
    const memory = this.#memory(host);
    for (const { local, remote } of memory?.phaseOne.values() ?? []) {
      const other = peerAt(remote);
      if (other !== undefined) this.#memory(other)?.phaseOne.delete(pairKey(remote, local));
    }
    memory?.phaseOne.clear();
  }

  /** The rules under which the two have phase 1, which they begin when they have none. */
  between(
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
        agreement.transform.lifetimeSeconds ??
        numberOf(from.daemon, 'p1_lifetime_secs') ??
        IKE_DEFAULTS.phaseOneSeconds;
      const until = { cookies, endsAt: now + seconds * 1000 };
      asks.phaseOne.set(pairKey(local, remote), { ...until, local, remote, isInitiator: true });
      answers.phaseOne.set(pairKey(remote, local), { ...until, local: remote, remote: local, isInitiator: false });
      asks.counts = { ...asks.counts, initiated: asks.counts.initiated + 1 };
      answers.counts = { ...answers.counts, answered: answers.counts.answered + 1 };
    }
    return inUse([from.daemon, agreement.sender.label], [to.daemon, agreement.receiver.label]);
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
}

const NO_COUNTS: PhaseOneCounts = { initiated: 0, answered: 0, failed: 0 };

function pairKey(local: Address, remote: Address): string {
  return `${formatAddress(local)} ${formatAddress(remote)}`;
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
