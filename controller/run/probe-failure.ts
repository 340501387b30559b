/** Why a group is taken back after its links were tried, in a sentence that names link, flow, verdict and evidence. */

import type { ProbeResult } from '../model/link-probe.js';

/** `lost`: hosts whose connection broke while they were asked, and how. `undefined`: nothing speaks against confirming. */
export function probeFailure(results: readonly ProbeResult[], lost: ReadonlyMap<string, string>): string | undefined {
  const broken = results.flatMap((one) => (one.state === 'broken' ? [one] : []));
  const [worst] = broken.toSorted((a, b) => rank(a.fault) - rank(b.fault));
  if (worst !== undefined) {
    const others = broken.length - 1;
    const more =
      others === 0 ? '' : `; and ${others} more ${others === 1 ? 'flow does' : 'flows do'} not do as promised`;
    return `${brokenSentence(worst)}${more}`;
  }
  const [[host, reason] = []] = lost;
  if (host === undefined || reason === undefined) return undefined;
  return `contact with ${host} was lost while its links were tried (${reason})`;
}

/** What is open to the wrong people is worse than what does not work; a cause that is known says more than none. */
function rank(fault: Extract<ProbeResult, { state: 'broken' }>['fault']): number {
  if (fault === 'in-the-clear' || fault === 'not-refused') return 0;
  return fault === 'no-answer' ? 2 : 1;
}

/** `link db1--web1: web1 → db1 tcp/22 must be protected (key-mismatch): …` */
function brokenSentence(result: Extract<ProbeResult, { state: 'broken' }>): string {
  const { link, from, to, flow, expect, fault, evidence, cause } = result;
  const of = link === undefined ? '' : `link ${link}: `;
  const must = expect === 'clear' ? 'pass in the clear' : `be ${expect}`;
  return `${of}${from} → ${to} ${flow} must ${must} (${fault}): ${evidence}; likely ${cause}`;
}
