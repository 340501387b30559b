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
  /** Whether the first packet of a connection from this port, and the answer to it, pass; all do when it is not given. */
  readonly admits?: (clientPort: number) => boolean;
  /** Starts a command with pipes for its three streams. */
  /** `connection`: addresses and ports of client and server, as sshd puts them into SSH_CONNECTION. */
  readonly start: (command: string, connection: string) => Child;
}

/** How a host that has no power answers: at once with a reset, or never. */
export type OffStyle = 'reset' | 'silent';

/** What becomes of packets on their way: nothing is lost for good but new connections, since TCP sends again. */
export type Network = 'up' | 'down' | 'replies-lost';

/** Waits before a client sends its first packet again, and after the last of them gives up (RFC 6298; Linux tcp_syn_retries). */
const KNOCKS_SECONDS = [1, 2, 4, 8, 16, 32, 64];

export class SshService {
  readonly #tcp: TcpServer;
  readonly #sockets = new Set<Socket>();
  #ssh: SshServer | undefined;
  #hostKey: string;
  #banner: string | undefined;
  #off: OffStyle | undefined;
  #network: Network = 'up';
  /** Connections that were let in. */
  readonly #latched = new Set<Socket>();
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

  /** While it is not up no new connection comes about, and those that are open stand still. */
  setNetwork(network: Network): void {
    this.#network = network;
    for (const socket of this.#latched) {
      if (network === 'down') socket.pause();
      else socket.resume();
      if (network !== 'up') socket.cork();
      else while (socket.writableCorked > 0) socket.uncork();
    }
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
    if (this.#off === 'silent') silence(socket, this.#off);
    else if (this.#off === 'reset' || this.options.faults.refuseConnections === true) refuse(socket);
    else this.#knock(socket);
  }

  /** A packet that is dropped gets no answer; the client tries again by itself, until it gives up. */
  #knock(socket: Socket): void {
    if (this.#isOpenTo(socket)) return this.#welcome(socket);
    const sent: Buffer[] = [];
    const waits = [...KNOCKS_SECONDS];
    const listen = (chunk: Buffer): void => void sent.push(chunk);
    const giveUp = (): void => void socket.destroy();
    let again: NodeJS.Timeout | undefined;
    const next = (): void => {
      const wait = waits.shift();
      if (wait === undefined) giveUp();
      else again = setTimeout(knock, wait * 1000).unref();
    };
    const knock = (): void => {
      if (this.#off !== undefined) return;
      if (!this.#isOpenTo(socket)) return next();
      socket.pause().off('data', listen).off('end', giveUp);
      if (sent.length > 0) socket.unshift(Buffer.concat(sent));
      this.#welcome(socket);
    };
    socket.on('data', listen).on('end', giveUp);
    socket.once('close', () => clearTimeout(again));
    next();
  }

  #isOpenTo(socket: Socket): boolean {
    return this.#network === 'up' && this.options.admits?.(socket.remotePort ?? 0) !== false;
  }

  #welcome(socket: Socket): void {
    this.#welcomed++;
    this.#latched.add(socket);
    socket.once('close', () => this.#latched.delete(socket));
    this.#protocol().injectSocket(socket);
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

/** In words, as only a port that nobody has bound is refused: what sshd merely drops, clients ask for again. */
function refuse(socket: Socket): void {
  socket.resume().end('this host of the lab is off, or lets nobody in\r\n');
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
