/** Sessions kept open between two stages of a run, so that a host costs one connection for both; bounded, so that memory stays flat. */

import type { Host } from '../model/host.js';
import type { HostLink, HostSession, SessionMode } from '../ports.js';

/** Beyond this many the session is closed and opened again when its turn comes. */
const MOST_KEPT = 256;

export class SessionLot {
  readonly #kept = new Map<string, HostSession>();

  constructor(
    private readonly link: HostLink,
    private readonly mode?: SessionMode,
  ) {}

  /** A new connection, always: an open one may live on a policy that the kernel no longer grants to new ones. */
  async openNew(host: Host): Promise<HostSession> {
    return this.link.open(host, this.mode);
  }

  /** A new connection that changes nothing on the host. */
  async openToLook(host: Host): Promise<HostSession> {
    return this.link.open(host, { readOnly: true });
  }

  /** The kept session of that host, or a new one. */
  async take(host: Host): Promise<HostSession> {
    const kept = this.#kept.get(host.name);
    this.#kept.delete(host.name);
    return kept ?? this.openNew(host);
  }

  async keep(host: Host, session: HostSession): Promise<void> {
    if (this.#kept.size >= MOST_KEPT) return session.close();
    await this.drop(host);
    this.#kept.set(host.name, session);
  }

  async drop(host: Host): Promise<void> {
    const session = this.#kept.get(host.name);
    this.#kept.delete(host.name);
    await session?.close();
  }

  async closeAll(): Promise<void> {
    const sessions = [...this.#kept.values()];
    this.#kept.clear();
    await Promise.all(sessions.map((session) => session.close()));
  }
}
