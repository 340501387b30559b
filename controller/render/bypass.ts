/** Rules that let traffic pass in the clear, and the same rules as the other end must write them. */

import {
  formatAddress,
  formatPrefix,
  hostPrefix,
  type Address,
  type Prefix,
  prefixContains,
} from '../model/address.js';

/** Which way a rule holds, seen from the host that has it. */
export type Direction = 'in' | 'out' | 'both';

/** One `bypass` rule in the new style of ipsecinit.conf. What is absent matches everything. */
export interface Bypass {
  readonly laddr?: Prefix;
  readonly raddr?: Prefix;
  readonly lport?: number;
  readonly rport?: number;
  readonly ulp?: string;
  readonly dir: Direction;
}

/** The words between the braces of the pattern. */
export function bypassPattern(bypass: Bypass): string {
  const words: string[] = [];
  if (bypass.laddr !== undefined) words.push(`laddr ${formatPrefix(bypass.laddr)}`);
  if (bypass.raddr !== undefined) words.push(`raddr ${formatPrefix(bypass.raddr)}`);
  if (bypass.lport !== undefined) words.push(`lport ${bypass.lport}`);
  if (bypass.rport !== undefined) words.push(`rport ${bypass.rport}`);
  if (bypass.ulp !== undefined) words.push(`ulp ${bypass.ulp}`);
  return [...words, `dir ${bypass.dir}`].join(' ');
}

const OPPOSITE = { in: 'out', out: 'in', both: 'both' } as const;

/**
 * `theirs` as this end must write it for the flows between the two: a protected packet that meets a bypass rule is
 * dropped, and so is a clear one that meets an ipsec rule. Both ends' addresses narrow it; empty when it concerns
 * none of the pairs.
 */
export function mirrorBypass(
  theirs: Bypass,
  pairs: readonly { readonly local: Address; readonly remote: Address }[],
): readonly Bypass[] {
  const mirrored = new Map<string, Bypass>();
  for (const { local, remote } of pairs) {
    if (theirs.raddr !== undefined && !prefixContains(theirs.raddr, hostPrefix(local))) continue;
    if (theirs.laddr !== undefined && !prefixContains(theirs.laddr, hostPrefix(remote))) continue;
    // Only a rule of theirs that names us needs our address: the others hold for whatever address we send from.
    const key = `${theirs.raddr === undefined ? '' : formatAddress(local)} ${formatAddress(remote)}`;
    mirrored.set(key, {
      ...(theirs.raddr === undefined ? {} : { laddr: hostPrefix(local) }),
      raddr: hostPrefix(remote),
      ...(theirs.rport === undefined ? {} : { lport: theirs.rport }),
      ...(theirs.lport === undefined ? {} : { rport: theirs.lport }),
      ...(theirs.ulp === undefined ? {} : { ulp: theirs.ulp }),
      dir: OPPOSITE[theirs.dir],
    });
  }
  return [...mirrored.values()];
}

/** SSH from the places that may never be cut off. */
export function managementBypasses(management: readonly Prefix[], sshPort: number): readonly Bypass[] {
  return management.map((raddr) => ({ raddr, lport: sshPort, ulp: 'tcp', dir: 'both' }));
}

/** Name service: questions to any server, over UDP and, for long answers, TCP (RFC 7766). */
export const DNS_BYPASSES: readonly Bypass[] = [
  { rport: 53, ulp: 'udp', dir: 'both' },
  { rport: 53, ulp: 'tcp', dir: 'both' },
];
