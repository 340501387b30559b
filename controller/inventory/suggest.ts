/** "Did you mean": the known word that a mistyped one is nearest to. */

import { distance } from 'fastest-levenshtein';

/** The nearest of `known` to `word`, or `undefined` when none is near enough to be what was meant. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = tolerance(word.length) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const step = isSwapped(wanted, candidate.toLowerCase()) ? 1 : distance(wanted, candidate.toLowerCase());
    if (step < bestDistance) {
      best = candidate;
      bestDistance = step;
    }
  }
  return best;
}

/** Edits that may lie between a word and what was meant; two letters swapped are one. */
function tolerance(length: number): number {
  if (length < 4) return length < 2 ? 0 : 1;
  return Math.max(2, Math.floor(length / 3));
}

/** Whether two neighbouring letters changed places, the commonest slip. */
function isSwapped(a: string, b: string): boolean {
  const i = [...a].findIndex((letter, at) => letter !== b[at]);
  return i >= 0 && a.slice(0, i) + (a[i + 1] ?? '') + (a[i] ?? '') + a.slice(i + 2) === b;
}

/** `did you mean "hosts"?`, or `otherwise` when nothing is near. */
export function suggestion(word: string, known: Iterable<string>, otherwise: string): string {
  const match = nearest(word, known);
  return match === undefined ? otherwise : `did you mean "${match}"?`;
}

/** `a, b or c` */
export function alternatives(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
