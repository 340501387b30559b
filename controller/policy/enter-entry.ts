/** Enters one entry into a draft: one request for each pair of addresses, in the order ipsecconf(8) sends them. */

import type { Address, Prefix } from '../model/address.js';
import type { Family, Selector } from '../model/policy.js';
import type { Entry, EntryEnd } from './entry.js';
import { kernelActions } from './kernel-actions.js';
import { enterRules, type Draft, type Entered, type RuleRequest } from './spd-draft.js';

/** Number of the first rule of a run; later ones count down. */
export const FIRST_PRIORITY = 0xfffff;

/** How an entry fared. `late` = refused outside its syntax: reading stops. */
export type EntryResult =
  | { readonly kind: 'added'; readonly index: number }
  | { readonly kind: 'duplicate' }
  /** Refused by the kernel, but counted as good. */
  | { readonly kind: 'ignored'; readonly diagnostic: string; readonly index: number }
  | { readonly kind: 'late'; readonly message?: string };

/** What happens at each request, for messages and for the count of rules made. */
export interface EntryWatch {
  /** Each answer of the kernel, in order. */
  readonly answered: (answer: Entered) => void;
  readonly nextPriority: () => number;
}

export function enterEntry(draft: Draft, entry: Entry, watch: EntryWatch): EntryResult {
  const send = (families: readonly Family[], from?: Address, to?: Address): Entered => {
    const answer = enterRules(draft, requestOf(entry, families, from, to, watch.nextPriority()));
    watch.answered(answer);
    return answer;
  };
  const { from, to } = entry;
  if (from.addresses === undefined && to.addresses === undefined) {
    // An address mark without an address (a ninth key) makes the rule one for the IPv6 address ::.
    const marked = from.marked || to.marked;
    const answer = send(marked ? [6] : [4, 6], unspecified(6), unspecified(6));
    if (answer.kind === 'entered') return { kind: 'added', index: answer.index };
    return answer.kind === 'exists' ? { kind: 'duplicate' } : { kind: 'late' };
  }
  const problem = lengthProblem(from) ?? lengthProblem(to);
  if (problem !== undefined) return { kind: 'late', message: problem };
  return enterPairs(from.addresses, to.addresses, send);
}

const MASK_AND_SLASH = "Can't set mask and /NN prefix.";
const NO_PAIRS = 'No matching IPv4 or IPv6 saddr/daddr pairs';

function enterPairs(
  from: readonly Address[] | undefined,
  to: readonly Address[] | undefined,
  send: (families: readonly Family[], from: Address, to: Address) => Entered,
): EntryResult {
  let added = 0;
  let index = 0;
  let last: Entered['kind'] | undefined;
  for (const a of from ?? [unspecified(6)]) {
    const open = a.family === 6 && a.value === 0n;
    for (const b of to ?? [unspecified(6)]) {
      if (!open && to !== undefined && a.family !== b.family) continue;
      const family = open ? b.family : a.family;
      const answer = send([family], a, b);
      last = answer.kind;
      switch (answer.kind) {
        case 'entered':
          added++;
          index = answer.index;
          break;
        case 'busy':
          // One errno for both: the program takes the kernel's answer for its own about masks.
          return { kind: 'late', message: MASK_AND_SLASH };
        case 'invalid':
          return { kind: 'ignored', diagnostic: answer.diagnostic, index };
        case 'exists':
          break;
      }
    }
  }
  if (added > 0) return { kind: 'added', index };
  return last === 'exists' ? { kind: 'duplicate' } : { kind: 'late', message: NO_PAIRS };
}

function unspecified(family: Family): Address {
  return { family, value: 0n };
}

/** Found only now, not while reading: lengths that do not go with the address. */
function lengthProblem({ addresses, slash, mask }: EntryEnd): string | undefined {
  if (slash === undefined) return undefined;
  if (addresses !== undefined && addresses.length > 1) return "Can't set /NN prefix on multi-host name.";
  if (mask !== undefined) return MASK_AND_SLASH;
  return slash > (addresses?.[0]?.family === 4 ? 32 : 128) ? '/NN prefix is too big!' : undefined;
}

function requestOf(
  entry: Entry,
  families: readonly Family[],
  from: Address | undefined,
  to: Address | undefined,
  number: number,
): RuleRequest {
  const family = families.length === 1 ? families[0] : undefined;
  const source = family && from && prefixOf(entry.from, from, family);
  const destination = family && to && prefixOf(entry.to, to, family);
  const [local, remote] = entry.swapped ? [destination, source] : [source, destination];
  const [near, far] = entry.swapped ? [entry.to, entry.from] : [entry.from, entry.to];
  const selector: Omit<Selector, 'family'> = {
    ...(entry.protocol !== 0 && { protocol: entry.protocol }),
    ...(local && { local }),
    ...(remote && { remote }),
    ...(near.port !== 0 && { localPort: near.port }),
    ...(far.port !== 0 && { remotePort: far.port }),
    ...(entry.icmpType && { icmpType: entry.icmpType }),
    ...(entry.icmpCode && { icmpCode: entry.icmpCode }),
  };
  const { actions, boost, listingBytes } = kernelActions(entry.alternatives);
  return {
    directions: entry.directions,
    families,
    selector,
    actions,
    inconsistent: entry.alternatives.some((one) => one.kind !== 'protect' && one.unique),
    priority: number | boost,
    ...(entry.tunnel && { tunnel: entry.tunnel }),
    source: entry.source,
    actionBytes: listingBytes,
  };
}

/** The address as the rule's family has it; without a length that counts it is a host. */
function prefixOf(end: EntryEnd, address: Address, family: Family): Prefix | undefined {
  if (!end.marked) return undefined;
  const width = family === 4 ? 32 : 128;
  const length = end.sized ? (end.slash ?? end.mask ?? 0) : width;
  return { address: { family, value: BigInt.asUintN(width, address.value) }, length };
}
