/** When the turn of each host comes within a pass, so that a fleet and its network are not asked all at once. */

import { createHash } from 'node:crypto';

export interface HostStart<H> {
  readonly host: H;
  /** Seconds after the pass began; less than the spread. */
  readonly afterSeconds: number;
}

/** This part of the spread is chance, new in each pass; the rest belongs to the host, and is always the same. */
const JITTER_SHARE = 0.1;

/** In the order of their turns. @param fraction a random number from 0 up to 1, without 1 */
export function spreadHosts<H extends { readonly name: string }>(
  hosts: readonly H[],
  spreadSeconds: number,
  fraction: () => number,
): readonly HostStart<H>[] {
  const starts = hosts.map((host) => ({
    host,
    afterSeconds: spreadSeconds * ((1 - JITTER_SHARE) * placeOf(host.name) + JITTER_SHARE * fraction()),
  }));
  return spreadSeconds === 0 ? starts : starts.sort((a, b) => a.afterSeconds - b.afterSeconds);
}

/** From 0 up to 1, the same for a name on every controller. */
function placeOf(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32BE(0) / 2 ** 32;
}
