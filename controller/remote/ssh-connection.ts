/** A connection that is logged in: runs one command at a time under a time limit, and ends politely or by force. */

import type { Client, ClientChannel, PseudoTtyOptions } from 'ssh2';
import type { SshSettings } from '../model/host.js';
import { HostLinkError } from '../ports.js';
import { within } from './deadline.js';
import { shown } from './host-text.js';
import type { Connection, ProcessEvents, RemoteProcess } from './remote-process.js';
import { commandFailure, cutFailure } from './ssh-failures.js';

/** A polite end costs one round trip; a host that does not give it is left. */
const CLOSE_SECONDS = 2;

/** Passwords are typed on it: it never echoes, whatever the program does. */
const TERMINAL: PseudoTtyOptions = { term: 'dumb', cols: 80, rows: 24, modes: { ECHO: 0 } };

/** Who is talked to: the name of a host, and the jump hosts on the way. */
interface Reached {
  readonly host: string;
  readonly settings: SshSettings;
  readonly through: readonly string[];
}

export function sshConnection({ host, settings, through }: Reached, client: Client, destroy: () => void): Connection {
  let broken: string | undefined;
  client.on('error', (error) => (broken ??= shown(error.message)));
  const closed = new Promise<void>((resolve) => {
    client.once('close', () => {
      broken ??= 'the connection was closed';
      resolve();
    });
  });
  // Its side is closed: nothing more can be asked, though the connection itself ends a moment later.
  client.once('end', () => (broken ??= 'the connection was closed'));
  const seconds = settings.replyTimeoutSeconds;
  return {
    through,
    run: (command, events, on): Promise<RemoteProcess> =>
      within(
        seconds,
        openCommand(client, command, on, (channel) => attach(channel, events, closed, () => broken)).catch(
          (error: unknown) => {
            const place = { host, settings };
            // ssh2 says the same of a refusal and of a connection that ended while it was asked
            const failure = broken === undefined ? commandFailure(place, error) : cutFailure(place, broken);
            throw new HostLinkError(failure, { cause: error });
          },
        ),
        () =>
          new HostLinkError({
            kind: 'timeout',
            reason: `${host} did not start a command within ${seconds} s`,
            todo: 'see whether the host is overloaded',
          }),
      ),
    close: async () => {
      client.end();
      try {
        await within(CLOSE_SECONDS, closed, () => new Error('no end'));
      } catch {
        destroy();
      }
    },
    destroy,
  };
}

/** Listeners go on at once: a command that ends quickly has its exit status in the same packet as the acceptance. */
function openCommand<T>(
  client: Client,
  command: string,
  on: 'terminal' | undefined,
  listen: (channel: ClientChannel) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    client.exec(command, on === 'terminal' ? { pty: TERMINAL } : {}, (error, channel) => {
      if (error) reject(error);
      else resolve(listen(channel));
    });
  });
}

function attach(
  channel: ClientChannel,
  events: ProcessEvents,
  closed: Promise<void>,
  broken: () => string | undefined,
): RemoteProcess {
  let status: number | undefined;
  let signal: string | undefined;
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    events.end({ status, signal, broken: status === undefined && signal === undefined ? broken() : undefined });
  };
  channel.on('exit', (code: number | null, name?: string) => {
    if (code === null) signal = name ?? 'a signal';
    else status = code;
  });
  channel.on('data', (chunk: Buffer) => events.stdout(chunk));
  channel.stderr.on('data', (chunk: Buffer) => events.stderr(chunk));
  channel.on('error', () => end());
  channel.once('close', end);
  // A connection that dies closes its channels itself; this is for one that forgets to.
  void closed.then(() => setImmediate(end));
  return {
    write: (data) => {
      if (!ended && channel.writable) channel.write(data);
    },
  };
}
