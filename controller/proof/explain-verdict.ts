/** Whether traffic works between two ends, both ways, in one sentence: a connection needs its answers. */

import type { ExplainedWay, Explanation } from './explain-flow.js';

export interface ExplainVerdict {
  /** `mixed`: some is protected and some in the clear. */
  readonly kind: 'protected' | 'clear' | 'refused' | 'mixed';
  /** Whether what was asked about passes there and back, for every pair of addresses. */
  readonly passes: boolean;
  readonly text: string;
}

/** What the greatest part of each way decides; exceptions are told with the ways. */
export function explainVerdict({ there, back }: Explanation): ExplainVerdict {
  const ways = [...there, ...back];
  const main = ways.flatMap(({ sums: [first] }) => first ?? []);
  const exceptions = ways.some(({ sums }) => sums.length > 1) ? ', with exceptions' : '';
  const lost = (some: readonly ExplainedWay[]): boolean => some.some(({ sums: [first] }) => first?.kind === 'refused');
  const [lostThere, lostBack] = [lost(there), lost(back)];
  if (lostThere || lostBack) {
    const where =
      lostThere && lostBack
        ? 'both ways'
        : lostThere
          ? 'on the way there; the way back is open'
          : 'on the way back: the way there is open, and no answer comes';
    return { kind: 'refused', passes: false, text: `refused ${where}${exceptions}` };
  }
  const kinds = new Set(main.map(({ kind }) => kind));
  if (kinds.size > 1)
    return { kind: 'mixed', passes: true, text: `protected in part, in the clear in part${exceptions}` };
  const kind = kinds.has('protected') ? 'protected' : 'clear';
  const words = kind === 'protected' ? 'protected' : 'in the clear';
  return { kind, passes: true, text: `${words}, both ways${exceptions}` };
}
