/** Faults of one link line, gathered by cause: a mesh of hundreds must not report each of its pairs. */

import type { Problem } from '../errors.js';
import { type Report, someOf } from './problem-list.js';

export interface LineFaults {
  /** @param words makes the problem from the text that names the links it concerns */
  readonly add: (cause: string, link: string, words: (links: string) => Problem) => void;
  readonly report: (report: Report) => void;
}

export function lineFaults(): LineFaults {
  const faults = new Map<string, { readonly links: string[]; readonly words: (links: string) => Problem }>();
  return {
    add: (cause, link, words) => {
      const known = faults.get(cause);
      if (known === undefined) faults.set(cause, { links: [link], words });
      else known.links.push(link);
    },
    report: (report) => {
      for (const { links, words } of faults.values()) report(words(someOf(links)));
    },
  };
}
