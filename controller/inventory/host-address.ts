/** Addresses that a host or an external end may own. */

import type { SourcePosition } from '../errors.js';
import { type Address, parseAddress, parsePrefix } from '../model/address.js';
import { problemError, problemWarning, type Report } from './problem-list.js';

export function parseHostAddress(text: string, at: SourcePosition, report: Report): Address | undefined {
  const address = parseAddress(text);
  if (address === undefined) {
    const isPrefix = text.includes('/') && parsePrefix(text) !== undefined;
    const todo = isPrefix
      ? `write ${text.slice(0, text.indexOf('/'))}, without the length`
      : "write one such as 10.0.1.11 or 'fd00::11'; names are not resolved";
    report(problemError('BAD_ADDRESS', at, `"${text}" is no IPv4 or IPv6 address`, todo));
    return undefined;
  }
  const why = unusable(address);
  if (why !== undefined) {
    report(problemError('BAD_ADDRESS', at, `${text} is ${why}, which no host can own`, "write the host's own address"));
    return undefined;
  }
  if (isLoopback(address)) {
    const what = `${text} is a loopback address: IPsec does not look at loopback traffic`;
    report(problemWarning('LOOPBACK_ADDRESS', at, what, 'write the address other hosts see'));
  }
  return address;
}

function unusable(address: Address): string | undefined {
  const top = address.family === 4 ? address.value >> 24n : address.value >> 120n;
  if (address.value === 0n) return 'the unspecified address';
  if (address.family === 6) return top === 0xffn ? 'a multicast address' : undefined;
  if (top === 0n) return 'an address of network 0';
  return top >= 240n ? 'a reserved address' : top >= 224n ? 'a multicast address' : undefined;
}

function isLoopback(address: Address): boolean {
  return address.family === 4 ? address.value >> 24n === 127n : address.value === 1n;
}
