/** Tokens and comments of an in.iked file in one row, with the line breaks between them: what a document is read from. */

import type { IkeComment, IkeToken, Tokens } from './parse-ike-tokens.js';

export type IkeLexeme = IkeToken | (IkeComment & { readonly kind: 'comment'; readonly end: number });

/** A value as it is written, `"…"` or bare. */
export interface IkeValue {
  readonly text: string;
  readonly quoted: boolean;
}

export class LexemeReader {
  private readonly lexemes: readonly IkeLexeme[];
  private index = 0;

  constructor(
    private readonly text: string,
    { tokens, comments }: Tokens,
  ) {
    const marked = comments.map((one) => {
      return { ...one, kind: 'comment' as const, end: one.start + one.mark.length + one.text.length };
    });
    this.lexemes = [...tokens, ...marked].sort((a, b) => a.start - b.start);
  }

  get next(): IkeLexeme | undefined {
    return this.lexemes[this.index];
  }

  /** Line breaks between what was taken last and what comes next. */
  get breaks(): number {
    const before = this.text.slice(this.lastEnd, this.next?.start ?? this.text.length);
    return before.split('\n').length - 1;
  }

  /** Empty lines before what comes next. */
  get blanks(): number {
    return Math.max(0, this.breaks - (this.index === 0 ? 0 : 1));
  }

  get lastEnd(): number {
    return this.lexemes[this.index - 1]?.end ?? 0;
  }

  take(): IkeLexeme | undefined {
    const taken = this.next;
    if (taken !== undefined) this.index++;
    return taken;
  }

  /** Takes the next token, and puts comments before it aside. */
  takeToken(aside: IkeComment[]): IkeToken | undefined {
    for (;;) {
      const { next } = this;
      if (next?.kind === 'comment') aside.push(next);
      else return this.takeAs(next);
      this.index++;
    }
  }

  /** Takes a value; anything else stays. */
  takeValue(aside: IkeComment[]): IkeValue | undefined {
    const mark = this.mark();
    const kept = aside.length;
    const token = this.takeToken(aside);
    if (token?.kind === 'word' || token?.kind === 'string') {
      return { text: token.text, quoted: token.kind === 'string' };
    }
    this.back(mark);
    aside.length = kept;
    return undefined;
  }

  mark(): number {
    return this.index;
  }

  back(mark: number): void {
    this.index = mark;
  }

  /** Goes behind the bracket that closes the one at `mark`; the end of its text, or undefined when nothing closes it. */
  skipBlock(mark: number): number | undefined {
    let depth = 0;
    for (let i = mark; i < this.lexemes.length; i++) {
      const lexeme = this.lexemes[i];
      if (lexeme?.kind === 'open') depth++;
      if (lexeme?.kind === 'close') depth--;
      if (depth > 0 || lexeme?.kind !== 'close') continue;
      this.index = i + 1;
      return lexeme.end;
    }
    return undefined;
  }

  /** Goes to the end of the line, or behind the brackets opened on it; the end of the text passed. */
  skipLine(): number {
    let depth = 0;
    let end = this.lastEnd;
    for (let taken = this.take(); taken !== undefined; taken = this.take()) {
      ({ end } = taken);
      if (taken.kind === 'open') depth++;
      if (taken.kind === 'close') depth--;
      if (depth <= 0 && (this.breaks > 0 || this.next === undefined)) break;
    }
    return end;
  }

  private takeAs(token: IkeToken | undefined): IkeToken | undefined {
    if (token !== undefined) this.index++;
    return token;
  }
}

/** A value as it is read back. */
export function valueText({ text, quoted }: IkeValue): string {
  return quoted ? `"${text.replace(/["\\]/g, '\\$&')}"` : text;
}

/** A line whose last character is a backslash would go on in the next one. */
export function endedLine(line: string): string {
  return line.endsWith('\\') ? `${line} ` : line;
}
