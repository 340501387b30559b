/** What the SAs of an end carried between two looks at their counters. Values only. */

import { parseAddress, sameAddress, type Address } from '../model/address.js';
import type { SaCount } from '../model/probe.js';

/** An end's SAs before and after the tries. */
export interface Counted {
  readonly before: readonly SaCount[];
  readonly after: readonly SaCount[];
}

export interface Moved {
  readonly type: string;
  readonly spi: string;
  readonly bytes: number;
}

/** SAs for one way that carried something meanwhile, also those that are new. */
export function moved(counted: Counted | undefined, source: Address, destination: Address): readonly Moved[] {
  if (counted === undefined) return [];
  const before = new Map(counted.before.map((one) => [keyOf(one), one.bytes] as const));
  return held(counted, source, destination).flatMap((one) => {
    const known = before.get(keyOf(one)) ?? 0;
    // A counter that is lower than before is that of a new SA with the old SPI.
    const bytes = one.bytes >= known ? one.bytes - known : one.bytes;
    return bytes > 0 ? [{ type: one.type, spi: one.spi, bytes }] : [];
  });
}

/** SAs for one way that are loaded. */
export function held(counted: Counted | undefined, source: Address, destination: Address): readonly SaCount[] {
  return (counted?.after ?? []).filter(
    ({ src, dst }) => isAddress(dst, destination) && (src === undefined || isAddress(src, source)),
  );
}

function isAddress(text: string, address: Address): boolean {
  const parsed = parseAddress(text);
  return parsed !== undefined && sameAddress(parsed, address);
}

function keyOf({ type, spi, dst }: SaCount): string {
  return `${type} ${spi} ${dst}`;
}

export function sameSa(one: Pick<Moved, 'type' | 'spi'>, other: Pick<Moved, 'type' | 'spi'>): boolean {
  // Hosts write them with and without zeros in front.
  return one.type === other.type && Number(one.spi) === Number(other.spi);
}

export function movedText(one: Moved | undefined, where: string): string {
  if (one === undefined) return `nothing ${where}`;
  return `SPI ${one.spi} moved ${one.bytes} bytes ${where}`;
}

export function named(one: SaCount | undefined, host: string): string {
  return one === undefined ? `the SA of ${host}` : `SPI ${one.spi} at ${host}`;
}

export function counts(counted: Counted, source: Address, destination: Address): string {
  const has = held(counted, source, destination);
  if (has.length === 0) return ': it has none';
  return ` (${has.map(({ spi, bytes }) => `SPI ${spi} stands at ${bytes} bytes`).join(', ')})`;
}
