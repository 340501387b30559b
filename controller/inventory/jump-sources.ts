/** Where hosts behind a jump host see SSH come from: that must be among `management`, or a push could cut it off. */

import { formatAddress, hostPrefix, parseAddress, type Prefix, prefixContains } from '../model/address.js';
import type { Host } from '../model/host.js';
import { problemWarning, type Report, someOf } from './problem-list.js';

/** Judges jump hosts given by address; what a name stands for, or which address a machine sends from, cannot be told here. */
export function reportUnprovedJumps(hosts: readonly Host[], management: readonly Prefix[], report: Report): void {
  const behind = new Map<string, Host[]>();
  for (const host of hosts) {
    const address = parseAddress(host.ssh.proxyJump?.at(-1)?.host.replace(/^\[|\]$/g, '') ?? '');
    if (address === undefined || management.some((prefix) => prefixContains(prefix, hostPrefix(address)))) continue;
    const text = formatAddress(address);
    behind.set(text, [...(behind.get(text) ?? []), host]);
  }
  for (const [address, [first, ...more]] of behind) {
    if (first === undefined) continue;
    const names = someOf([first, ...more].map(({ name }) => name));
    const what = `SSH to ${names} comes from the jump host ${address}, which is not among management: no proof keeps it open`;
    const todo = `add ${address} to management, or the address that the jump host sends from`;
    report(problemWarning('JUMP_NOT_MANAGEMENT', first.at, what, todo));
  }
}
