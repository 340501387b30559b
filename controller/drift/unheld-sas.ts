/**
 * The kernels of two ends side by side: SAs that one sends under and the other does not have. That is the certain sign of a daemon
 * out of step with its kernel; what a single host shows of it turns on lifetimes.
 */

import { formatAddress, parseAddress, type Address } from '../model/address.js';
import type { DriftSa } from '../model/observation.js';

/** A host as it was seen; all that is compared were seen within one run. */
export interface KernelEnd {
  readonly host: string;
  readonly addresses: readonly Address[];
  readonly sad: readonly DriftSa[];
}

/** All SAs that `sender` has from one address of its own to one of `receiver`, none of which the receiver has. */
export interface UnheldSas {
  readonly sender: string;
  readonly receiver: string;
  readonly source: string;
  readonly destination: string;
  readonly sas: readonly DriftSa[];
}

/**
 * Negotiated SAs alone, by their limits: those of a key file are compared with the file on each host. A pair of addresses of which the receiver has
 * any SA that the sender has is right: the others may just be coming or going.
 */
export function unheldSas(ends: readonly KernelEnd[]): readonly UnheldSas[] {
  const hostOf = new Map<string, string>();
  for (const { host, addresses } of ends) for (const one of addresses) hostOf.set(formatAddress(one), host);
  const held = new Map(ends.map(({ host, sad }) => [host, new Set(sad.flatMap(heldName))]));
  return ends.flatMap(({ host: sender, sad }) => {
    const pairs = new Map<string, UnheldSas & { readonly sas: DriftSa[] }>();
    for (const sa of sad) {
      const [source, destination] = [canonical(sa.src), canonical(sa.dst)];
      if (source === undefined || destination === undefined || !isNegotiated(sa)) continue;
      const receiver = hostOf.get(destination);
      if (hostOf.get(source) !== sender || receiver === undefined || receiver === sender) continue;
      const key = `${source} ${destination}`;
      const pair = pairs.get(key) ?? { sender, receiver, source, destination, sas: [] };
      pair.sas.push(sa);
      pairs.set(key, pair);
    }
    return [...pairs.values()].filter(({ receiver, sas }) =>
      sas.every((sa) => heldName(sa).every((name) => held.get(receiver)?.has(name) !== true)),
    );
  });
}

function isNegotiated({ key, hard }: DriftSa): boolean {
  return key === 'unlisted' && hard !== undefined;
}

/** Type, SPI and destination name an SA on both ends (RFC 4301 §4.1). Nothing for one that is not loaded. */
function heldName({ key, type, spi, dst }: DriftSa): readonly string[] {
  return key === 'missing' ? [] : [`${type} ${Number(spi)} ${canonical(dst) ?? dst}`];
}

function canonical(text: string | undefined): string | undefined {
  const address = text === undefined ? undefined : parseAddress(text);
  return address && formatAddress(address);
}
