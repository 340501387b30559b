/** Cuts ike/config and ike.preshared into tokens with their places. Source: illumos ike.config(4), "Lexical Components". */

import type { SourcePosition } from '../errors.js';

export interface IkeToken {
  readonly kind: 'word' | 'string' | 'open' | 'close' | 'group';
  /** Of a string: without its quotes. Of a group: what stands between the round brackets. */
  readonly text: string;
  readonly at: SourcePosition;
  /** Where it begins and ends in the text, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

/** From `#` or `//` to the end of the line. */
export interface IkeComment {
  readonly mark: '#' | '//';
  /** Behind the mark, without blanks at the end. */
  readonly text: string;
  readonly at: SourcePosition;
  readonly start: number;
}

export interface Tokens {
  readonly tokens: readonly IkeToken[];
  readonly comments: readonly IkeComment[];
  /** Where a quote or bracket is opened and never closed. */
  readonly unclosed: IkeToken | undefined;
  readonly end: SourcePosition;
}

/** Takes note of a problem; reading goes on. */
export type Complain = (code: string, at: SourcePosition, what: string, todo: string) => void;

const BRACKETS: ReadonlyMap<string, 'open' | 'close'> = new Map([
  ['{', 'open'],
  ['}', 'close'],
]);

/** Comments run from `#` or `//` to the end of the line; a backslash before a newline counts for nothing. */
export function readTokens(text: string, file: string): Tokens {
  const tokens: IkeToken[] = [];
  const comments: IkeComment[] = [];
  const place = placesIn(text, file);
  for (let at = blankEnd(text, 0); at < text.length; at = blankEnd(text, at)) {
    const char = text.charAt(at);
    const bracket = BRACKETS.get(char);
    if (char === '#' || (char === '/' && text[at + 1] === '/')) {
      const mark = char === '#' ? '#' : '//';
      const end = lineEnd(text, at);
      comments.push({ mark, text: text.slice(at + mark.length, end).trimEnd(), at: place(at), start: at });
      at = end;
    } else if (bracket !== undefined) {
      tokens.push({ kind: bracket, text: char, at: place(at), start: at, end: at + 1 });
      at++;
    } else {
      const end = char === '"' ? stringEnd(text, at) : char === '(' ? groupEnd(text, at) : wordEnd(text, at);
      // An opening quote or a round bracket without its partner.
      if (end === undefined || end === at) {
        const unclosed = { kind: 'word', text: char, at: place(at), start: at, end: text.length } as const;
        return { tokens, comments, unclosed, end: place(at) };
      }
      const { kind, text: body } = tokenOf(text.slice(at, end));
      tokens.push({ kind, text: body, at: place(at), start: at, end });
      at = end;
    }
  }
  return { tokens, comments, unclosed: undefined, end: place(text.length) };
}

function tokenOf(written: string): Pick<IkeToken, 'kind' | 'text'> {
  if (written.startsWith('"')) return { kind: 'string', text: written.slice(1, -1).replace(/\\([\s\S])/g, '$1') };
  if (written.startsWith('(')) return { kind: 'group', text: written.slice(1, -1).trim() };
  return { kind: 'word', text: written };
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function stringEnd(text: string, from: number): number | undefined {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return undefined;
}

function groupEnd(text: string, from: number): number | undefined {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === ')') return at + 1;
    if (text[at] === '(') return undefined;
  }
  return undefined;
}

/** Behind white space, and backslashes that end a line. */
function blankEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && (isBlank(text.charCodeAt(at)) || isJoin(text, at))) at++;
  return at;
}

/** A slash belongs to a word but two in a row begin a comment; a backslash does unless it ends the line. */
function wordEnd(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (ENDS_WORD.has(code) || isBlank(code) || isJoin(text, at)) break;
    if (code === SLASH && text.charCodeAt(at + 1) === SLASH) break;
  }
  return at;
}

const SLASH = 47;
const ENDS_WORD = new Set(Array.from('{}()"#', (char) => char.charCodeAt(0)));

function isBlank(code: number): boolean {
  if (code < 128) return code === 32 || (code >= 9 && code <= 13);
  return /\s/.test(String.fromCharCode(code));
}

function isJoin(text: string, at: number): boolean {
  return text.charCodeAt(at) === 92 && text.charCodeAt(at + 1) === 10;
}

/** Places of offsets asked for in ascending order; columns count characters, not UTF-16 units. */
function placesIn(text: string, file: string): (offset: number) => SourcePosition {
  let line = 1;
  let column = 1;
  let at = 0;
  return (offset) => {
    while (at < offset) {
      const code = text.charCodeAt(at++);
      if (code === 10) {
        line++;
        column = 1;
      } else if (code < 0xdc00 || code > 0xdfff) column++;
    }
    return { file, line, column };
  };
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
