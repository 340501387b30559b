/** Walks the words of one ipseckeys command, keeping the note book's place in step. */

import type { KeyWord } from './parse-key-lines.js';
import type { NoteBook } from './parse-key-notes.js';

export class WordReader {
  private index = 0;

  constructor(
    private readonly words: readonly KeyWord[],
    readonly notes: NoteBook,
  ) {}

  /** The word that comes next, without taking it. */
  get next(): string | undefined {
    return this.words[this.index]?.text;
  }

  get afterNext(): string | undefined {
    return this.words[this.index + 1]?.text;
  }

  get left(): number {
    return this.words.length - this.index;
  }

  /** Takes the next word. Past the end it stays there: the tool would read on into memory that is not its own. */
  take(): string | undefined {
    const word = this.words[this.index];
    if (word === undefined) return undefined;
    this.index += 1;
    this.notes.at = { line: word.line, column: word.column };
    return word.text;
  }
}
