/** Cuts ike/config and ike.preshared into tokens with their places. Source: illumos ike.config(4), "Lexical Components". */

import type { SourcePosition } from '../errors.js';

export interface IkeToken {
  readonly kind: 'word' | 'string' | 'open' | 'close' | 'group';
  /** Of a string: without its quotes. Of a group: what stands between the round brackets. */
  readonly text: string;
  readonly at: SourcePosition;
}

export interface Tokens {
  readonly tokens: readonly IkeToken[];
  /** Where a quote or bracket is opened and never closed. */
  readonly unclosed: IkeToken | undefined;
  readonly end: SourcePosition;
}

/** Takes note of a problem; reading goes on. */
export type Complain = (code: string, at: SourcePosition, what: string, todo: string) => void;

/** Comments run from `#` or `//` to the end of the line; a backslash before a newline counts for nothing. */
export function readTokens(text: string, file: string): Tokens {
  const tokens: IkeToken[] = [];
  let line = 1;
  let column = 1;
  let at = 0;
  const here = (): SourcePosition => ({ file, line, column });
  const advance = (count: number): void => {
    for (const char of text.slice(at, at + count)) {
      if (char === '\n') {
        line += 1;
        column = 1;
      } else column += 1;
    }
    at += count;
  };
  const patterns: readonly (readonly [RegExp, (found: RegExpExecArray) => IkeToken | undefined])[] = [
    [/(?:\s|\\\n|#[^\n]*|\/\/[^\n]*)+/y, () => undefined],
    [/"((?:[^"\\]|\\[\s\S])*)"/y, ([, body = '']) => token('string', body.replace(/\\([\s\S])/g, '$1'))],
    [/\(([^()]*)\)/y, ([, body = '']) => token('group', body.trim())],
    [/\{/y, () => token('open', '{')],
    [/\}/y, () => token('close', '}')],
    [/(?:[^\s{}()"#\\/]|\/(?!\/)|\\(?!\n))+/y, ([word]) => token('word', word)],
  ];
  const token = (kind: IkeToken['kind'], body: string): IkeToken => ({ kind, text: body, at: here() });
  while (at < text.length) {
    let taken = false;
    for (const [pattern, make] of patterns) {
      pattern.lastIndex = at;
      const found = pattern.exec(text);
      if (found === null) continue;
      const made = make(found);
      if (made !== undefined) tokens.push(made);
      advance(found[0].length);
      taken = true;
      break;
    }
    // Only an opening quote or a round bracket without its partner is left.
    if (!taken) return { tokens, unclosed: token('word', text.charAt(at)), end: here() };
  }
  return { tokens, unclosed: undefined, end: here() };
}

/** Walks tokens; remembers the last place for complaints about an early end. */
export class TokenReader {
  private index = 0;

  constructor(
    private readonly tokens: readonly IkeToken[],
    private readonly end: SourcePosition,
  ) {}

  get next(): IkeToken | undefined {
    return this.tokens[this.index];
  }

  get at(): SourcePosition {
    return this.next?.at ?? this.end;
  }

  take(): IkeToken | undefined {
    const token = this.tokens[this.index];
    if (token !== undefined) this.index += 1;
    return token;
  }

  /** Takes the next token if it is a value: a word or a string. */
  takeValue(): IkeToken | undefined {
    return this.next?.kind === 'word' || this.next?.kind === 'string' ? this.take() : undefined;
  }

  takeIf(kind: IkeToken['kind']): IkeToken | undefined {
    return this.next?.kind === kind ? this.take() : undefined;
  }

  /** Goes on behind the bracket that closes the block being read. */
  skipBlock(): void {
    let depth = 1;
    while (depth > 0) {
      const token = this.take();
      if (token === undefined) return;
      if (token.kind === 'open') depth += 1;
      if (token.kind === 'close') depth -= 1;
    }
  }
}
