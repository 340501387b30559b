/**
 * What a host does with one packet: which rule it meets, and what follows (illumos ip/spd.c, read and measured).
 * Unless marks are given, leaves out what the kernel remembers of earlier policies; a rule that this can change is
 * marked doubtful.
 */

import type { Arrival, OutboundSa, Packet } from '../model/packet.js';
import type { Direction, LoadedRule, Protection } from '../model/policy.js';
import { bindingAgrees, chooseSa, type SaKind } from './match-sa.js';
import { ICMP, ICMP6, selectorMeets } from './match-selector.js';
import { marksAlone, type MarksOf } from './remembered-actions.js';

/** `wait`: it must be protected and an SA is missing; without a key daemon the packet is lost. */
export type OutboundVerdict = 'clear' | 'drop' | 'protect' | 'wait';

export interface OutboundDecision {
  /** The rule that decides; none = nothing matches. */
  readonly rule: LoadedRule | undefined;
  readonly verdict: OutboundVerdict;
  readonly wants: readonly SaKind[];
  /** Place of each SA taken. */
  readonly used: Readonly<Partial<Record<SaKind, number>>>;
  /** Whether what was loaded since boot can change the verdict. */
  readonly doubtful: boolean;
}

export type InboundRefusal =
  | 'unprotected'
  | 'clear-expected'
  | 'drop-rule'
  | 'ah-alg'
  | 'ah-unexpected'
  | 'esp-cipher'
  | 'esp-integrity'
  | 'esp-unexpected'
  | 'sa-ports';

export interface InboundDecision {
  readonly rule: LoadedRule | undefined;
  readonly verdict: 'accept' | 'drop';
  /** Which alternative of the rule fitted a protected packet. */
  readonly alternative?: number;
  /** Why it is dropped; with several alternatives, why the last one did not fit. */
  readonly why?: InboundRefusal;
  readonly doubtful: boolean;
}

/**
 * The rule of highest priority that meets the packet. Of equals the first in the order given, which is the
 * kernel's own when rules come in listing order. Rules of tunnels are not the host's and never match.
 */
export function findRule(rules: readonly LoadedRule[], dir: Direction, packet: Packet): LoadedRule | undefined {
  let best: LoadedRule | undefined;
  for (const rule of rules) {
    if (rule.dir !== dir || rule.tunnel !== undefined || (best !== undefined && rule.priority <= best.priority))
      continue;
    if (selectorMeets(rule.selector, packet)) best = rule;
  }
  return best;
}

/** The protections among a rule's alternatives, in order. */
export function protectionsOf(rule: LoadedRule | undefined): readonly Protection[] {
  return rule?.actions.filter((action) => action.kind === 'protect') ?? [];
}

/** With `sas` left out only what the rule wants is answered: never `wait`. */
export function decideOutbound(
  rules: readonly LoadedRule[],
  packet: Packet,
  sas?: readonly OutboundSa[],
  marksOf: MarksOf = marksAlone,
): OutboundDecision {
  const rule = findRule(rules, 'out', packet);
  const alternatives = protectionsOf(rule);
  const marks = rule && marksOf(rule);
  const wants = SA_KINDS.filter((kind) => marks?.[kind]);
  const doubtful = isDoubtful(rule);
  const plain = (verdict: OutboundVerdict): OutboundDecision => ({ rule, verdict, wants: [], used: {}, doubtful });
  if (rule?.actions[0]?.kind === 'discard') return plain('drop');
  if (wants.length === 0) return plain('clear');
  if (sas === undefined) return { rule, verdict: 'protect', wants, used: {}, doubtful };
  const used: Partial<Record<SaKind, number>> = {};
  for (const kind of wants) {
    const chosen = chooseSa(kind, sas, alternatives, packet, marks?.unique ?? false);
    if (chosen !== undefined) used[kind] = chosen;
  }
  const verdict = wants.every((kind) => used[kind] !== undefined) ? 'protect' : 'wait';
  return { rule, verdict, wants, used, doubtful };
}

