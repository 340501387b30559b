/** What a host tells of names and addresses around it: its hosts file, and `ifconfig -a`. Pure. */

import { type Address, formatAddress, parseAddress } from '../model/address.js';
import type { HostSurroundings } from '../model/observation.js';
import type { ReplySection } from './agent-reply.js';

export function parseSurroundings(reply: ReplySection): HostSurroundings {
  const lines = (name: string): readonly string[] =>
    reply.items.flatMap((item) => (item.kind === 'section' && item.name === name ? item.lines : []));
  const client = reply.items.flatMap((item) =>
    item.kind === 'record' && item.name === 'fact' && item.fields.get('name') === 'client'
      ? (item.fields.get('text') ?? [])
      : [],
  )[0];
  return {
    client: client === undefined || parseAddress(client) === undefined ? undefined : client,
    hosts: lines('hosts').join('\n'),
    addresses: interfaceAddresses(lines('interfaces')),
  };
}

/** `inet 10.0.1.11 netmask …` and `inet6 fd00::11/64`; loopback, link-local and unset addresses say nothing. */
export function interfaceAddresses(lines: readonly string[]): readonly Address[] {
  const found = new Map<string, Address>();
  for (const line of lines) {
    const text = /^\s*inet6? ([0-9a-fA-F.:]+)/.exec(line)?.[1];
    const address = text === undefined ? undefined : parseAddress(text);
    if (address === undefined || !isReachable(address)) continue;
    found.set(formatAddress(address), address);
  }
  return [...found.values()];
}

function isReachable({ family, value }: Address): boolean {
  if (family === 4) return value !== 0n && value >> 24n !== 127n;
  // fe80::/10 is link-local (RFC 4291 §2.5.6).
  return value > 1n && value >> 118n !== 0x3fan;
}
