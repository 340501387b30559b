/**
 * The IPsec part of a simulated host's kernel: policy, SAs, what it remembers and what its SAs have carried. Owns that packets are
 * treated as this state has it before anybody is answered, and that SAs come of age.
 */

import { ageOf, hasLimits, nextChange, UNUSED } from '../../keys/kernel/sa-lifetimes.js';
import { deleteSa, EMPTY_SAD, withoutDead, type Sad } from '../../keys/kernel/sad.js';
import type { SaCurrent, SecurityAssociation } from '../../model/sa.js';
import type { Clock } from '../../ports.js';
import { EMPTY_STORE } from '../../policy/remembered-actions.js';
import { emptySpd } from '../../policy/spd.js';
import { saId, type KernelState, type PacketFilter } from '../packet-filter.js';
import { CountingFilter } from './counting-filter.js';
import { Turns } from './turns.js';

const START: KernelState = { spd: emptySpd(), sad: EMPTY_SAD, remembered: EMPTY_STORE };

const NO_CURRENTS: ReadonlyMap<string, SaCurrent> = new Map();

/** Timers reach no further than 24 days, and clocks are put right now and then. */
const LONGEST_SLEEP_SECONDS = 3600;

export interface KernelSettings {
  readonly clock: Clock;
  /** What lets packets in and out; without one the packets of the simulation are counted, and nobody waits for an age. */
  readonly filter?: PacketFilter | undefined;
  /** Something about the SAs has changed by itself. */
  readonly onAge?: () => Promise<void>;
}

export class Kernel {
  readonly filter: PacketFilter;
  /** Counts packets of the simulation, where no others are counted. */
  readonly counts: CountingFilter | undefined;
  #state = START;
  #loaded: KernelState | undefined;
  #loads = new Turns();
  #currents = new Map<string, { readonly addedAt: number; readonly packets: number; readonly current: SaCurrent }>();
  #life = new AbortController();
  #sleep: AbortController | undefined;

  constructor(private readonly settings: KernelSettings) {
    this.counts = settings.filter === undefined ? new CountingFilter() : undefined;
    this.filter = settings.filter ?? this.counts ?? new CountingFilter();
  }

  get state(): KernelState {
    return this.#state;
  }

  /** Changes with every power cut. */
  get life(): AbortSignal {
    return this.#life.signal;
  }

  /** Resolves when packets are treated so. @throws Error when they are not, although the state is this from now on */
  async change(change: Partial<KernelState>): Promise<void> {
    this.#state = { ...this.#state, ...change };
    await this.#load();
  }

  /** Nothing is called: what let packets through has gone as well. */
  powerCut(): void {
    this.#life.abort();
    this.#life = new AbortController();
    this.#sleep?.abort();
    this.#state = START;
    this.#loaded = undefined;
    this.#loads = new Turns();
    this.#currents.clear();
  }

  boot(): Promise<void> {
    return this.#load();
  }

  /** What each SA has carried, as of now, by `saId`. */
  async currents(): Promise<ReadonlyMap<string, SaCurrent>> {
    if (this.#state.sad.size === 0) return NO_CURRENTS;
    const { life } = this;
    const uses = await this.filter.uses();
    const now = this.#now;
    const known = new Map<string, { addedAt: number; packets: number; current: SaCurrent }>();
    for (const sa of this.#state.sad.values()) {
      const id = saId(sa);
      const { packets, bytes } = uses.get(id) ?? { packets: 0, bytes: 0 };
      if (packets === 0) continue;
      const before = this.#currents.get(id);
      const old = before?.addedAt === sa.addedAt ? before : undefined;
      const lastUsedAt = old?.packets === packets ? (old.current.lastUsedAt ?? now) : now;
      const current = { bytes, firstUsedAt: old?.current.firstUsedAt ?? now, lastUsedAt };
      known.set(id, { addedAt: sa.addedAt, packets, current });
    }
    if (!life.aborted) this.#currents = known;
    return new Map([...known].map(([id, { current }]) => [id, current]));
  }

  /**
   * Takes away what is past its limits.
   * @returns the tables as they are then, to be put in force by the caller
   */
  async aged(): Promise<Sad> {
    const { sad } = this.#state;
    const isMortal = [...sad.values()].some(({ hard, idle }) => hasLimits(hard) || hasLimits(idle));
    const currents = isMortal ? await this.currents() : NO_CURRENTS;
    const now = this.#now;
    const dead = [...sad.values()].filter((sa) => this.#age(sa, currents, now) === 'dead');
    if (dead.length === 0) return [...sad.values()].some((sa) => sa.dead) ? withoutDead(sad, now) : sad;
    const draft = new Map(withoutDead(sad, now));
    for (const { type, spi, src, dst, inbound } of dead) {
      deleteSa(draft, { type, spi, src: src.address, dst: dst.address, inbound }, false);
    }
    return draft;
  }

  /** Whether its soft limit has passed, with what was counted when somebody last looked. */
  isWorn(sa: SecurityAssociation): boolean {
    return ageOf(sa, this.#currents.get(saId(sa))?.current ?? UNUSED, this.#now) !== 'mature';
  }

  #age(sa: SecurityAssociation, currents: ReadonlyMap<string, SaCurrent>, now: number): ReturnType<typeof ageOf> {
    return ageOf(sa, currents.get(saId(sa)) ?? UNUSED, now);
  }

  get #now(): number {
    return Math.floor(this.settings.clock.now().getTime() / 1000);
  }

  /** One after another; whoever waits for a state that is loaded by then has nothing left to do. */
  async #load(): Promise<void> {
    const { life } = this;
    await this.#loads.take(async () => {
      const state = this.#state;
      if (life.aborted || state === this.#loaded) return;
      this.#loaded = undefined;
      try {
        await this.filter.load(state);
      } catch (error) {
        // What cannot be loaded any more on a host without power is no failure.
        if (!life.aborted) throw error;
      }
      if (!life.aborted) this.#loaded = state;
    });
    if (!life.aborted) this.#wait();
  }

  /** Wakes when the next SA comes of age. */
  #wait(): void {
    const { onAge, clock } = this.settings;
    if (onAge === undefined) return;
    this.#sleep?.abort();
    this.#sleep = undefined;
    const now = this.#now;
    const ends = [...this.#state.sad.values()].flatMap(
      (sa) => nextChange(sa, this.#currents.get(saId(sa))?.current ?? UNUSED, now) ?? [],
    );
    if (ends.length === 0) return;
    const sleep = new AbortController();
    this.#sleep = sleep;
    const seconds = Math.min(Math.max(1, Math.min(...ends) - now), LONGEST_SLEEP_SECONDS);
    clock.after(seconds, sleep.signal).then(
      async () => {
        if (sleep.signal.aborted) return;
        await onAge();
        if (!sleep.signal.aborted) this.#wait();
      },
      () => undefined,
    );
  }
}
