/** Opens SSH connections: TCP, host key, login, all within one time limit. With its ssh-* neighbours the client's home of ssh2. */

import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import ssh2 from 'ssh2';
import type { Algorithms } from 'ssh2';
import type { Host, SshSettings } from '../model/host.js';
import { HostLinkError } from '../ports.js';
import type { LinkFailure, Log } from '../ports.js';
import { Deadline } from './deadline.js';
import { hostKeyAlgorithms, judgeHostKey } from './host-keys.js';
import type { KnownKeys } from './host-keys.js';
import type { Connection } from './remote-process.js';
import { authentication } from './ssh-auth.js';
import type { Authentication } from './ssh-auth.js';
import { sshConnection } from './ssh-connection.js';
import { createCredentials } from './ssh-credentials.js';
import type { Ask, Environment } from './ssh-credentials.js';
import { authFailure, connectFailure, connectTimeout, handshakeFailure } from './ssh-failures.js';
import { trustedKeysReader } from './trusted-keys.js';

export interface ConnectorOptions {
  readonly env: Environment;
  readonly ask?: Ask;
  readonly log: Log;
}

export type Connect = (host: Host) => Promise<Connection>;

/** Cheap and sound first (curve25519 and P-256 cost half of the others); no SHA-1, no CBC. */
const ALGORITHMS = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group-exchange-sha256',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group14-sha256',
  ],
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
  ],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
} satisfies Algorithms;

const KEEPALIVE_MS = 10_000;
const KEEPALIVES_UNANSWERED = 3;
/** Before the next address of the name is tried as well (RFC 8305 says 250 ms, too little for a slow link). */
const NEXT_ADDRESS_MS = 1000;

/** Keys, passwords and known_hosts files are read once and kept as long as the connector lives. */
export function createConnector({ env, ask, log }: ConnectorOptions): Connect {
  const credentials = createCredentials(env, ask);
  const trustedKeys = trustedKeysReader(env);
  return async (host) => {
    const place = { host: host.name, settings: host.ssh };
    const known = await trustedKeys(host);
    let stage = 'TCP';
    const deadline = new Deadline(
      host.ssh.connectTimeoutSeconds,
      () => new HostLinkError(connectTimeout(place, stage)),
    );
    const socket = openSocket(host.ssh);
    try {
      await deadline.race(connected(socket, place));
      stage = 'SSH handshake';
      const auth = authentication(host.ssh, credentials, env, deadline);
      const client = await deadline.race(handshake(socket, place, known, auth, () => (stage = 'login')));
      log.event('debug', 'ssh.connected', { host: host.name, port: host.ssh.port });
      return sshConnection(host.name, host.ssh, client, socket);
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      deadline.clear();
    }
  };
}

/** Our own socket, since ssh2 never sets TCP_NODELAY and does not try a name's other addresses. */
function openSocket({ host, port }: SshSettings): Socket {
  return connectTcp({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
  });
}

type Place = { readonly host: string; readonly settings: SshSettings };

function connected(socket: Socket, place: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    // Stays: an error after this is told by ssh2 as well, and without a listener it would end the process.
    socket.on('error', (error) => reject(new HostLinkError(connectFailure(place, error), { cause: error })));
  });
}

function handshake(
  socket: Socket,
  place: Place,
  known: KnownKeys,
  auth: Authentication,
  onKeysAgreed: () => void,
): Promise<ssh2.Client> {
  const client = new ssh2.Client();
  let distrust: LinkFailure | undefined;
  let keysAgreed = false;
  return new Promise((resolve, reject) => {
    const fail = (failure: LinkFailure, cause?: unknown): void => {
      reject(new HostLinkError(failure, { cause }));
    };
    const explain = (error: Error): LinkFailure => {
      if (distrust !== undefined) return distrust;
      if (keysAgreed) return authFailure(place, auth.tried(), error);
      return handshakeFailure(place, error, socket.bytesRead === 0 ? 'silent' : 'began');
    };
    client.on('handshake', () => {
      keysAgreed = true;
      onKeysAgreed();
    });
    client.on('ready', () => resolve(client));
    client.on('error', (error: Error & { level?: string }) => {
      // An SSH agent that does not sign for one key: ssh2 goes on to the next by itself.
      if (error.level !== 'agent') fail(explain(error), error);
    });
    client.on('close', () => fail(explain(new Error('the connection was closed'))));
    client.connect({
      sock: socket,
      username: place.settings.user,
      // Both are ours: one limit for all of it, and only the methods that are configured.
      readyTimeout: 0,
      authHandler: (methodsLeft, partial, next) => {
        auth.next(methodsLeft, partial, next, () => fail(authFailure(place, auth.tried())));
      },
      hostVerifier: (key: Buffer) => {
        distrust = judgeHostKey(known, key);
        return distrust === undefined;
      },
      keepaliveInterval: KEEPALIVE_MS,
      keepaliveCountMax: KEEPALIVES_UNANSWERED,
      algorithms: { ...ALGORITHMS, serverHostKey: hostKeyAlgorithms(known) },
    });
  });
}
