/**
 * How a packet came in, as the number that `meta mark` carries from the hook that takes off its protection to the rules
 * and, for echo requests, on to the answer. Zero is a clear packet.
 */

import type { Protection } from '../../../model/policy.js';
import { NO_ALGORITHM, SA_TYPE, type SecurityAssociation } from '../../../model/sa.js';
import { algorithmNamed, type AlgorithmKind } from '../../../policy/algorithms.js';

const PROTECTED = 0x8000_0000;
const HAS_ESP = 0x4000_0000;
const HAS_AH = 0x2000_0000;
/** The SA's own ports or protocol are not the packet's. */
export const MISBOUND = 0x1000_0000;

const CIPHER = 0x00ff_0000;
const INTEGRITY = 0x0000_ff00;
const AH = 0x0000_00ff;

const hex = (value: number): string => `0x${(value >>> 0).toString(16).padStart(8, '0')}`;

/** Of a connection's mark: whatever ports its SA has. */
export const WITHOUT_BINDING = hex(~MISBOUND);

/** What of a mark is looked at, and what it must be there. */
export interface MarkTest {
  readonly mask: number;
  readonly value: number;
}

export function markTest({ mask, value }: MarkTest): string {
  return `meta mark & ${hex(mask)} == ${hex(value)}`;
}

export const CAME_CLEAR = 'meta mark 0';
export const CAME_PROTECTED = markTest({ mask: PROTECTED, value: PROTECTED });

export function setMark(value: number): string {
  return `meta mark set ${hex(value)}`;
}

/** The mark of a packet that these SAs brought in, at most one of each type. Algorithms by their numbers in PF_KEY. */
export function arrivalMark(sas: readonly Pick<SecurityAssociation, 'type' | 'encr' | 'auth'>[]): number {
  const marks = sas.map(({ type, encr, auth }) =>
    type === SA_TYPE.ah ? HAS_AH | byte(auth) : HAS_ESP | (byte(encr) << 16) | (byte(auth) << 8),
  );
  return marks.reduce((sum, one) => (sum | one) >>> 0, PROTECTED) >>> 0;
}

function byte(number: number): number {
  return number & 0xff;
}

/** The tests of a mark that fits an alternative; none when it names an algorithm that no SA can have. */
export function fittingMark({ ah, esp }: Protection): MarkTest | undefined {
  const mask = PROTECTED | HAS_ESP | HAS_AH;
  const parts: (MarkTest | undefined)[] = [{ mask, value: PROTECTED }];
  if (ah !== undefined) parts.push(part(AH, HAS_AH, 'auth', ah.algorithm, 0));
  if (esp !== undefined) {
    parts.push(part(CIPHER, HAS_ESP, 'encr', esp.encr.algorithm, 16));
    if (esp.auth !== undefined) parts.push(part(INTEGRITY, 0, 'auth', esp.auth.algorithm, 8));
    if (esp.sealed) parts.push({ mask: INTEGRITY, value: NO_ALGORITHM });
  }
  return parts.reduce<MarkTest | undefined>(both, { mask: 0, value: 0 });
}

/** The half of a fitting mark that says nothing of what is missing, for ICMP messages that pass with a half alone. */
export function halfMarks({ ah, esp }: Protection): readonly MarkTest[] {
  const withoutAh = ah === undefined ? [] : [{ mask: PROTECTED | HAS_AH, value: PROTECTED }];
  const whole = { mask: PROTECTED | HAS_ESP | HAS_AH, value: PROTECTED };
  const onlyAh = both(whole, ah === undefined ? { mask: 0, value: 0 } : part(AH, HAS_AH, 'auth', ah.algorithm, 0));
  return [...withoutAh, ...(esp === undefined || onlyAh === undefined ? [] : [onlyAh])];
}

function part(mask: number, flag: number, kind: AlgorithmKind, name: string, shift: number): MarkTest | undefined {
  const number = algorithmNamed(kind, name)?.number;
  return number === undefined ? undefined : { mask, value: flag | (number << shift) };
}

function both(a: MarkTest | undefined, b: MarkTest | undefined): MarkTest | undefined {
  return a && b && { mask: (a.mask | b.mask) >>> 0, value: (a.value | b.value) >>> 0 };
}
