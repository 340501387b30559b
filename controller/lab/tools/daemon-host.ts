/** Holds the key daemon of one host while it runs, and lets those who reach it have their turn. */

import { hangUp, startIked, type IkeDaemon } from './in-iked.js';
import { ikeadm, type Exchanges } from './ikeadm.js';
import type { ToolCall, ToolReply } from './tool.js';
import { Turns } from './turns.js';

export class DaemonHost {
  #daemon: IkeDaemon | undefined;
  /** What the last one held: a stale one starts with it. */
  #last: IkeDaemon | undefined;
  #turns = new Turns();
  /** Changes with every death: what was under way for a dead daemon has no effect. */
  #life = 0;

  get daemon(): IkeDaemon | undefined {
    return this.#daemon;
  }

  kill(): void {
    this.#life += 1;
    this.#daemon = undefined;
  }

  powerCut(): void {
    this.kill();
    this.#last = undefined;
    this.#turns = new Turns();
  }

  /** `configured`: the file its service names. */
  start(
    call: ToolCall,
    configured: string | undefined,
    stale: boolean,
  ): Promise<{ readonly reply: ToolReply; readonly started: boolean }> {
    return this.#turns.take(async () => {
      const life = this.#life;
      const { reply, daemon } = await startIked(call, this.#daemon, configured);
      const isKilled = life !== this.#life || call.isAlive?.() === false;
      if (isKilled || daemon === this.#daemon || daemon === undefined) return { reply, started: false };
      const held = stale ? this.#last : undefined;
      this.#set(held === undefined ? daemon : { ...daemon, config: held.config, preshared: held.preshared });
      return { reply, started: true };
    });
  }

  ask(call: ToolCall, exchanges: () => Exchanges): Promise<ToolReply> {
    return this.#turns.take(async () => {
      const life = this.#life;
      const { reply, daemon } = await ikeadm(call, this.#daemon, exchanges());
      if (life === this.#life && daemon !== undefined) this.#set(daemon);
      return reply;
    });
  }

  hangUp(call: ToolCall): Promise<void> {
    return this.#turns.take(async () => {
      if (this.#daemon === undefined) return;
      const life = this.#life;
      const daemon = await hangUp(call, this.#daemon);
      if (life === this.#life) this.#set(daemon);
    });
  }

  #set(daemon: IkeDaemon): void {
    this.#daemon = daemon;
    this.#last = daemon;
  }
}
