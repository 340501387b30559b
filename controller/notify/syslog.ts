/** Sends a digest to a syslog receiver, by UDP (RFC 5426) or by TCP with octet counting (RFC 6587). */

import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';

import type { NotifierSettings } from '../model/drift.js';
import type { Clock } from '../ports.js';
import { codeOf, connectionFailure } from './connection-failure.js';
import { DeliveryFailure, type Delivery } from './delivery.js';
import { facilityCode, syslogMessages } from './syslog-message.js';
import type { NotifierLimits, NotifierWorld } from './world.js';

export type SyslogSettings = Extract<NotifierSettings, { readonly kind: 'syslog' }>;

/** What every UDP receiver should take (RFC 5426 §3.2), and what common TCP receivers take. */
const MOST_BYTES = { udp: 2048, tcp: 8192 } as const;

/** @throws OperatorError NOTIFIER_SYSLOG */
export function syslog(settings: SyslogSettings, world: NotifierWorld & { readonly limits: NotifierLimits }): Delivery {
  const facility = facilityCode(settings.facility, settings.name);
  const sender = {
    hostName: world.hostName,
    processId: world.processId,
    facility,
    mostBytes: MOST_BYTES[settings.protocol],
  };
  return async (message, signal) => {
    const messages = syslogMessages(message, sender);
    try {
      if (settings.protocol === 'udp') await sendDatagrams(settings, messages, signal);
      else await sendStream(settings, messages, signal, world);
    } catch (error) {
      const { message: reason, detail } = error instanceof DeliveryFailure ? error : connectionFailure(codeOf(error));
      throw new DeliveryFailure(`syslog at ${settings.address}:${settings.port}: ${reason}`, detail);
    }
  };
}

interface Receiver {
  readonly address: string;
  readonly port: number;
}

/** Nothing tells whether a datagram arrives; a receiver on this machine that is not there may be noticed. */
async function sendDatagrams({ address, port }: Receiver, messages: readonly Buffer[], signal: AbortSignal) {
  const found = await lookup(address);
  const socket = createSocket(found.family === 6 ? 'udp6' : 'udp4');
  let failed: Error | undefined;
  socket.on('error', (error) => (failed ??= error));
  try {
    socket.connect(port, found.address);
    await once(socket, 'connect', { signal });
    for (const message of messages) {
      await new Promise<void>((resolve, reject) => {
        socket.send(message, (error) => (error === null ? resolve() : reject(error)));
      });
      if (failed !== undefined) throw failed;
    }
    // That nobody listens on this machine is known at once, and heard of when the socket is looked at again.
    for (let turns = 0; turns < 3 && failed === undefined; turns += 1) await setImmediate();
    if (failed !== undefined) throw failed;
  } finally {
    socket.close();
  }
}

interface TcpWorld {
  readonly clock: Clock;
  readonly limits: Pick<NotifierLimits, 'answerSeconds'>;
}

/** Delivered when all is written, our side is closed and the receiver does not reset the connection. */
async function sendStream(
  { address, port }: Receiver,
  messages: readonly Buffer[],
  signal: AbortSignal,
  { clock, limits }: TcpWorld,
): Promise<void> {
  const socket = connect({ host: address, port, signal });
  const closed = once(socket, 'close');
  // Whoever waits for it hears of it; while nobody does, it is no unhandled rejection.
  closed.catch(() => undefined);
  const over = new AbortController();
  try {
    await once(socket, 'connect', { signal });
    // What it says is of no interest, but must be read: unread bytes turn our closing into a reset.
    socket.resume();
    const frames = messages.flatMap((message) => [Buffer.from(`${message.length} `), message]);
    await new Promise<void>((resolve) => socket.end(Buffer.concat(frames), resolve));
    await Promise.race([closed, clock.after(limits.answerSeconds, AbortSignal.any([signal, over.signal]))]);
  } finally {
    over.abort();
    socket.destroy();
  }
}
