/** Alternatives of an entry to the actions the kernel keeps: `any` spelled out, key lengths fitted, class boosts. */

import type { Action, Transform } from '../model/policy.js';
import { everyAlgorithm, type Algorithm, type AlgorithmKind } from './algorithms.js';
import type { AlgorithmRequest, AlternativeRequest } from './entry.js';
import { algorithmFits } from './read-algorithm.js';

/** Added with OR to a rule's number; the sum over its alternatives is its class. */
const BOOST = { bypass: 0x800000, esp: 0x400000, ah: 0x200000 } as const;

/** Bytes of one attribute in a listing message of the kernel. */
const ATTRIBUTE_BYTES = 8;

export interface KernelActions {
  readonly actions: readonly Action[];
  readonly boost: number;
  /** Bytes the actions take in a listing message. */
  readonly listingBytes: number;
}

export function kernelActions(alternatives: readonly AlternativeRequest[]): KernelActions {
  const actions: Action[] = [];
  let boost = 0;
  let attributes = 0;
  for (const one of alternatives) {
    const expanded = expand(one);
    actions.push(...expanded);
    if (expanded.length === 0) continue;
    if (one.kind === 'bypass') boost |= BOOST.bypass;
    if (one.encr) boost |= BOOST.esp;
    if (one.ah) boost |= BOOST.ah;
    const each = one.kind === 'protect' ? 4 + 3 * [one.ah, one.encr, one.encrAuth].filter(Boolean).length : 3;
    attributes += each * expanded.length;
  }
  return { actions, boost, listingBytes: attributes * ATTRIBUTE_BYTES };
}

/** One action for each combination of algorithms that `any` leaves open; combined ciphers take no integrity. */
function expand(one: AlternativeRequest): Action[] {
  if (one.kind !== 'protect') return [{ kind: one.kind }];
  const actions: Action[] = [];
  for (const encr of choices(one.encr, 'encr')) {
    const integrity = encr?.algorithm.combined ? [undefined] : choices(one.encrAuth, 'auth');
    const sealed = encr?.algorithm.combined && one.encrAuth ? ({ sealed: true } as const) : {};
    for (const ah of choices(one.ah, 'auth')) {
      for (const auth of integrity) {
        actions.push({
          kind: 'protect',
          ...(ah && { ah: ah.transform }),
          ...(encr && { esp: { encr: encr.transform, ...(auth && { auth: auth.transform }), ...sealed } }),
          unique: one.unique,
        });
      }
    }
  }
  return actions;
}

interface Choice {
  readonly algorithm: Algorithm;
  readonly transform: Transform;
}

function choices(request: AlgorithmRequest | undefined, kind: AlgorithmKind): (Choice | undefined)[] {
  if (request === undefined) return [undefined];
  const algorithms = request.algorithm === 'any' ? everyAlgorithm(kind) : [request.algorithm];
  return algorithms
    .filter((algorithm) => algorithmFits(request, algorithm))
    .map((algorithm) => ({ algorithm, transform: transformOf(request, algorithm) }));
}

/** Without a lower end the algorithm's default counts; both ends are drawn in to what the algorithm has. */
function transformOf(request: AlgorithmRequest, algorithm: Algorithm): Transform {
  const min = request.minBits === 0 ? algorithm.defaultBits : request.minBits;
  const max = request.maxBits & 0xffff || algorithm.maxBits;
  return {
    algorithm: algorithm.name,
    minBits: Math.max(min, algorithm.minBits),
    maxBits: Math.min(Math.max(max, algorithm.minBits), algorithm.maxBits),
  };
}