/** The need for ESP and AH is that of the whole list of alternatives. */
const SA_KINDS: readonly SaKind[] = ['esp', 'ah'];

/**
 * Whether the verdict hangs on alternatives the kernel remembers from other rules, also of earlier policies: inbound
 * a bypass that is not first, outbound a bypass before protection, or alternatives that differ in wanting AH or ESP.
 */
export function isDoubtful(rule: LoadedRule | undefined): boolean {
  if (rule === undefined || rule.actions.length < 2) return false;
  const bypassAt = rule.actions.findIndex((action) => action.kind === 'bypass');
  if (rule.dir === 'in') return bypassAt > 0;
  const protections = protectionsOf(rule);
  if (protections.length === 0) return false;
  const wants = new Set(protections.map((one) => SA_KINDS.filter((kind) => one[kind] !== undefined).join()));
  return bypassAt === 0 || wants.size > 1;
}

/** What happens to a packet for a socket that has no policy latched. */
export function decideInbound(
  rules: readonly LoadedRule[],
  packet: Packet,
  arrives: Arrival,
  marksOf: MarksOf = marksAlone,
): InboundDecision {
  const rule = findRule(rules, 'in', packet);
  const doubtful = isDoubtful(rule);
  const drop = (why: InboundRefusal): InboundDecision => ({ rule, verdict: 'drop', why, doubtful });
  const accept: InboundDecision = { rule, verdict: 'accept', doubtful };
  if (arrives.kind === 'clear') {
    if (rule === undefined || marksOf(rule).clear) return accept;
    return drop(rule.actions[0]?.kind === 'discard' ? 'drop-rule' : 'unprotected');
  }
  if (rule === undefined) return drop('clear-expected');
  if (!bindingAgrees(arrives.binding, packet)) return drop('sa-ports');
  let why: InboundRefusal = 'drop-rule';
  for (const [alternative, action] of rule.actions.entries()) {
    if (action.kind === 'protect') {
      const misfit = misfitOf(action, packet, arrives);
      if (misfit === 'excused') return accept;
      if (misfit === undefined) return { ...accept, alternative };
      why = misfit;
    } else {
      why = action.kind === 'bypass' ? 'clear-expected' : 'drop-rule';
    }
  }
  return drop(why);
}

/** More protection than asked for is refused like less. Key lengths are not compared on the way in. */
function misfitOf(
  { ah, esp }: Protection,
  packet: Packet,
  arrives: Extract<Arrival, { kind: 'protected' }>,
): InboundRefusal | 'excused' | undefined {
  if (ah !== undefined) {
    if (arrives.ah === undefined) return acceptedInClear(packet) ? 'excused' : 'unprotected';
    if (arrives.ah !== ah.algorithm) return 'ah-alg';
  } else if (arrives.ah !== undefined) {
    return 'ah-unexpected';
  }
  if (esp !== undefined) {
    if (arrives.esp === undefined) return acceptedInClear(packet) ? 'excused' : 'unprotected';
    if (arrives.esp.encr !== esp.encr.algorithm) return 'esp-cipher';
    if (esp.sealed && arrives.esp.auth !== undefined) return 'esp-integrity';
    return esp.auth === undefined || esp.auth.algorithm === arrives.esp.auth ? undefined : 'esp-integrity';
  }
  return arrives.esp === undefined ? undefined : 'esp-unexpected';
}

const CLEAR_TYPES = [0, 4, 9, 11, 14, 16];
const UNREACHABLE = 3;
const CLEAR_UNREACHABLE_CODES = [0, 1, 4];
const GUARDED_TYPES6 = [4, 128];

/** ICMP messages that pass although a part of the protection is missing. */
function acceptedInClear({ protocol, icmpType = -1, icmpCode = -1 }: Packet): boolean {
  if (protocol === ICMP6) return !GUARDED_TYPES6.includes(icmpType);
  if (protocol !== ICMP) return false;
  return icmpType === UNREACHABLE ? CLEAR_UNREACHABLE_CODES.includes(icmpCode) : CLEAR_TYPES.includes(icmpType);
}
