/** Names and literals as ipseckey resolves them: inet_addr(3C) and inet_pton(3C), then the host's names. */

import { parseAddress, sameAddress, type Address } from '../../model/address.js';
import { inetAddr } from '../../policy/c-numbers.js';
import type { AddressLookup } from '../parse-key-values.js';

/** Name in lower case to addresses in the order getaddrinfo(3) gives them: IPv6 first. */
export type HostNames = ReadonlyMap<string, readonly Address[]>;

export function addressLookup(names: HostNames, numeric: boolean): AddressLookup {
  return (text, v6only) => {
    const v6 = text.includes(':') ? parseAddress(text) : undefined;
    if (v6 !== undefined) return [mappedV4(v6) ?? v6];
    const v4 = inetAddr(text);
    if (v4 !== undefined) return v6only ? undefined : [{ family: 4, value: v4 }];
    if (numeric) return undefined;
    const found = names.get(text.toLowerCase());
    return v6only ? found?.filter(({ family }) => family === 6) : found;
  };
}

function mappedV4(address: Address): Address | undefined {
  return address.value >> 32n === 0xffffn ? { family: 4, value: address.value & 0xffffffffn } : undefined;
}

export function nameOf(address: Address, names: HostNames): string | undefined {
  for (const [name, addresses] of names) if (addresses.some((one) => sameAddress(one, address))) return name;
  return undefined;
}
