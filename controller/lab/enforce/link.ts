/** The link of one host of the enforcing lab, and what is wrong with it. Faults outlive the host's power, and end with `heal`. */

import { OperatorError } from '../../errors.js';
import { SOUND_LINK, type Direction, type LinkState } from './link-faults.js';
import type { Cable } from './network-plan.js';
import type { Wire } from './wire.js';

export class Link {
  #delayMilliseconds = 0;

  constructor(
    private readonly wire: Wire,
    readonly cable: Cable,
    /** For those who wait for the way to be there again. */
    private readonly healed: () => Promise<void> = () => Promise.resolve(),
  ) {}

  get state(): LinkState {
    return this.wire.links.get(this.cable.port) ?? SOUND_LINK;
  }

  /** Lays the cable to a process's network namespace. */
  async attach(pid: number): Promise<void> {
    await this.wire.attach([{ ...this.cable, pid }]);
    await this.wasAttached();
  }

  /** What belongs to a cable comes back with it. */
  async wasAttached(): Promise<void> {
    if (this.#delayMilliseconds > 0) await this.delay(this.#delayMilliseconds);
  }

  async detach(): Promise<void> {
    await this.wire.detach(this.cable);
  }

  /** No frame gets to the host (in), from it (out), or either. */
  async cut(direction: Direction | 'both' = 'both'): Promise<void> {
    const more: readonly Direction[] = direction === 'both' ? ['in', 'out'] : [direction];
    await this.#set({ ...this.state, cut: [...new Set([...this.state.cut, ...more])] });
  }

  /** So many of 100 frames are lost, each way. */
  async lose(percent: number): Promise<void> {
    await this.#set({ ...this.state, lossPercent: percent });
  }

  /** Each frame to the host comes later. @throws OperatorError LAB_NO_DELAY on a kernel without netem */
  async delay(milliseconds: number): Promise<void> {
    const { port } = this.cable;
    try {
      await this.wire.run(['tc', 'qdisc', 'replace', 'dev', port, 'root', 'netem', 'delay', `${milliseconds}ms`]);
    } catch (cause) {
      throw new OperatorError('LAB_NO_DELAY', {
        what: `the link of ${this.cable.host} cannot be made slow: this kernel has no netem (sch_netem) for tc`,
        todo: 'use lab loss or lab cut, or a machine whose kernel has netem',
        cause,
      });
    }
    this.#delayMilliseconds = milliseconds;
  }

  /** The link is sound again. */
  async heal(): Promise<void> {
    await this.#set(SOUND_LINK);
    if (this.#delayMilliseconds > 0) {
      this.#delayMilliseconds = 0;
      // Of a host without power there is no cable, and with it went the delay.
      await this.wire.run(['tc', 'qdisc', 'del', 'dev', this.cable.port, 'root']).catch(() => undefined);
    }
    await this.healed();
  }

  async #set(state: LinkState): Promise<void> {
    await this.wire.setLink(this.cable, state);
  }
}
