/** What the real tool would do with a file of either kind, in one shape: check, load, what is installed, and a verdict in a word. */

import type { FileKind } from '../policy/guess-kind.js';
import { forecastPolicy } from '../policy/predict-load.js';
import { resolverOrder, type Surroundings } from '../policy/reference-host.js';
import { forecastKeys } from './kernel/predict-keys.js';

/**
 * `crash`: the real program dies of a signal. `refused`: the check says no. `checks-only`: the check passes and the load
 * fails with nothing installed. `partly`: the load fails, with something installed. `installs-nothing`: status 0 and
 * nothing there.
 */
export type PredictedVerdict = 'installs' | 'installs-nothing' | 'refused' | 'checks-only' | 'partly' | 'crash';

export interface ToolRun {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Prediction {
  readonly kind: FileKind;
  readonly verdict: PredictedVerdict;
  readonly check: ToolRun;
  readonly load: ToolRun;
  /** Rule lines or SAs as the tool lists them; `undefined` when the listing itself fails. */
  readonly installed: readonly string[] | undefined;
  /** Why the listing fails. */
  readonly listError?: string;
}

/** Keys, and words that may be keys, show as they are only when `secrets` says `written`. */
export function predictFile(
  kind: FileKind,
  text: string,
  { names, addresses }: Surroundings,
  secrets: 'written' | 'masked',
): Prediction {
  if (kind === 'keys') {
    const hostNames = resolverOrder(names);
    const { check, load, saved } = forecastKeys(text, { addresses, hostNames, secrets });
    return { kind, verdict: verdictOf(check, load, saved.length), check, load, installed: saved };
  }
  const { check, load, listing } = forecastPolicy(text, names);
  const installed = listing.rules.map((rule) => rule.text);
  const common = { kind, verdict: verdictOf(check, load, installed.length + (listing.refusal ? 1 : 0)), check, load };
  return listing.refusal === undefined
    ? { ...common, installed }
    : { ...common, installed: undefined, listError: `ipsecconf: ${listing.refusal}\n` };
}

/** Statuses from 128 on are signals: 134 SIGABRT, 139 SIGSEGV. */
export function isCrash({ exit }: Pick<ToolRun, 'exit'>): boolean {
  return exit >= 128;
}

function verdictOf(check: ToolRun, load: ToolRun, installed: number): PredictedVerdict {
  if (isCrash(check) || isCrash(load)) return 'crash';
  if (load.exit !== 0 && installed > 0) return 'partly';
  if (check.exit !== 0) return 'refused';
  if (load.exit !== 0) return 'checks-only';
  return installed > 0 ? 'installs' : 'installs-nothing';
}
