/**
 * The SSH service of one lab host: authenticates the lab's client and runs commands, as a real sshd would be seen from outside.
 * Owns the listening port and the connections; knows nothing of what the commands are.
 */

import { createServer, type Server as TcpServer, type Socket } from 'node:net';
import type { ChildProcessWithoutNullStreams as Child } from 'node:child_process';
import ssh2, { type Connection, type Server as SshServer, type Session } from 'ssh2';
import { OperatorError } from '../errors.js';
import { isErrno } from './errno.js';
import { authenticator, type SshCredentials } from './ssh-auth.js';
import { joinChannel } from './ssh-exec.js';
import type { SshFaults } from './ssh-faults.js';

export interface SshServiceOptions {
  /** 0 = any free port. */
  readonly port: number;
  /** OpenSSH private key. */
  readonly hostKey: string;
  readonly credentials: SshCredentials;
  readonly faults: SshFaults;
  /** Starts a command with pipes for its three streams. */
  /** `connection`: addresses and ports of client and server, as sshd puts them into SSH_CONNECTION. */
  readonly start: (command: string, connection: string) => Child;
}

/** How a host that has no power answers: at once with a reset, or never. */
export type OffStyle = 'reset' | 'silent';

export class SshService {
  readonly #tcp: TcpServer;
  readonly #sockets = new Set<Socket>();
  #ssh: SshServer | undefined;
  #hostKey: string;
  #banner: string | undefined;
  #off: OffStyle | undefined;
  #welcomed = 0;

  private constructor(private readonly options: SshServiceOptions) {
    this.#hostKey = options.hostKey;
    this.#tcp = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  static async listen(options: SshServiceOptions): Promise<SshService> {
    const service = new SshService(options);
    const tcp = service.#tcp;
    await new Promise<void>((resolve, reject) => {
      tcp.once('error', (error) => reject(isErrno(error, 'EADDRINUSE') ? portTaken(options.port, error) : error));
      tcp.listen(options.port, '127.0.0.1', resolve);
    });
    return service;
  }

  get port(): number {
    const address = this.#tcp.address();
    if (address === null || typeof address === 'string') throw new Error('the SSH service does not listen');
    return address.port;
  }

  /** Connections now open. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Connections that were let in to authenticate, since the service began. */
  get welcomed(): number {
    return this.#welcomed;
  }

  /** New connections meet this key from now on. */
  setHostKey(hostKey: string): void {
    this.#hostKey = hostKey;
    this.#ssh = undefined;
  }

  /** The port stays bound, so that no other process can take it before the host is back. */
  switchOff(style: OffStyle): void {
    this.#off = style;
    for (const socket of this.#sockets) silence(socket, style);
  }

  switchOn(): void {
    for (const socket of this.#sockets) if (this.#off === 'silent') socket.destroy();
    this.#off = undefined;
  }

  /** Breaks every open connection; new ones are welcome. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#tcp.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** The protocol with the present key and banner. */
  #protocol(): SshServer {
    const banner = this.options.faults.banner;
    if (this.#ssh !== undefined && this.#banner === banner) return this.#ssh;
    const server = new ssh2.Server(
      { hostKeys: [this.#hostKey], ident: 'OpenSSH_lab', ...(banner === undefined ? {} : { banner }) },
      (connection, client) => this.#serve(connection, client.port),
    );
    server.on('error', () => undefined);
    this.#banner = banner;
    this.#ssh = server;
    return server;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    if (this.#off !== undefined) silence(socket, this.#off);
    else if (this.options.faults.refuseConnections === true) socket.resetAndDestroy();
    else {
      this.#welcomed++;
      this.#protocol().injectSocket(socket);
    }
  }

  #serve(connection: Connection, clientPort: number): void {
    const { credentials, faults } = this.options;
    const socket = [...this.#sockets].find((candidate) => candidate.remotePort === clientPort);
    connection.on('error', () => connection.end());
    connection.on('authentication', authenticator(credentials, faults));
    connection.on('session', (accept) => this.#session(accept(), connectionWords(socket), () => socket?.destroySoon()));
  }

  #session(session: Session, connection: string, drop: () => void): void {
    const children = new Set<Child>();
    session.on('exec', (accept, _reject, info) => {
      const child = this.options.start(info.command, connection);
      children.add(child);
      child.once('close', () => children.delete(child));
      joinChannel(accept(), child, this.options.faults, drop);
    });
    session.on('signal', (_accept, _reject, info) => {
      for (const child of children) child.kill(signalName(info.name));
    });
    // Accepted and ignored, as sshd does with variables that AcceptEnv does not name.
    session.on('env', (accept: (() => void) | undefined) => accept?.());
  }
}

function connectionWords(socket: Socket | undefined): string {
  const { remoteAddress = '127.0.0.1', remotePort = 0, localAddress = '127.0.0.1', localPort = 22 } = socket ?? {};
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

function silence(socket: Socket, style: OffStyle): void {
  if (style === 'reset') socket.resetAndDestroy();
  else {
    socket.pause();
    socket.cork();
  }
}

const SIGNALS: Readonly<Record<string, NodeJS.Signals>> = {
  HUP: 'SIGHUP',
  INT: 'SIGINT',
  KILL: 'SIGKILL',
  PIPE: 'SIGPIPE',
  QUIT: 'SIGQUIT',
  TERM: 'SIGTERM',
  USR1: 'SIGUSR1',
  USR2: 'SIGUSR2',
};

function signalName(name: string): NodeJS.Signals {
  return SIGNALS[name.replace(/^SIG/, '')] ?? 'SIGTERM';
}

function portTaken(port: number, cause: Error): OperatorError {
  return new OperatorError('LAB_PORT_TAKEN', {
    what: `port ${port} on 127.0.0.1 is taken by another process`,
    todo: 'end that process, or change the host’s port in the inventory and in lab.json',
    cause,
  });
}
