/** What a host says before anything is encrypted: its version and the algorithms it offers (RFC 4253 §4.2, §7.1). */

import type { AlgorithmRole } from './ssh-algorithms.js';

export interface HostOffer {
  /** `SSH-2.0-Sun_SSH_1.1.5`. */
  readonly version: string;
  readonly algorithms: Readonly<Record<AlgorithmRole, readonly string[]>> | undefined;
}

/** More than any honest greeting and key exchange message together. */
const MOST_BYTES = 64 * 1024;
const IDENT = /^SSH-[^\r\n]*/m;
const KEXINIT = 20;
const COOKIE_BYTES = 16;

/** Listens in on the first bytes of a connection; asked only when it fails. */
export class OfferReader {
  #bytes: Buffer = Buffer.alloc(0);
  #heard = 0;

  /** Whether the host has said anything. */
  get isSilent(): boolean {
    return this.#heard === 0;
  }

  push(chunk: Buffer): void {
    this.#heard += chunk.length;
    if (this.#bytes.length < MOST_BYTES) this.#bytes = Buffer.concat([this.#bytes, chunk]);
  }

  /** Forgets what was heard: the connection is up. */
  clear(): void {
    this.#bytes = Buffer.alloc(0);
  }

  /** What came before its version, or instead of one. */
  greeting(): string {
    const text = this.#bytes.toString('latin1');
    const ident = IDENT.exec(text);
    return ident === null ? text : text.slice(0, ident.index);
  }

  offer(): HostOffer | undefined {
    const text = this.#bytes.toString('latin1');
    const ident = IDENT.exec(text);
    if (ident === null) return undefined;
    const [version] = ident;
    const lineEnd = text.indexOf('\n', ident.index);
    return { version, algorithms: lineEnd === -1 ? undefined : parseKexInit(this.#bytes.subarray(lineEnd + 1)) };
  }
}

/** A packet in the clear: length, padding length, message. */
function parseKexInit(packet: Buffer): HostOffer['algorithms'] {
  if (packet.length < 6 || packet[5] !== KEXINIT) return undefined;
  const end = Math.min(packet.length, 4 + packet.readUInt32BE(0));
  const lists: (readonly string[])[] = [];
  for (let at = 6 + COOKIE_BYTES; lists.length < 6 && at + 4 <= end;) {
    const length = packet.readUInt32BE(at);
    at += 4;
    if (at + length > end) return undefined;
    lists.push(
      packet
        .toString('latin1', at, at + length)
        .split(',')
        .filter(Boolean),
    );
    at += length;
  }
  const [kex, serverHostKey, cipher, , hmac] = lists;
  if (kex === undefined || serverHostKey === undefined || cipher === undefined || hmac === undefined) return undefined;
  return { kex, serverHostKey, cipher, hmac };
}
