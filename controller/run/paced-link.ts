/** Connections of one pass: each host has its turn at its time, and all of them can be given up. */

import type { Host } from '../model/host.js';
import { HostLinkError, type Clock, type HostLink, type HostSession, type SessionMode } from '../ports.js';

export interface Pace {
  /** Milliseconds since 1970, by host; a host without one has its turn at once. */
  readonly notBefore: ReadonlyMap<string, number>;
  readonly clock: Clock;
  readonly stop: AbortSignal;
}

export class PacedLink implements HostLink {
  readonly #open = new Set<HostSession>();
  readonly #passedOver = new Set<string>();
  #isGivenUp = false;

  constructor(
    private readonly link: HostLink,
    private readonly pace: Pace,
  ) {}

  /** Whether the host was never asked, because the pass was stopped before its turn. */
  isPassedOver(host: string): boolean {
    return this.#passedOver.has(host);
  }

  async open(host: Host, how?: SessionMode): Promise<HostSession> {
    await this.#turnOf(host);
    const session = await this.link.open(host, how);
    this.#open.add(session);
    if (this.#isGivenUp) await this.giveUp();
    return this.#following(session);
  }

  /** Closes what is open, and whatever opens from now on. */
  async giveUp(): Promise<void> {
    this.#isGivenUp = true;
    const sessions = [...this.#open];
    this.#open.clear();
    await Promise.allSettled(sessions.map((session) => session.close()));
  }

  async #turnOf(host: Host): Promise<void> {
    const { clock, notBefore, stop } = this.pace;
    const waitSeconds = ((notBefore.get(host.name) ?? 0) - clock.now().getTime()) / 1000;
    try {
      if (waitSeconds > 0) await clock.after(waitSeconds, stop);
      stop.throwIfAborted();
    } catch (cause) {
      if (!stop.aborted) throw cause;
      this.#passedOver.add(host.name);
      throw new HostLinkError(
        { kind: 'unreachable', reason: 'stopped before its turn', todo: 'look again' },
        { cause },
      );
    }
  }

  /** The session, forgotten here once it is closed: a pass has thousands of them, and few at a time. */
  #following(session: HostSession): HostSession {
    return {
      ...session,
      close: async () => {
        this.#open.delete(session);
        await session.close();
      },
    };
  }
}
