/** What becomes of traffic under a rule, in the terms in which two policies are compared: clear, protected and how, either, refused. */

import type { Action, Direction, LoadedRule, Protection, Transform } from '../model/policy.js';
import { isDoubtful } from '../policy/match-flow.js';

export interface Treatment {
  /**
   * Outbound: how it is sent. Inbound: what is accepted; `clear` refuses protected packets, `protected` clear ones, and
   * `either` takes both.
   */
  readonly kind: 'clear' | 'protected' | 'either' | 'refused';
  /** Alternatives that are taken, sorted: their order decides nothing. Empty unless protection is among it. */
  readonly protections: readonly string[];
  /** Whether what a host had loaded before can change it. */
  readonly doubtful: boolean;
  /** Whether packets may be readable on the way: sent or accepted clear for certain or in doubt, or without encryption. */
  readonly readable: boolean;
}

const UNTOUCHED: Treatment = { kind: 'clear', protections: [], doubtful: false, readable: true };

/** `undefined` = no rule matches: everything passes as it is (illumos ip/spd.c). */
export function treatmentOf(rule: LoadedRule | undefined, dir: Direction): Treatment {
  if (rule === undefined) return UNTOUCHED;
  const kind = dir === 'out' ? outboundKind(rule.actions) : inboundKind(rule.actions);
  const doubtful = isDoubtful(rule);
  const isProtected = kind === 'protected' || kind === 'either';
  const offered = isProtected ? rule.actions.filter((action) => action.kind === 'protect') : [];
  const bypassed = rule.actions.some((action) => action.kind === 'bypass');
  return {
    kind,
    protections: [...new Set(offered.map(protectionText))].sort(),
    doubtful,
    readable:
      kind === 'clear' ||
      kind === 'either' ||
      (isProtected && ((doubtful && bypassed) || offered.some((one) => !encrypts(one)))),
  };
}

/** A first `drop` drops; any protection protects, wherever `pass` stands. */
function outboundKind(actions: readonly Action[]): Treatment['kind'] {
  if (actions[0]?.kind === 'discard') return 'refused';
  return actions.some((action) => action.kind === 'protect') ? 'protected' : 'clear';
}

function inboundKind(actions: readonly Action[]): Treatment['kind'] {
  const clear = actions.some((action) => action.kind === 'bypass');
  const guarded = actions.some((action) => action.kind === 'protect');
  if (clear) return guarded ? 'either' : 'clear';
  return guarded ? 'protected' : 'refused';
}

function encrypts({ esp }: Protection): boolean {
  return esp !== undefined && esp.encr.algorithm !== NULL_CIPHER;
}

const NULL_CIPHER = 'null';

/** Two treatments with the same key are the same. */
export function treatmentKey({ kind, protections, doubtful }: Treatment): string {
  return `${kind}${doubtful ? '?' : ''} ${protections.join(' or ')}`;
}

/** In the words of a rule: `encr_algs aes-cbc(256) encr_auth_algs hmac-sha256(256) sa shared`. */
function protectionText({ ah, esp, unique }: Protection): string {
  const words = [
    ...(ah === undefined ? [] : [`auth_algs ${transformText(ah)}`]),
    ...(esp === undefined ? [] : [`encr_algs ${transformText(esp.encr)}`]),
    ...(esp?.auth === undefined ? [] : [`encr_auth_algs ${transformText(esp.auth)}`]),
    ...(unique ? ['sa unique'] : []),
  ];
  return words.join(' ');
}

function transformText({ algorithm, minBits, maxBits }: Transform): string {
  if (maxBits === 0) return algorithm;
  return minBits === maxBits ? `${algorithm}(${minBits})` : `${algorithm}(${minBits}..${maxBits})`;
}

/** Whether traffic that nobody could read before may be read, or be taken in the clear, after: what must not happen unasked. */
export function isExposed(before: Treatment, after: Treatment): boolean {
  const guarded = before.kind === 'protected';
  const open = after.kind === 'clear' || after.kind === 'either' || (after.doubtful && after.readable);
  return (guarded && open) || (guarded && !before.readable && after.readable);
}
