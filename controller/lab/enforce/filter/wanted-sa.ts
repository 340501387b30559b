/** What a rule asks of the SAs of outgoing packets, by the numbers of PF_KEY, and which SAs serve. */

import { createHash } from 'node:crypto';

import type { Protection, Transform } from '../../../model/policy.js';
import { SA_TYPE, type SecurityAssociation } from '../../../model/sa.js';
import { algorithmNamed, type AlgorithmKind } from '../../../policy/algorithms.js';
import type { ActionMarks } from '../../../policy/remembered-actions.js';

interface WantedKey {
  readonly algorithm: number;
  readonly minBits: number;
}

/** One alternative of a rule. */
interface WantedWay {
  readonly ah?: WantedKey;
  readonly esp?: { readonly encr: WantedKey; readonly auth?: WantedKey };
}

export interface WantedSas {
  readonly esp: boolean;
  readonly ah: boolean;
  /** An SA with ports, or one that serves this flow alone. */
  readonly unique: boolean;
  readonly ways: readonly WantedWay[];
}

/** What a rule wants of the sum of its alternatives, which may suit SAs of different ones. */
export function wantedBy(actions: readonly Protection[], { esp, ah, unique }: ActionMarks): WantedSas {
  return { esp, ah, unique, ways: actions.flatMap((action) => wayOf(action) ?? []) };
}

function wayOf({ ah, esp }: Protection): WantedWay | undefined {
  const wantedAh = ah && keyOf('auth', ah);
  const encr = esp && keyOf('encr', esp.encr);
  const auth = esp?.auth && keyOf('auth', esp.auth);
  if (esp?.auth !== undefined && auth === undefined) return wantedAh && { ah: wantedAh };
  return { ...(wantedAh && { ah: wantedAh }), ...(encr && { esp: { encr, ...(auth && { auth }) } }) };
}

function keyOf(kind: AlgorithmKind, { algorithm, minBits }: Transform): WantedKey | undefined {
  const number = algorithmNamed(kind, algorithm)?.number;
  return number === undefined ? undefined : { algorithm: number, minBits };
}

/** The way that SAs like these protect, whatever their key lengths: for answers to what they brought in. */
export function wantedLike(sas: readonly SecurityAssociation[]): WantedSas {
  const [esp] = sas.filter(({ type }) => type === SA_TYPE.esp);
  const [ah] = sas.filter(({ type }) => type === SA_TYPE.ah);
  const any = (algorithm: number): WantedKey => ({ algorithm, minBits: 0 });
  const way: WantedWay = {
    ...(ah && { ah: any(ah.auth) }),
    ...(esp && { esp: { encr: any(esp.encr), ...(esp.auth !== 0 && { auth: any(esp.auth) }) } }),
  };
  return { esp: esp !== undefined, ah: ah !== undefined, unique: false, ways: [way] };
}

/** A name by what is wanted: equal wishes, equal names. */
export function wantedName(wanted: WantedSas): string {
  return createHash('sha256').update(JSON.stringify(wanted)).digest('hex').slice(0, 16);
}

/** Whether an SA suits any of the alternatives. Of key lengths only the least counts. */
export function serves(sa: SecurityAssociation, { ways }: WantedSas): boolean {
  const authBits = sa.authKey?.bits ?? 0;
  const encrBits = sa.encrKey?.bits ?? 0;
  const has = (wanted: WantedKey, number: number, bits: number): boolean =>
    wanted.algorithm === number && bits >= wanted.minBits;
  return ways.some(({ ah, esp }) => {
    if (sa.type === SA_TYPE.ah) return ah !== undefined && has(ah, sa.auth, authBits);
    if (esp === undefined || !has(esp.encr, sa.encr, encrBits)) return false;
    return esp.auth === undefined || has(esp.auth, sa.auth, authBits);
  });
}
