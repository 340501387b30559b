/**
 * The kernel's message that carries one rule to a listing: how long it is, and what its layout does to a tunnel's name.
 * Source: illumos ip/spdsock.c (spdsock_encode_rule_head, spdsock_encode_sel).
 */

import type { LoadedRule } from '../model/policy.js';

/** Bytes of one attribute or number. */
const WORD_BYTES = 8;

type Head = Pick<LoadedRule, 'selector' | 'family' | 'tunnel'>;

/** Bytes of the whole message: header, rule, action header, selectors, tunnel name, and the actions given. */
export function messageBytes({ selector, family, tunnel }: Head, actionBytes: number): number {
  const { protocol, localPort, remotePort, icmpType, local, remote } = selector;
  const numbers = [protocol, localPort, remotePort, icmpType].filter((one) => one !== undefined).length;
  const addresses = [local, remote].filter((one) => one !== undefined).length;
  const name = tunnel === undefined ? 0 : 8 + Math.max(0, Math.ceil((tunnel.name.length - 4) / 8)) * 8;
  return 48 + WORD_BYTES * numbers + (family === 4 ? 16 : 24) * addresses + name + actionBytes;
}

/**
 * A tunnel's name as listings print it. There is no room for the byte that ends a name of 4, 12, 20 or 28 letters: the
 * name runs on into what follows it, the length of the next part in words of 8 bytes (on an x86, lowest byte first).
 */
export function listedTunnel({ selector, family, tunnel }: Head, actionBytes: number): LoadedRule['tunnel'] {
  if (tunnel === undefined || tunnel.name.length % 8 !== 4) return tunnel;
  const { protocol, localPort, remotePort, local, remote } = selector;
  const plain = protocol !== undefined || localPort !== undefined || remotePort !== undefined;
  const address = remote !== undefined || local !== undefined ? (family === 4 ? 2 : 3) : undefined;
  const words = plain ? 1 : (address ?? 1 + actionBytes / WORD_BYTES);
  const [low, high] = [words & 0xff, words >> 8];
  const spilt = low === 0 ? [] : high === 0 ? [low] : [low, high];
  return { ...tunnel, name: tunnel.name + String.fromCharCode(...spilt) };
}
