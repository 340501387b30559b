/** Whether two rules that both protect can have SAs in common, and which protections those would give. */

import type { LoadedRule, Protection, Transform } from '../model/policy.js';
import { ALGORITHMS } from './algorithms.js';
import { protectionsOf } from './match-flow.js';

/** What a sender needs of each packet: the sum over its alternatives, whichever of them its SAs suit. */
export interface Wanted {
  readonly esp: boolean;
  readonly ah: boolean;
}

export function wantedBy(alternatives: readonly Protection[]): Wanted {
  return {
    esp: alternatives.some((one) => one.esp !== undefined),
    ah: alternatives.some((one) => one.ah !== undefined),
  };
}

/**
 * Whether SAs can exist that the sender takes and the receiver accepts. The sender wants ESP and AH by the sum of its
 * alternatives, each from whichever suits; the receiver needs all of it in one of its own.
 */
export function canAgree(sender: readonly Protection[], receiver: readonly Protection[]): boolean {
  const { esp, ah } = wantedBy(sender);
  return receiver.some(
    (one) =>
      (one.esp !== undefined) === esp &&
      (one.ah !== undefined) === ah &&
      (!esp || sender.some((other) => espAgrees(other, one))) &&
      (!ah || sender.some((other) => commonTransform(other.ah, one.ah) !== undefined)),
  );
}

/** Integrity that one end leaves open is the other's to choose. */
function espAgrees({ esp: a }: Protection, { esp: b }: Protection): boolean {
  if (a === undefined || b === undefined || commonTransform(a.encr, b.encr) === undefined) return false;
  return a.auth === undefined || b.auth === undefined || commonTransform(a.auth, b.auth) !== undefined;
}

/** The same algorithm with the key lengths that it has and both accept. */
function commonTransform(a: Transform | undefined, b: Transform | undefined): Transform | undefined {
  if (a === undefined || b === undefined || a.algorithm !== b.algorithm) return undefined;
  const least = Math.max(a.minBits, b.minBits);
  const most = Math.min(a.maxBits, b.maxBits);
  const known = ALGORITHMS.find(({ name }) => name === a.algorithm);
  if (known === undefined) return undefined;
  const { stepBits: step } = known;
  const first = step === 0 ? known.minBits : known.minBits + Math.ceil((least - known.minBits) / step) * step;
  const last = step === 0 ? known.minBits : known.minBits + Math.floor((most - known.minBits) / step) * step;
  return least <= first && first <= last && last <= most
    ? { algorithm: a.algorithm, minBits: first, maxBits: last }
    : undefined;
}

/**
 * What SAs between the two rules may be, in the sender's order. A sender whose alternatives want ESP in one and AH in
 * another has none here: what it sends suits neither.
 */
export function commonProtections(
  sender: LoadedRule | undefined,
  receiver: LoadedRule | undefined,
): readonly Protection[] {
  const theirs = protectionsOf(receiver);
  const { esp, ah } = wantedBy(protectionsOf(sender));
  const common = new Map<string, Protection>();
  for (const one of protectionsOf(sender)) {
    for (const other of theirs) {
      const whole = [one, other].every((each) => (each.esp !== undefined) === esp && (each.ah !== undefined) === ah);
      const both = whole ? commonOf(one, other) : undefined;
      if (both !== undefined) common.set(JSON.stringify(both), both);
    }
  }
  return [...common.values()];
}

function commonOf(a: Protection, b: Protection): Protection | undefined {
  const ah = a.ah === undefined ? undefined : commonTransform(a.ah, b.ah);
  const encr = a.esp === undefined ? undefined : commonTransform(a.esp.encr, b.esp?.encr);
  if ((a.ah !== undefined && ah === undefined) || (a.esp !== undefined && encr === undefined)) return undefined;
  const [mine, yours] = [a.esp?.auth, b.esp?.auth];
  const auth = mine === undefined || yours === undefined ? (mine ?? yours) : commonTransform(mine, yours);
  if (mine !== undefined && yours !== undefined && auth === undefined) return undefined;
  return {
    kind: 'protect',
    ...(ah && { ah }),
    ...(encr && { esp: { encr, ...(auth && { auth }) } }),
    unique: a.unique || b.unique,
  };
}
