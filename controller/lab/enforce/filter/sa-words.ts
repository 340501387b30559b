/** SAs in the words of nft: their names, addresses, ports, and which of them one packet can carry together. */

import { formatAddress, type Address } from '../../../model/address.js';
import { SA_TYPE, type SecurityAssociation } from '../../../model/sa.js';
import { saId } from '../../packet-filter.js';
import { bindingMatches } from './nft-match.js';

/** Without those of tunnels, and those that only wait to be taken away. */
export function usable(sad: Iterable<SecurityAssociation>): readonly SecurityAssociation[] {
  return [...sad].filter(({ dead, inner }) => !dead && inner === undefined);
}

/** Names an SA in nft's letters. One that was taken away and added anew is another one. */
export function saName(sa: SecurityAssociation): string {
  return `${saId(sa).replaceAll('-', '_')}_${sa.addedAt}`;
}

export function counterName(sa: SecurityAssociation, way: 'in' | 'out'): string {
  return `sa_${saName(sa)}_${way}`;
}

export const familyOf = (sa: SecurityAssociation): Address['family'] => sa.dst.address.family;
export const anySource = (sa: SecurityAssociation): boolean => sa.src.address.value === 0n;

/** The addresses of an SA as a packet has them. */
export function ends(sas: readonly SecurityAssociation[]): string {
  const ip = sas[0] === undefined || familyOf(sas[0]) === 4 ? 'ip' : 'ip6';
  const source = sas.find((sa) => !anySource(sa))?.src.address;
  const destination = sas[0]?.dst.address;
  return [
    ...(source === undefined ? [] : [`${ip} saddr ${formatAddress(source)}`]),
    ...(destination === undefined ? [] : [`${ip} daddr ${formatAddress(destination)}`]),
  ].join(' ');
}

export function bindingsOf({ src, dst, protocol }: SecurityAssociation): readonly string[] {
  return bindingMatches({ localPort: src.port, remotePort: dst.port, protocol });
}

export function isBound({ src, dst, protocol }: SecurityAssociation): boolean {
  return src.port !== 0 || dst.port !== 0 || protocol !== 0;
}

/** An ESP and an AH SA that one packet can carry. */
export function pairs(
  sas: readonly SecurityAssociation[],
): readonly (readonly [SecurityAssociation, SecurityAssociation])[] {
  const esp = sas.filter(({ type }) => type === SA_TYPE.esp);
  const ah = sas.filter(({ type }) => type === SA_TYPE.ah);
  return esp.flatMap((one) => ah.filter((other) => goTogether(one, other)).map((other) => [one, other] as const));
}

function goTogether(a: SecurityAssociation, b: SecurityAssociation): boolean {
  if (familyOf(a) !== familyOf(b) || a.dst.address.value !== b.dst.address.value) return false;
  return anySource(a) || anySource(b) || a.src.address.value === b.src.address.value;
}

export const words = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(' ');
