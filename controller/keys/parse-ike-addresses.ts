/** Addresses of IKE rules: `A`, `A/length`, `A/mask`, `A-B` (illumos ike.config(4)). */

import { hostPrefix, parseAddress, parsePrefix } from '../model/address.js';
import type { IkeAddresses } from '../model/ike.js';

export function parseIkeAddresses(text: string): IkeAddresses | undefined {
  const dash = text.indexOf('-');
  if (dash > 0) {
    const from = parseAddress(text.slice(0, dash));
    const to = parseAddress(text.slice(dash + 1));
    if (from === undefined || to === undefined || from.family !== to.family) return undefined;
    return { kind: 'range', from, to };
  }
  const prefix = parsePrefix(text) ?? maskedPrefix(text);
  return prefix === undefined ? undefined : { kind: 'prefix', prefix };
}

/** An IPv4 address with a dotted mask of leading ones. */
function maskedPrefix(text: string): ReturnType<typeof parsePrefix> {
  const [first = '', second = '', ...rest] = text.split('/');
  const address = parseAddress(first);
  const mask = parseAddress(second);
  if (rest.length > 0 || address?.family !== 4 || mask?.family !== 4) return undefined;
  const ones = mask.value.toString(2).padStart(32, '0');
  const length = ones.indexOf('0') < 0 ? 32 : ones.indexOf('0');
  return ones.includes('1', length) ? undefined : { ...hostPrefix(address), length };
}
