/** This machine's own tries towards hosts: plain TCP connections, as any stranger's, and where its packets leave from. */

import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';

import { formatAddress, parseAddress, type Address } from '../model/address.js';
import type { OwnAnswer, OwnNetwork } from '../ports.js';

/** Nobody listens there (RFC 863 "discard"): a UDP socket that is only connected sends nothing, and has an address. */
const ANY_PORT = 9;

export const ownNetwork: OwnNetwork = { addressesOf, sourceTowards, connect: tryConnection };

async function addressesOf(name: string): Promise<readonly Address[]> {
  const literal = parseAddress(name);
  if (literal !== undefined) return [literal];
  try {
    const found = await lookup(name, { all: true });
    return found.flatMap(({ address }) => parseAddress(address) ?? []);
  } catch {
    // A name that only ssh knows (an alias in its configuration) is none of the network's.
    return [];
  }
}

async function sourceTowards(destination: Address): Promise<Address | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(destination.family === 4 ? 'udp4' : 'udp6');
    const end = (address: Address | undefined): void => {
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.close();
      resolve(address);
    };
    socket.once('error', () => end(undefined));
    socket.once('connect', () => end(parseAddress(socket.address().address)));
    socket.connect(ANY_PORT, formatAddress(destination));
  });
}

/** What the other end, or the network, says of a packet that it did not let through is silence; what fails here is untried. */
const SILENT = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'EPROTO', 'EACCES', 'EPERM']);

async function tryConnection(
  destination: Address,
  port: number,
  seconds: number,
  stop?: AbortSignal,
): Promise<OwnAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ host: formatAddress(destination), port });
    const end = (answer: OwnAnswer): void => {
      clearTimeout(timer);
      stop?.removeEventListener('abort', leave);
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      socket.destroy();
      resolve(answer);
    };
    const leave = (): void => end({ answer: 'untried', text: 'interrupted' });
    const timer = setTimeout(() => end({ answer: 'silent', text: '' }), seconds * 1000);
    stop?.addEventListener('abort', leave);
    socket.once('connect', () => end({ answer: 'open', text: '' }));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? '';
      if (code === 'ECONNREFUSED' || code === 'ECONNRESET') end({ answer: 'closed', text: '' });
      else end({ answer: SILENT.has(code) ? 'silent' : 'untried', text: error.message });
    });
    if (stop?.aborted === true) leave();
  });
}
