/** Connections to jump hosts: one to each, shared by all hosts behind it for as long as any of them is talked to. */

import type { Duplex } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { HostLinkError } from '../ports.js';
import type { LinkFailure } from '../ports.js';
import { forwardFailure } from './ssh-failures.js';
import type { Hop } from './ssh-hop.js';

/** A stream to a machine, and how it is cut off at once. */
export interface Passage {
  readonly stream: Duplex;
  destroy(): void;
}

/** Logs in to a machine that is behind the others. @throws HostLinkError */
export type LogIn = (hop: Hop, jumps: readonly Hop[]) => Promise<{ client: Client; destroy(): void }>;

interface Shared {
  readonly login: ReturnType<LogIn>;
  users: number;
}

/** A jump host that could not be reached is not asked again for so long: the hosts behind it fail with it, not one by one. */
const FAILURE_KEPT_MS = 2000;
/** A polite end costs one round trip; a jump host that does not give it is left. */
const CLOSE_MS = 2000;

export class JumpHosts {
  readonly #shared = new Map<string, Shared>();

  constructor(
    private readonly logIn: LogIn,
    private readonly openSocket: (hop: Hop) => Promise<Passage>,
  ) {}

  /**
   * A stream to `to` from the last of `jumps`, each reached through the one before; when it closes, jump hosts that nobody
   * else uses are left. `onAsked` is called when the jump hosts are there, and the machine itself is asked for.
   * @throws HostLinkError that names the jump host it failed at
   */
  async open(jumps: readonly Hop[], to: Hop, onAsked: () => void): Promise<Passage> {
    const last = jumps.at(-1);
    if (last === undefined) {
      onAsked();
      return this.openSocket(to);
    }
    const key = keyOf(jumps);
    const shared = this.#shared.get(key) ?? this.#enter(key, jumps);
    const leave = this.#use(key, shared);
    try {
      const { client } = await shared.login;
      onAsked();
      const channel = await forward(client, last, to);
      channel.once('close', leave);
      return { stream: channel, destroy: () => void channel.destroy() };
    } catch (error) {
      leave();
      throw error instanceof HostLinkError ? behind(error, to, jumps) : error;
    }
  }

  /** Keeps the jump hosts while a machine behind them that dropped a connection is asked again, until the answer is called. */
  hold(jumps: readonly Hop[]): () => void {
    const key = keyOf(jumps);
    const shared = this.#shared.get(key);
    return shared === undefined ? () => undefined : this.#use(key, shared);
  }

  #use(key: string, shared: Shared): () => void {
    shared.users += 1;
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      shared.users -= 1;
      if (shared.users === 0) void this.#close(key, shared);
    };
  }

  #enter(key: string, jumps: readonly Hop[]): Shared {
    const [before, last] = [jumps.slice(0, -1), jumps.at(-1)];
    if (last === undefined) throw new Error('a way without jump hosts is not shared');
    const shared: Shared = { login: this.logIn(last, before), users: 0 };
    this.#shared.set(key, shared);
    shared.login.then(
      // one that is gone serves nobody who comes later
      ({ client }) => client.once('close', () => this.#forget(key, shared)),
      () => setTimeout(() => this.#forget(key, shared), FAILURE_KEPT_MS).unref(),
    );
    return shared;
  }

  #forget(key: string, shared: Shared): void {
    if (this.#shared.get(key) === shared) this.#shared.delete(key);
  }

  async #close(key: string, shared: Shared): Promise<void> {
    const login = await shared.login.catch(() => undefined);
    // somebody may have come meanwhile
    if (login === undefined || shared.users > 0) return;
    this.#forget(key, shared);
    const timer = setTimeout(() => login.destroy(), CLOSE_MS);
    login.client.once('close', () => clearTimeout(timer));
    login.client.end();
  }
}

function keyOf(jumps: readonly Hop[]): string {
  return JSON.stringify(jumps.map(({ settings, agentSocket, hostKeyAlias }) => [settings, agentSocket, hostKeyAlias]));
}

function forward(client: Client, from: Hop, to: Hop): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    const { host, port } = to.settings;
    try {
      client.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
        if (error) reject(new HostLinkError(forwardFailure(from, to, error), { cause: error }));
        else resolve(channel);
      });
    } catch (error) {
      // ssh2 throws where the connection has just ended
      reject(new HostLinkError(forwardFailure(from, to, error), { cause: error }));
    }
  });
}

/** The failure of a jump host is that of every host behind it, and says so. */
function behind(error: HostLinkError, to: Hop, jumps: readonly Hop[]): HostLinkError {
  const { failure } = error;
  if (failure.reason.startsWith(`${to.name} `)) return error;
  const way = jumps.length === 1 ? '' : ` (${jumps.map(({ settings }) => settings.host).join(', then ')})`;
  const told: LinkFailure = { ...failure, reason: `${to.name} is not reached${way}: ${failure.reason}` };
  return new HostLinkError(told, { cause: error });
}
