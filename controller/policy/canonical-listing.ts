/** The form in which loaded and predicted rules are compared: one line each, by index, tunnels after the host. */

import type { LoadedRule } from '../model/policy.js';

export interface ListedRule {
  readonly index: number;
  readonly tunnel?: string;
  /** As printed, without the trailing blank. */
  readonly text: string;
}

/** Rule texts exactly as `ipsecconf -Ln` prints them, trailing blank trimmed, in ascending order of index. */
export function canonicalListing(rules: readonly LoadedRule[]): string[] {
  return canonical(rules.map(({ index, text, tunnel }) => ({ index, text, ...(tunnel && { tunnel: tunnel.name }) })));
}

/** Reads what `ipsecconf -ln` or `-Ln` prints. Lines that belong to no rule are passed over. */
export function parseListing(output: string): ListedRule[] {
  const rules: ListedRule[] = [];
  let head: Omit<ListedRule, 'text'> | undefined;
  for (const line of output.split('\n')) {
    // A control character after a tunnel's name is a slip of the kernel's listing, not part of the name.
    const index = /^#INDEX (?:([^]+?)\p{Cc}*,)?(\d+)\s*$/u.exec(line);
    if (index) {
      head = { index: Number(index[2]), ...(index[1] !== undefined && { tunnel: index[1] }) };
    } else if (head !== undefined) {
      rules.push({ ...head, text: line.trimEnd() });
      head = undefined;
    }
  }
  return rules;
}

/** Whether a listing ends before the rule of its last number: its tool died, or there was no room for all it said. */
export function isCutOff(output: string): boolean {
  const last = output
    .split('\n')
    .map((line) => line.trimEnd())
    .findLast((line) => line !== '');
  return last?.startsWith('#') ?? false;
}

/** The same form as `canonicalListing`, from a host's own listing. */
export function canonicalFromListing(output: string): string[] {
  return canonical(parseListing(output));
}

function canonical(rules: readonly ListedRule[]): string[] {
  const order = (a: ListedRule, b: ListedRule): number => {
    if (a.tunnel === b.tunnel) return a.index - b.index;
    if (a.tunnel === undefined || b.tunnel === undefined) return a.tunnel === undefined ? -1 : 1;
    return a.tunnel < b.tunnel ? -1 : 1;
  };
  return rules.toSorted(order).map(({ text }) => text);
}
