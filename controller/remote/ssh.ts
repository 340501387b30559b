/** Opens SSH connections: the way, TCP, host key, login, each machine under its time limit. With its ssh-* neighbours the client's home of ssh2. */

import { connect as connectTcp } from 'node:net';
import type { Host } from '../model/host.js';
import { HostLinkError } from '../ports.js';
import type { LinkFailure, Log } from '../ports.js';
import { Deadline } from './deadline.js';
import type { Connection } from './remote-process.js';
import { configAsker, SshConfigError } from './ssh-config.js';
import { sshConnection } from './ssh-connection.js';
import { createCredentials } from './ssh-credentials.js';
import type { Ask, Credentials, Environment } from './ssh-credentials.js';
import { authentication } from './ssh-auth.js';
import { connectFailure, connectTimeout, DroppedError, errorCode } from './ssh-failures.js';
import { handshake } from './ssh-handshake.js';
import type { Hop } from './ssh-hop.js';
import { JumpHosts } from './ssh-jump-hosts.js';
import type { LogIn, Passage } from './ssh-jump-hosts.js';
import { onceRaised } from './once-raised.js';
import { RETRYING, untilNotDropped } from './ssh-retry.js';
import type { Retrying } from './ssh-retry.js';
import { routeTo } from './ssh-route.js';
import type { Route } from './ssh-route.js';
import { trustedKeysReader } from './trusted-keys.js';

export interface ConnectorOptions {
  readonly env: Environment;
  readonly ask?: Ask;
  readonly log: Log;
  /** Told once of what ssh_config(5) says and is not gone by. */
  readonly note?: (text: string) => void;
  /** Instead of ones of its own. */
  readonly credentials?: Credentials;
  /** Once it is raised, a connection that was dropped is not asked for again. */
  readonly stop?: AbortSignal | undefined;
  /** Once it is raised, no connection is waited for. */
  readonly looking?: AbortSignal | undefined;
  readonly retrying?: Retrying;
}

export type Connect = (host: Host) => Promise<Connection>;

/** Before the next address of the name is tried as well (RFC 8305 says 250 ms, too little for a slow link). */
const NEXT_ADDRESS_MS = 1000;

/** Keys, passwords, known_hosts and configuration files are read once and kept as long as the connector lives. */
export function createConnector(options: ConnectorOptions): Connect {
  const { env, log, retrying = RETRYING } = options;
  const credentials = options.credentials ?? createCredentials(env, options.ask);
  const trustedKeys = trustedKeysReader(env);
  const askConfig = configAsker(env);
  const told = new Set<string>();

  // The time of a machine begins when its jump hosts are there: theirs is their own.
  const logInTo = async (hop: Hop, jumps: readonly Hop[], isJump: boolean): ReturnType<LogIn> => {
    const place = { host: hop.name, settings: hop.settings };
    const known = await trustedKeys(hop, isJump);
    const way = jumps.map(({ settings }) => settings.host).join(', then ');
    let stage = way === '' ? 'TCP' : `TCP by way of ${way}`;
    const deadline = new Deadline(
      hop.settings.connectTimeoutSeconds,
      () => new HostLinkError(connectTimeout(place, stage)),
    );
    const forgetLooking = onceRaised(options.looking, () => deadline.cut());
    let letGo = (): void => undefined;
    const attempt = async (tries: number): ReturnType<LogIn> => {
      let passage: Passage | undefined;
      let isTooLate = false;
      try {
        deadline.pause();
        const opening = jumpHosts
          .open(jumps, hop, () => deadline.resume())
          .then((opened) => {
            if (isTooLate) opened.destroy();
            return opened;
          });
        passage = await deadline.race(opening);
        const former = letGo;
        letGo = jumpHosts.hold(jumps);
        former();
        stage = tries === 1 ? 'SSH handshake' : `SSH handshake; ${tries - 1} tries before were dropped`;
        const auth = authentication(hop, credentials, env, deadline);
        const client = await deadline.race(handshake(passage.stream, hop, known, auth, () => (stage = 'login')));
        const { destroy } = passage;
        return { client, destroy };
      } catch (error) {
        isTooLate = true;
        passage?.destroy();
        throw error;
      }
    };
    try {
      return await untilNotDropped(attempt, { deadline, retrying, stop: options.stop });
    } finally {
      deadline.clear();
      forgetLooking();
      letGo();
    }
  };
  const jumpHosts = new JumpHosts(
    (hop, jumps) => logInTo(hop, jumps, true),
    (hop) => openSocket(hop, options.looking),
  );

  return async (host) => {
    const route = await findRoute(host, () => routeTo(host, askConfig, env));
    for (const note of route.notes) {
      if (told.size === told.add(note).size) continue;
      log.event('warn', 'ssh.config', { note });
      options.note?.(note);
    }
    const hop = route.host;
    const { client, destroy } = await logInTo(hop, route.jumps, false);
    log.event('debug', 'ssh.connected', {
      host: host.name,
      address: hop.settings.host,
      port: hop.settings.port,
      user: hop.settings.user,
      through: route.jumps.map(({ settings }) => `${settings.user}@${settings.host}:${settings.port}`),
    });
    const through = route.jumps.map(({ settings }) => settings.host);
    return sshConnection({ host: host.name, settings: hop.settings, through }, client, destroy);
  };
}

async function findRoute(host: Host, find: () => Promise<Route>): Promise<Route> {
  try {
    return await find();
  } catch (error) {
    if (!(error instanceof SshConfigError)) throw error;
    const failure: LinkFailure = {
      kind: 'unreachable',
      reason: `${host.name} is not connected to: ${error.message}`,
      todo: 'mend the file, or write "ssh: { config: none }" to the inventory and what is needed there',
    };
    throw new HostLinkError(failure, { cause: error });
  }
}

/** Our own socket, since ssh2 never sets TCP_NODELAY and does not try a name's other addresses. */
function openSocket(hop: Hop, looking: AbortSignal | undefined): Promise<Passage> {
  const { host, port } = hop.settings;
  const socket = connectTcp({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
    ...(hop.family === undefined ? {} : { family: hop.family }),
    ...(hop.localAddress === undefined ? {} : { localAddress: hop.localAddress }),
  });
  const place = { host: hop.name, settings: hop.settings };
  // Nobody waits any longer then; left to itself it would go on for minutes, and this process with it.
  const timer = setTimeout(() => socket.destroy(), hop.settings.connectTimeoutSeconds * 1000).unref();
  const forgetLooking = onceRaised(looking, () => socket.destroy());
  const settle = (): void => {
    clearTimeout(timer);
    forgetLooking();
  };
  return new Promise((resolve, reject) => {
    socket.once('connect', () => {
      settle();
      resolve({ stream: socket, destroy: () => socket.destroy() });
    });
    // Stays: an error after this is told by ssh2 as well, and without a listener it would end the process.
    socket.on('error', (error) => {
      settle();
      // A reset may overtake the news that the connection is there.
      const Failure = errorCode(error) === 'ECONNRESET' ? DroppedError : HostLinkError;
      reject(new Failure(connectFailure(place, error), { cause: error }));
    });
  });
}
