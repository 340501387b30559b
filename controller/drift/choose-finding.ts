/** The findings of a host that an operator means by a word: an id, a kind, or the beginning of an id that no other shares. */

import { OperatorError } from '../errors.js';

export interface Candidate {
  readonly id: string;
  readonly kind: string;
  readonly what: string;
}

/** Longer lists are cut. */
const MOST_LISTED = 20;

/**
 * A kind stands for all findings of that kind.
 * @param candidates the findings of this host that may be meant
 * @param none what to say, and to do, where there is no candidate at all
 * @throws OperatorError FINDING_UNKNOWN, FINDING_AMBIGUOUS; both list what may be meant
 */
export function chooseFindings(
  word: string,
  host: string,
  candidates: readonly Candidate[],
  none: { readonly what: string; readonly todo: string },
): readonly string[] {
  const ids = [...new Set(candidates.map(({ id }) => id))];
  if (ids.includes(word)) return [word];
  const ofKind = candidates.filter(({ kind }) => kind === word).map(({ id }) => id);
  if (ofKind.length > 0) return [...new Set(ofKind)];
  if (candidates.length === 0) throw new OperatorError('FINDING_UNKNOWN', { ...none, where: host });
  const meant = word === '' ? [] : ids.filter((id) => id.startsWith(word));
  if (meant.length === 1) return meant;
  const several = candidates.filter(({ id }) => meant.includes(id));
  throw meant.length > 1
    ? new OperatorError('FINDING_AMBIGUOUS', {
        what: `${JSON.stringify(word)} may be any of ${meant.length} findings`,
        where: host,
        todo: `say which:\n${listed(several)}`,
      })
    : new OperatorError('FINDING_UNKNOWN', {
        what: `there is no finding ${JSON.stringify(word.slice(0, 80))}`,
        where: host,
        todo: `name one of these, by its id or kind or the beginning of its id:\n${listed(candidates)}`,
      });
}

function listed(candidates: readonly Candidate[]): string {
  const lines = candidates
    .slice(0, MOST_LISTED)
    // Words of a host may hold line breaks, and must not look like lines of ours.
    .map(({ id, what }) => `${id}  ${what.replace(/\s+/g, ' ')}`);
  const left = candidates.length - lines.length;
  return [...lines, ...(left > 0 ? [`… and ${left} more: ipsec-deploy drift incidents`] : [])].join('\n');
}
