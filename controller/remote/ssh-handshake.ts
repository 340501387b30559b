/** From a stream to a login: algorithms, the host's key, then who we are. Tells what failed in the order it was tried. */

import type { Duplex } from 'node:stream';
import ssh2 from 'ssh2';
import { HostLinkError } from '../ports.js';
import type { LinkFailure } from '../ports.js';
import { hostKeyAlgorithms, judgeHostKey } from './host-keys.js';
import type { KnownKeys } from './host-keys.js';
import type { Authentication } from './ssh-auth.js';
import { authFailure, DroppedError, errorCode, handshakeFailure, isDrop } from './ssh-failures.js';
import type { Heard } from './ssh-failures.js';
import type { Hop } from './ssh-hop.js';
import { OfferReader } from './ssh-offer.js';

/** @throws HostLinkError, a DroppedError where another connection may fare better; the stream is then the caller's to destroy */
export function handshake(
  stream: Duplex,
  hop: Hop,
  known: KnownKeys,
  auth: Authentication,
  onKeysAgreed: () => void,
): Promise<ssh2.Client> {
  const client = new ssh2.Client();
  const place = { host: hop.name, settings: hop.settings };
  const heard = new OfferReader();
  const hear = (chunk: Buffer): void => heard.push(chunk);
  let distrust: LinkFailure | undefined;
  let keysAgreed = false;
  return new Promise((resolve, reject) => {
    const explain = (error: Error): LinkFailure => {
      if (distrust !== undefined) return distrust;
      if (keysAgreed) return authFailure(place, auth.tried(), error);
      return handshakeFailure(place, error, heardSoFar());
    };
    const heardSoFar = (): Heard => ({
      isSilent: heard.isSilent,
      greeting: heard.greeting(),
      offer: heard.offer(),
      ours: hop.algorithms,
    });
    /** The host ended it, before it was known who we are: no word of ssh2, no key that is refused. */
    const isDropped = (error: Error): boolean =>
      distrust === undefined &&
      !keysAgreed &&
      (stream.readableEnded || stream.destroyed || ['ECONNRESET', 'EPIPE'].includes(errorCode(error))) &&
      isDrop(heardSoFar());
    const end = (error: Error): void => {
      const failure = explain(error);
      reject(
        isDropped(error) ? new DroppedError(failure, { cause: error }) : new HostLinkError(failure, { cause: error }),
      );
    };
    client.on('handshake', () => {
      keysAgreed = true;
      stream.off('data', hear);
      heard.clear();
      onKeysAgreed();
    });
    client.on('ready', () => resolve(client));
    client.on('error', (error: Error & { level?: string }) => {
      // An SSH agent that does not sign for one key: ssh2 goes on to the next by itself.
      if (error.level !== 'agent') end(error);
    });
    client.on('end', () => end(new Error('the connection was closed')));
    client.on('close', () => end(new Error('the connection was closed')));
    client.connect({
      sock: stream,
      username: hop.settings.user,
      // Both are ours: one limit for all of it, and only the methods that are configured.
      readyTimeout: 0,
      authHandler: (methodsLeft, partial, next) => {
        auth.next(methodsLeft, partial, next, () => reject(new HostLinkError(authFailure(place, auth.tried()))));
      },
      hostVerifier: (key: Buffer) => {
        distrust = judgeHostKey(known, key);
        return distrust === undefined;
      },
      keepaliveInterval: hop.keepaliveSeconds * 1000,
      keepaliveCountMax: hop.keepalivesUnanswered,
      algorithms: {
        kex: [...hop.algorithms.kex],
        serverHostKey: hostKeyAlgorithms(known, hop.algorithms.serverHostKey),
        cipher: [...hop.algorithms.cipher],
        hmac: [...hop.algorithms.hmac],
        compress: ['none'],
      },
    });
    // ssh2 has paused the stream until it is ready to read; we hear what it hears
    stream.on('data', hear);
  });
}
