/** "Did you mean": the known word that a mistyped one is nearest to. */

import { distance } from 'fastest-levenshtein';

/** The nearest of `known` to `word`, or `undefined` when none is near enough to be what was meant. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const step = distance(wanted, candidate.toLowerCase());
    if (step < bestDistance) {
      best = candidate;
      bestDistance = step;
    }
  }
  return best;
}

/** `did you mean "hosts"?`, or the whole choice when nothing is near and it is short, or `otherwise`. */
export function suggestion(word: string, known: Iterable<string>, otherwise: string): string {
  const match = nearest(word, known);
  return match === undefined ? otherwise : `did you mean "${match}"?`;
}

/** `a, b or c` */
export function alternatives(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
