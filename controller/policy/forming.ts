/** What is known while an entry is being understood: messages so far, the style, where the words stand. */

import { lineOfWord, type Reader } from './lex-entry.js';
import type { NameTables } from './name-tables.js';
import type { Style } from './pattern-words.js';

/** How a part of an entry was taken. `crash`: the real program dies here. `exit`: it leaves at once, status 1. */
export type Taken = 'ok' | 'failed' | 'crash' | 'exit';

export interface Forming {
  readonly reader: Reader;
  readonly names: NameTables;
  /** For standard error. */
  readonly messages: string[];
  /** For standard output. */
  readonly printed: string[];
  style: Style | undefined;
  /** Whether a direction was written. */
  dirGiven: boolean;
  directions: { readonly in: boolean; readonly out: boolean };
  swapped: boolean;
}

export type Fault = 'Bad' | 'Duplicate' | 'Requires';

/** Reports `Bad Source Port on line: N` and the like for the word at `index` of the entry. */
export function complain(forming: Forming, fault: Fault, what: string, index: number): 'failed' {
  forming.messages.push(`${fault} ${what} on line: ${lineOfWord(forming.reader, index)}`);
  return 'failed';
}
